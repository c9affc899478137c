/**
 * What a rule of policy matches, in the words of iptables. One rule of iptables takes one network for each end and fifteen ports; what does
 * not fit is tested beforehand, thing by thing, by rules that leave a bit in the mark (blocks).
 */
import type { AddressFamily } from '../../core/ip-address.js';
import { type Prefix, prefixFamily, prefixLength } from '../../core/prefix.js';
import type { IcmpMatch, PortRange, Rule, RuleSide } from '../model.js';
import { isMarked, isUnmarked, type Marks, mark, unmark } from './marks.js';
import { setName } from './names.js';
import { PORT_PROTOCOLS, protocolMatch } from './rule-text.js';

export interface RuleMatch {
  /** Texts of rules, targets included, that come before. */
  readonly blocks: readonly string[];
  /** Without a target; empty: everything. */
  readonly match: string;
}

/** `undefined`: the rule matches no packet of this family. */
export function renderMatch(rule: Rule, family: AddressFamily, marks: Marks): RuleMatch | undefined {
  const protocol = wantedProtocol(rule, family);
  if ((rule.family !== undefined && rule.family !== family) || protocol === 'none') return undefined;
  const parts: Parts = { source: '', destination: '', matches: [], anyOf: [], noneOf: [] };
  if (!addSide(parts, rule.source, ends.source, protocol, family)) return undefined;
  if (!addSide(parts, rule.destination, ends.destination, protocol, family)) return undefined;
  const icmp = addIcmp(parts, rule, protocol, family);
  const blocks = renderBlocks(parts, marks);
  const whole = [
    parts.source,
    parts.destination,
    protocolWords(protocol, rule.notProtocol),
    ...icmp,
    ...parts.matches,
    blocks.length > 0 ? isMarked(marks.allBlocks) : '',
  ];
  return { blocks, match: whole.filter(word => word !== '').join(' ') };
}

interface Parts {
  source: string;
  destination: string;
  readonly matches: string[];
  /** One match of each must hold. */
  readonly anyOf: string[][];
  /** None of these. */
  readonly noneOf: string[];
}

function renderBlocks({ anyOf, noneOf }: Parts, { allBlocks, thisBlock }: Marks): string[] {
  if (anyOf.length === 0 && noneOf.length === 0) return [];
  const blocks = [mark(allBlocks, allBlocks | thisBlock)];
  for (const [i, matches] of anyOf.entries()) {
    if (i > 0) blocks.push(unmark(thisBlock));
    for (const match of matches) blocks.push(`${match} ${mark(thisBlock)}`);
    blocks.push(`${isUnmarked(thisBlock)} ${unmark(allBlocks)}`);
  }
  for (const match of noneOf) blocks.push(`${match} ${unmark(allBlocks)}`);
  return blocks;
}

// ---------------------------------------------------------------- protocols

const icmpOf: Readonly<Record<AddressFamily, number>> = { ipv4: 1, ipv6: 58 };

/** The one that the packet must have; `undefined`: any. */
function wantedProtocol(
  { protocol, notProtocol, icmp }: Rule,
  family: AddressFamily,
): number | undefined | 'none' {
  if (icmp !== undefined && protocol !== undefined && protocol !== icmpOf[family]) return 'none';
  const wanted = icmp === undefined ? protocol : icmpOf[family];
  return wanted !== undefined && wanted === notProtocol ? 'none' : wanted;
}

function protocolWords(protocol: number | undefined, notProtocol: number | undefined): string {
  if (protocol !== undefined) return protocolMatch(protocol);
  return notProtocol === undefined ? '' : `! ${protocolMatch(notProtocol)}`;
}

/** A rule takes one match of ICMP, and only if it is for ICMP alone. */
function addIcmp(
  { noneOf }: Parts,
  { icmp, notIcmp }: Rule,
  protocol: number | undefined,
  family: AddressFamily,
): string[] {
  const own = icmpOf[family];
  const inline = icmp === undefined ? [] : [icmpWords(icmp, family)];
  if (notIcmp === undefined || (protocol !== undefined && protocol !== own)) return inline;
  if (protocol === own && icmp === undefined) return [icmpWords(notIcmp, family, '! ')];
  noneOf.push(`${protocolMatch(own)} ${icmpWords(notIcmp, family)}`);
  return inline;
}

function icmpWords({ type, code }: IcmpMatch, family: AddressFamily, not = ''): string {
  const value = code === undefined ? type : `${type}/${code}`;
  return family === 'ipv4' ? `-m icmp ${not}--icmp-type ${value}` : `-m icmp6 ${not}--icmpv6-type ${value}`;
}

// ---------------------------------------------------------------- ends

const ends = {
  source: { slot: 'source', address: '-s', ports: '--sports', set: 'src' },
  destination: { slot: 'destination', address: '-d', ports: '--dports', set: 'dst' },
} as const;

type EndWords = (typeof ends)[keyof typeof ends];

/** False: nothing can match. */
function addSide(
  parts: Parts,
  side: RuleSide,
  end: EndWords,
  protocol: number | undefined,
  family: AddressFamily,
): boolean {
  for (const id of side.sets) parts.matches.push(`-m set --match-set ${setName(family, id)} ${end.set}`);
  for (const id of side.notSets) parts.matches.push(`-m set ! --match-set ${setName(family, id)} ${end.set}`);
  return addNets(parts, side, end, family) && addPorts(parts, side, end, protocol, family);
}

function addNets(
  parts: Parts,
  { nets, notNets }: RuleSide,
  { slot, address }: EndWords,
  family: AddressFamily,
): boolean {
  const own = ofFamily(nets, family);
  const not = ofFamily(notNets, family);
  if ((nets.length > 0 && own.length === 0) || not.some(isEverything)) return false;
  const wanted = own.some(isEverything) ? [] : own.map(net => `${address} ${net}`);
  if (wanted.length === 1) parts[slot] = wanted[0]!;
  if (wanted.length > 1) parts.anyOf.push(wanted);
  if (not.length === 1 && parts[slot] === '') parts[slot] = `! ${address} ${not[0]}`;
  else parts.noneOf.push(...not.map(net => `${address} ${net}`));
  return true;
}

function ofFamily(nets: readonly Prefix[], family: AddressFamily): readonly Prefix[] {
  return [...new Set(nets)].filter(net => prefixFamily(net) === family);
}

function isEverything(net: Prefix): boolean {
  return prefixLength(net) === 0;
}

function addPorts(
  parts: Parts,
  side: RuleSide,
  end: EndWords,
  protocol: number | undefined,
  family: AddressFamily,
): boolean {
  const asked = side.ports.length > 0 || side.namedPorts.length > 0;
  if (protocol === undefined || !PORT_PROTOCOLS.includes(protocol)) return !asked;
  const named = (id: string) => `--match-set ${setName(family, id)} ${end.set},${end.set}`;
  const wanted = [
    ...portLists(side.ports).map(ports => `-m multiport ${end.ports} ${ports}`),
    ...side.namedPorts.map(id => `-m set ${named(id)}`),
  ];
  if (wanted.length === 1) parts.matches.push(wanted[0]!);
  else if (asked) parts.anyOf.push(wanted.map(match => `${protocolMatch(protocol)} ${match}`));
  for (const ports of portLists(side.notPorts)) parts.matches.push(`-m multiport ! ${end.ports} ${ports}`);
  for (const id of side.notNamedPorts) parts.matches.push(`-m set ! ${named(id)}`);
  return true;
}

/** linux/netfilter/xt_multiport.h: XT_MULTI_PORTS; a range takes two. */
const PORTS_PER_MATCH = 15;

export function portLists(ports: readonly PortRange[]): readonly string[] {
  const lists: string[][] = [];
  let free = 0;
  for (const { min, max } of ports) {
    const takes = min === max ? 1 : 2;
    if (takes > free) {
      lists.push([]);
      free = PORTS_PER_MATCH;
    }
    lists.at(-1)!.push(min === max ? String(min) : `${min}:${max}`);
    free -= takes;
  }
  return lists.map(list => list.join());
}
