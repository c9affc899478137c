/** The notation of rules: what iptables calls things, and rules as data. */
import type { AddressFamily } from '../../core/ip-address.js';
import type { RenderedRule, RuleOrigin, TableName } from '../rendered.js';

/** @param words matches and the target; empty ones are left out */
export function rule(words: readonly string[], comment?: string, origin?: RuleOrigin): RenderedRule {
  return {
    text: words.filter(word => word !== '').join(' '),
    comments: comment === undefined ? [] : [comment],
    ...(origin === undefined ? {} : { origin }),
  };
}

/** Names that iptables has built in, so that no /etc/protocols is asked. */
const protocolNames: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'ipv6-icmp',
  132: 'sctp',
  136: 'udplite',
};

export function protocolMatch(protocol: number): string {
  return `-p ${protocolNames[protocol] ?? protocol}`;
}

/** Also the words that `ipset` has for them. */
export function protocolName(protocol: number): string {
  return protocolNames[protocol] ?? String(protocol);
}

/** IANA numbers of protocols that have ports. */
export const PORT_PROTOCOLS: readonly number[] = [6, 17, 132, 136];

export const KNOWN_CONNECTION = '-m conntrack --ctstate RELATED,ESTABLISHED';
export const INVALID_CONNECTION = '-m conntrack --ctstate INVALID';

/** REJECT is for the filter table alone. */
export function denyTarget(denied: 'drop' | 'reject', table: TableName, family: AddressFamily): string {
  if (denied === 'drop' || table !== 'filter') return '-j DROP';
  return `-j REJECT --reject-with ${family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'}`;
}

/** What the tools read as it stands: they know quotes, and end a comment at 256 characters. */
export function plainComment(text: string): string {
  return text.replace(/[^A-Za-z0-9 _./:=,@()*+-]/g, '_').slice(0, 240);
}
