/**
 * The rules in front of tunnels (pure): encapsulated packets are accepted from known hosts only, none from a workload's interface, whatever
 * source it gives itself, and only encapsulations that this host receives are looked at. One rule in INPUT, known by its comment, jumps to a chain of ours. Each rule's comment names what it is for and
 * ends in a hash of the rule, so that what is read back is compared by comments: every version of iptables prints the rest its own way.
 */
import { TUNNEL_GUARD_COMMENT } from '../linux/rule-comments.js';
import { commentOf, policyOf, policyRulesFirst, restoreInput, rulesOf } from './packet-filter-text.js';

/** What a tunnel's packets travel in. */
export type GuardedEncapsulation =
  | { readonly kind: 'ipip' }
  | { readonly kind: 'vxlan'; readonly port: number }
  | { readonly kind: 'udp'; readonly port: number };

const CHAIN = 'margay-input';
const JUMP = `-m comment --comment "${TUNNEL_GUARD_COMMENT}" -j ${CHAIN}`;

/** What `iptables -S` must be asked for. */
export const listedInputChains = { base: 'INPUT', own: CHAIN } as const;

/** One variant's INPUT chain, and ours. */
export interface InputChain {
  readonly policy: string;
  /** Our rules in INPUT, as they are printed. */
  readonly jumps: readonly string[];
  /** Rules of policy at the beginning of INPUT. */
  readonly policyRules: number;
  /** What our chain holds, as it is printed; undefined: there is none. */
  readonly ownRules: readonly string[] | undefined;
}

export const noInputChain: InputChain = {
  policy: 'ACCEPT',
  jumps: [],
  policyRules: 0,
  ownRules: undefined,
};

/** @param input what `iptables -S INPUT` prints @param own `iptables -S margay-input`, undefined: no such chain */
export function parseInputChain(input: string, own: string | undefined): InputChain {
  return {
    policy: policyOf(input),
    jumps: rulesOf(input).filter(rule => commentOf(rule) === TUNNEL_GUARD_COMMENT),
    policyRules: policyRulesFirst(rulesOf(input)),
    ownRules: own === undefined ? undefined : rulesOf(own),
  };
}

/** Whether a rule of ours matches against that set: one that it does keeps it from being destroyed. */
export function refersTo({ ownRules = [] }: InputChain, set: string): boolean {
  return ownRules.some(rule => rule.includes(` --match-set ${set} `));
}

/** "ipip", "vxlan/4789" */
export function encapsulationKey(encapsulation: GuardedEncapsulation): string {
  return encapsulation.kind === 'ipip' ? 'ipip' : `${encapsulation.kind}/${encapsulation.port}`;
}

/** For people: "IPIP", "VXLAN (UDP port 4789)". */
export function encapsulationWords(encapsulation: GuardedEncapsulation): string {
  switch (encapsulation.kind) {
    case 'ipip':
      return 'IPIP';
    case 'vxlan':
      return `VXLAN (UDP port ${encapsulation.port})`;
    case 'udp':
      return `UDP port ${encapsulation.port}`;
  }
}

/** What packets are guarded. */
export interface GuardedInput {
  readonly receives: readonly GuardedEncapsulation[];
  /** What the names of workloads' interfaces begin with. */
  readonly workloadInterfacePrefixes: readonly string[];
}

/** What our chain should hold, whatever the order of the encapsulations. */
export function guardRules(
  { receives, workloadInterfacePrefixes }: GuardedInput,
  set: string,
): readonly string[] {
  const byKey = new Map(receives.map(one => [encapsulationKey(one), one]));
  return [...byKey.keys()].toSorted().flatMap(key => {
    const encapsulation = byKey.get(key)!;
    // A workload can give its packets the source of a known host.
    const notFrom = workloadInterfacePrefixes.map(prefix =>
      rule(key, `${packetsOf(encapsulation)} -i ${prefix}+`, 'DROP'),
    );
    return [...notFrom, ...rulesFor(encapsulation, set)];
  });
}

function rulesFor(encapsulation: GuardedEncapsulation, set: string): readonly string[] {
  const known = `-m addrtype --dst-type LOCAL -m set --match-set ${set} src`;
  const key = encapsulationKey(encapsulation);
  const packets = packetsOf(encapsulation);
  return [
    rule(key, `${packets} ${known}`, 'ACCEPT'),
    // Broadcast and multicast too.
    rule(key, packets, 'DROP'),
  ];
}

/** IP protocol 4 has no name that every version knows. */
function packetsOf(encapsulation: GuardedEncapsulation): string {
  return encapsulation.kind === 'ipip' ? '-p 4' : `-p udp --dport ${encapsulation.port}`;
}

function rule(key: string, match: string, target: string): string {
  const comment = `margay:${key}:${hash(`${match} ${target}`)}`;
  return `-A ${CHAIN} ${match} -m comment --comment "${comment}" -j ${target}`;
}

/** FNV-1a, 32 bits, in hexadecimal. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}

/**
 * Input of `iptables-restore --noflush` that makes our rules what they should be, at one stroke; undefined: they are. Our rule in INPUT goes
 * before all others but policy's when it is written, and is left where it is afterwards: two that both insist on being first would never rest.
 */
export function inputPlan(chain: InputChain, rules: readonly string[]): string | undefined {
  if (rules.length === 0) return removalPlan(chain);
  const ruled = sameComments(chain.ownRules, rules);
  const jumped = chain.jumps.length === 1 && isOwnJump(chain.jumps[0]!);
  if (ruled && jumped) return undefined;
  // Naming the chain empties it, or makes it.
  const lines = ruled ? [] : [`:${CHAIN} - [0:0]`, ...rules];
  if (!jumped) lines.push(...chain.jumps.map(deletion), `-I INPUT ${chain.policyRules + 1} ${JUMP}`);
  return restoreInput(lines);
}

/** The same that takes them away; undefined: there are none. */
export function removalPlan({ jumps, ownRules }: InputChain): string | undefined {
  if (jumps.length === 0 && ownRules === undefined) return undefined;
  const lines = jumps.map(deletion);
  if (ownRules !== undefined) lines.push(`-F ${CHAIN}`, `-X ${CHAIN}`);
  return restoreInput(lines);
}

/** What {@link inputPlan} has made of it. */
export function plannedChain({ policy, policyRules }: InputChain, rules: readonly string[]): InputChain {
  if (rules.length === 0) return { policy, policyRules, jumps: [], ownRules: undefined };
  return { policy, policyRules, jumps: [`-A INPUT ${JUMP}`], ownRules: rules };
}

/** The encapsulations that only hosts in the set get through with, by nothing but the chains. */
export function guardedBy(
  { jumps, ownRules = [] }: InputChain,
  set: string,
): readonly GuardedEncapsulation[] {
  if (!jumps.some(isOwnJump)) return [];
  const comments = new Set(ownRules.map(commentOf));
  const keys = new Set([...comments].map(comment => /^margay:([^:]+):/.exec(comment ?? '')?.[1] ?? ''));
  return [...keys]
    .flatMap(key => encapsulationOf(key) ?? [])
    .filter(one => rulesFor(one, set).every(text => comments.has(commentOf(text))));
}

/** The inverse of {@link encapsulationKey}. */
function encapsulationOf(key: string): GuardedEncapsulation | undefined {
  if (key === 'ipip') return { kind: 'ipip' };
  const [, kind, port] = /^(vxlan|udp)\/(\d{1,5})$/.exec(key) ?? [];
  return kind === undefined ? undefined : { kind: kind as 'vxlan' | 'udp', port: Number(port) };
}

function sameComments(found: readonly string[] | undefined, rules: readonly string[]): boolean {
  return found?.map(commentOf).join('\n') === rules.map(commentOf).join('\n');
}

/** Without any condition. */
function isOwnJump(printed: string): boolean {
  return printed.replaceAll('"', '') === `-A INPUT ${JUMP.replaceAll('"', '')}`;
}

function deletion(printed: string): string {
  return printed.replace(/^-A/, '-D');
}
