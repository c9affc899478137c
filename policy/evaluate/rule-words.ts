/** Rules in words (pure): what of a packet must hold, and what becomes of it then. */
import type { AddressSet, PortRange, Rule, RuleSide, SetId } from '../model.js';

type Sets = ReadonlyMap<SetId, AddressSet>;

const protocolWords: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  132: 'SCTP',
  136: 'UDP-Lite',
};

export function protocolInWords(protocol: number): string {
  return protocolWords[protocol] ?? `protocol ${protocol}`;
}

/** "TCP from namespace == 'web' to port 5432", "everything"; without the action. */
export function ruleInWords(rule: Rule, sets: Sets): string {
  const { family, protocol, notProtocol, icmp, notIcmp, source, destination } = rule;
  const icmpWords = ({ type, code }: NonNullable<Rule['icmp']>) =>
    `type ${type}${code === undefined ? '' : ` code ${code}`}`;
  const words = [
    family === undefined ? '' : { ipv4: 'IPv4', ipv6: 'IPv6' }[family],
    protocol === undefined ? '' : protocolInWords(protocol),
    notProtocol === undefined ? '' : `not ${protocolInWords(notProtocol)}`,
    icmp === undefined ? '' : icmpWords(icmp),
    notIcmp === undefined ? '' : `not ${icmpWords(notIcmp)}`,
    sideInWords('from', source, sets),
    sideInWords('to', destination, sets),
  ].filter(part => part !== '');
  return words.length === 0 ? 'everything' : words.join(' ');
}

function sideInWords(way: 'from' | 'to', side: RuleSide, sets: Sets): string {
  const what = (id: SetId) => sets.get(id)?.what ?? id;
  const named = (ids: readonly SetId[]) => ids.map(what);
  const namedPorts = (ids: readonly SetId[]) => named(ids).map(words => words.replace(/^port /, ''));
  const ports = [...side.ports.map(portInWords), ...namedPorts(side.namedPorts)];
  const notPorts = [...side.notPorts.map(portInWords), ...namedPorts(side.notNamedPorts)];
  const parts = [
    side.nets.length === 0 ? '' : side.nets.join(', '),
    side.notNets.length === 0 ? '' : `none of ${side.notNets.join(', ')}`,
    ...named(side.sets).map(words => `{${words}}`),
    ...named(side.notSets).map(words => `not {${words}}`),
    ports.length === 0 ? '' : `port ${ports.join(', ')}`,
    notPorts.length === 0 ? '' : `not port ${notPorts.join(', ')}`,
  ].filter(part => part !== '');
  return parts.length === 0 ? '' : `${way} ${parts.join(' and ')}`;
}

function portInWords({ min, max }: PortRange): string {
  return min === max ? String(min) : `${min}-${max}`;
}
