/**
 * The set of hosts whose encapsulated packets are accepted (pure): what it should hold, what `ipset save` says it holds, and the input of
 * `ipset -exist restore` that makes the one the other.
 *
 * The type is hash:net, so that whole networks can stand beside addresses. The kernel swaps only sets of one type and family, and destroys
 * none that a rule refers to: one of another type gives way to the spare set first (docs of the steps at {@link setPlan}).
 */
import { addressFamily, type IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../core/prefix.js';

/** IPv4. The name of its IPv6 twin, should there be one, ends in 6. */
export const HOSTS_SET = 'margay-hosts';
export const SPARE_SET = 'margay-hosts-spare';

/** A set that an agent made, of this version or another. */
export function isOwnSet(name: string): boolean {
  return /^margay-hosts6?(-spare)?$/.test(name);
}

const TYPE = 'hash:net family inet';
/** An upper limit, not memory. */
const LEAST_MAXELEM = 1 << 20;
/** Removing so many, and more than stay, takes longer than a new set. */
const SWAP_FROM_DELETIONS = 1000;

/** An address, or a network as ADDRESS/LENGTH with a length of 1 to 31: as ipset prints them. */
export type Element = string;

/** What `ipset save` says of one set. */
export interface FoundSet {
  /** "hash:net family inet" */
  readonly type: string;
  /** Nothing but the type and its sizes: elements that expire or count are another set's. */
  readonly plain: boolean;
  readonly maxelem: number;
  readonly members: ReadonlySet<Element>;
  /** Elements with something of their own, e.g. "nomatch": to be written over, or deleted. */
  readonly odd: ReadonlySet<Element>;
}

/** What the set should hold. IPv6 is left out: nothing is received by it. */
export function wantedElements(
  hosts: readonly IpAddress[],
  networks: readonly Prefix[],
): ReadonlySet<Element> {
  const elements = new Set<Element>();
  for (const host of hosts) if (addressFamily(host) === 'ipv4') elements.add(host);
  for (const network of networks) {
    if (prefixFamily(network) !== 'ipv4') continue;
    const length = prefixLength(network);
    // A set of networks takes none of length 0.
    if (length === 0) elements.add('0.0.0.0/1').add('128.0.0.0/1');
    else elements.add(length === 32 ? prefixAddress(network) : network);
  }
  return elements;
}

/** @param saved what `ipset save NAME` prints */
export function parseSavedSet(saved: string): FoundSet {
  const [head = '', ...lines] = saved.split('\n');
  const [, , kind = '', ...words] = head.split(' ');
  const options = words.join(' ');
  const family = /\bfamily (\S+)/.exec(options)?.[1];
  const sizes = /\b(?:family|hashsize|maxelem|bucketsize|initval) \S+/g;
  const members = new Set<Element>();
  const odd = new Set<Element>();
  for (const line of lines) {
    if (!line.startsWith('add ')) continue;
    const element = line.slice(line.indexOf(' ', 4) + 1);
    const end = element.indexOf(' ');
    if (end < 0) members.add(element);
    else odd.add(element.slice(0, end));
  }
  return {
    type: family === undefined ? kind : `${kind} family ${family}`,
    plain: options.replaceAll(sizes, '').trim() === '',
    maxelem: Number(/\bmaxelem (\d+)/.exec(options)?.[1] ?? 0),
    members,
    odd,
  };
}

/** Whether rules may go on using the set, with `count` elements more at most. */
export function isFit(set: FoundSet, count: number): boolean {
  return set.type === TYPE && set.plain && set.members.size + set.odd.size + count <= set.maxelem;
}

export interface SetChange {
  /** Of `ipset -exist restore`; undefined: nothing differs. */
  readonly input: string | undefined;
  readonly added: readonly Element[];
  readonly deleted: readonly Element[];
}

/**
 * The difference between a set that {@link isFit} and what it should hold, additions first.
 *
 * @param trim whether what is not wanted may go
 * @param spare whether there is a spare set, left over
 */
export function setChange(
  name: string,
  set: FoundSet,
  wanted: ReadonlySet<Element>,
  { trim, spare }: { readonly trim: boolean; readonly spare: boolean },
): SetChange {
  const added: Element[] = [];
  for (const element of wanted) if (!set.members.has(element)) added.push(element);
  const deleted: Element[] = [];
  if (trim) {
    for (const found of [set.members, set.odd])
      for (const element of found) if (!wanted.has(element)) deleted.push(element);
  }
  const lines = added.map(element => `add ${name} ${element}`);
  const swap = name === HOSTS_SET && deleted.length >= SWAP_FROM_DELETIONS && deleted.length > wanted.size;
  if (swap) lines.push(...swapLines(wanted, spare));
  else for (const element of deleted) lines.push(`del ${name} ${element}`);
  return { input: lines.length === 0 ? undefined : inputOf(lines), added, deleted };
}

/** What {@link setChange} has made of it. */
export function changedSet(set: FoundSet, { added, deleted }: SetChange): FoundSet {
  const members = new Set(set.members);
  const odd = new Set(set.odd);
  for (const element of added) {
    members.add(element);
    odd.delete(element);
  }
  for (const element of deleted) {
    members.delete(element);
    odd.delete(element);
  }
  return { ...set, members, odd };
}

/** What is known of the kernel when the set in use has to be made. */
export interface SetSituation {
  readonly main: FoundSet | undefined;
  readonly spare: FoundSet | undefined;
  /** Something refers to the main set, so that it cannot be destroyed now. */
  readonly mainReferenced: boolean;
}

export interface SetPlan {
  /** What rules are to refer to. */
  readonly use: string;
  readonly input: string | undefined;
  /** What `use` is afterwards. */
  readonly set: FoundSet;
  /** To be destroyed once no rule refers to them. */
  readonly obsolete: readonly string[];
}

/**
 * How to come by a set that holds at least what is wanted, where the main one is missing or not fit. A main set that rules refer to, of the
 * right type, is swapped with one built beside it; of another type, rules go over to the spare set, then it is destroyed, and the next plan
 * finds it missing and brings the rules back. At no moment is there a rule without its set, or a set without the hosts it held.
 */
export function setPlan(
  { main, spare, mainReferenced }: SetSituation,
  wanted: ReadonlySet<Element>,
): SetPlan {
  if (main === undefined || !mainReferenced) {
    const destroy = main === undefined ? [] : [`destroy ${HOSTS_SET}`];
    const input = inputOf([...destroy, ...buildLines(HOSTS_SET, wanted)]);
    return { use: HOSTS_SET, input, set: builtSet(wanted), obsolete: spare === undefined ? [] : [SPARE_SET] };
  }
  if (main.type === TYPE) {
    const members = new Set([...main.members, ...wanted]);
    const input = inputOf(swapLines(members, spare !== undefined));
    return { use: HOSTS_SET, input, set: builtSet(members), obsolete: [] };
  }
  const obsolete = [HOSTS_SET];
  if (spare !== undefined && isFit(spare, wanted.size)) {
    const change = setChange(SPARE_SET, spare, wanted, { trim: false, spare: true });
    return { use: SPARE_SET, input: change.input, set: changedSet(spare, change), obsolete };
  }
  const destroy = spare === undefined ? [] : [`destroy ${SPARE_SET}`];
  const input = inputOf([...destroy, ...buildLines(SPARE_SET, wanted)]);
  return { use: SPARE_SET, input, set: builtSet(wanted), obsolete };
}

function swapLines(members: ReadonlySet<Element>, spare: boolean): readonly string[] {
  return [
    ...(spare ? [`destroy ${SPARE_SET}`] : []),
    ...buildLines(SPARE_SET, members),
    `swap ${SPARE_SET} ${HOSTS_SET}`,
    `destroy ${SPARE_SET}`,
  ];
}

function buildLines(name: string, members: ReadonlySet<Element>): readonly string[] {
  return [
    `create ${name} ${TYPE} maxelem ${maxelemFor(members)}`,
    ...[...members].map(element => `add ${name} ${element}`),
  ];
}

function builtSet(members: ReadonlySet<Element>): FoundSet {
  return { type: TYPE, plain: true, maxelem: maxelemFor(members), members, odd: new Set() };
}

/** Room for twice as many. */
function maxelemFor({ size }: ReadonlySet<Element>): number {
  return Math.max(LEAST_MAXELEM, 2 ** Math.ceil(Math.log2(2 * size + 1)));
}

function inputOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
