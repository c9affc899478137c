/**
 * The set of hosts whose encapsulated packets are accepted (pure): what it should hold, what `ipset save` says it holds, and the input of
 * `ipset -exist restore` that makes the one the other.
 *
 * The type is hash:net, so that whole networks can stand beside addresses. The kernel swaps only sets of one type and family, and destroys
 * none that a rule refers to: one of another type gives way to the spare set first (docs of the steps at {@link setPlan}).
 */
import { type AddressFamily, addressBits, addressFamily, type IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../core/prefix.js';

/** A family's two sets, and the type of both. A set holds addresses of one family only. */
export interface SetKind {
  readonly family: AddressFamily;
  readonly main: string;
  readonly spare: string;
  readonly type: string;
}

export const setKinds: Readonly<Record<AddressFamily, SetKind>> = {
  ipv4: { family: 'ipv4', main: 'margay-hosts', spare: 'margay-hosts-spare', type: 'hash:net family inet' },
  ipv6: {
    family: 'ipv6',
    main: 'margay-hosts6',
    spare: 'margay-hosts6-spare',
    type: 'hash:net family inet6',
  },
};
export const HOSTS_SET = setKinds.ipv4.main;
export const SPARE_SET = setKinds.ipv4.spare;

/** A set that an agent made, of this version or another. */
export function isOwnSet(name: string, { main, spare }: SetKind): boolean {
  return name === main || name === spare;
}

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

/** What the set should hold: what is of its family. */
export function wantedElements(
  hosts: readonly IpAddress[],
  networks: readonly Prefix[],
  { family }: SetKind,
): ReadonlySet<Element> {
  const elements = new Set<Element>();
  for (const host of hosts) if (addressFamily(host) === family) elements.add(host);
  for (const network of networks) {
    if (prefixFamily(network) !== family) continue;
    const length = prefixLength(network);
    // A set of networks takes none of length 0.
    if (length === 0) for (const half of halves[family]) elements.add(half);
    else elements.add(length === addressBits(family) ? prefixAddress(network) : network);
  }
  return elements;
}

const halves: Readonly<Record<AddressFamily, readonly Element[]>> = {
  ipv4: ['0.0.0.0/1', '128.0.0.0/1'],
  ipv6: ['::/1', '8000::/1'],
};

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
export function isFit(set: FoundSet, count: number, { type }: SetKind): boolean {
  return set.type === type && set.plain && set.members.size + set.odd.size + count <= set.maxelem;
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
  kind: SetKind,
): SetChange {
  const added: Element[] = [];
  for (const element of wanted) if (!set.members.has(element)) added.push(element);
  const deleted: Element[] = [];
  if (trim) {
    for (const found of [set.members, set.odd])
      for (const element of found) if (!wanted.has(element)) deleted.push(element);
  }
  const lines = added.map(element => `add ${name} ${element}`);
  const swap = name === kind.main && deleted.length >= SWAP_FROM_DELETIONS && deleted.length > wanted.size;
  if (swap) lines.push(...swapLines(wanted, spare, kind));
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
  kind: SetKind,
): SetPlan {
  if (main === undefined || !mainReferenced) {
    const destroy = main === undefined ? [] : [`destroy ${kind.main}`];
    const input = inputOf([...destroy, ...buildLines(kind.main, wanted, kind)]);
    const obsolete = spare === undefined ? [] : [kind.spare];
    return { use: kind.main, input, set: builtSet(wanted, kind), obsolete };
  }
  if (main.type === kind.type) {
    const members = new Set([...main.members, ...wanted]);
    const input = inputOf(swapLines(members, spare !== undefined, kind));
    return { use: kind.main, input, set: builtSet(members, kind), obsolete: [] };
  }
  const obsolete = [kind.main];
  if (spare !== undefined && isFit(spare, wanted.size, kind)) {
    const change = setChange(kind.spare, spare, wanted, { trim: false, spare: true }, kind);
    return { use: kind.spare, input: change.input, set: changedSet(spare, change), obsolete };
  }
  const destroy = spare === undefined ? [] : [`destroy ${kind.spare}`];
  const input = inputOf([...destroy, ...buildLines(kind.spare, wanted, kind)]);
  return { use: kind.spare, input, set: builtSet(wanted, kind), obsolete };
}

function swapLines(members: ReadonlySet<Element>, spare: boolean, kind: SetKind): readonly string[] {
  return [
    ...(spare ? [`destroy ${kind.spare}`] : []),
    ...buildLines(kind.spare, members, kind),
    `swap ${kind.spare} ${kind.main}`,
    `destroy ${kind.spare}`,
  ];
}

function buildLines(name: string, members: ReadonlySet<Element>, { type }: SetKind): readonly string[] {
  return [
    `create ${name} ${type} maxelem ${maxelemFor(members)}`,
    ...[...members].map(element => `add ${name} ${element}`),
  ];
}

function builtSet(members: ReadonlySet<Element>, { type }: SetKind): FoundSet {
  return { type, plain: true, maxelem: maxelemFor(members), members, odd: new Set() };
}

/** Room for twice as many. */
function maxelemFor({ size }: ReadonlySet<Element>): number {
  return Math.max(LEAST_MAXELEM, 2 ** Math.ceil(Math.log2(2 * size + 1)));
}

function inputOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
