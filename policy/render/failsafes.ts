/**
 * What no policy of a host endpoint closes: failsafe ports and neighbour discovery. In filter it accepts; before connection tracking and
 * before DNAT, where nobody knows yet whether a packet is for this host, it only keeps policy from denying.
 */
import { type Prefix, prefixFamily } from '../../core/prefix.js';
import { NEIGHBOUR_DISCOVERY } from '../failsafe-packets.js';
import type { Direction } from '../model.js';
import { CHAIN_PREFIX, type RenderedRule } from '../rendered.js';
import type { Failsafe } from '../settings.js';
import { mark } from './marks.js';
import { protocolMatch, rule } from './rule-text.js';
import type { TableBuilder } from './table-builder.js';

/** A chain that leaves `bit` in the mark. @param replies also what answers such packets, for want of connections */
export function failsafeChain(
  builder: TableBuilder,
  direction: Direction,
  bit: number,
  replies: boolean,
): string {
  const { inbound, outbound } = builder.settings.failsafes;
  const [own, answered, far, name] =
    direction === 'ingress'
      ? ([inbound, outbound, '-s', 'failsafe-in'] as const)
      : ([outbound, inbound, '-d', 'failsafe-out'] as const);
  const target = mark(bit);
  const rules = (of: readonly Failsafe[], port: string): RenderedRule[] =>
    of.flatMap(({ protocol, port: number, net }) => {
      if (net !== undefined && prefixFamily(net) !== builder.family) return [];
      const words = [farWords(net, far), protocolMatch(protocol), `-m multiport ${port} ${number}`, target];
      return [rule(words)];
    });
  return builder.addChain(
    `${CHAIN_PREFIX}${name}`,
    [],
    [
      ...rules(own, '--dports'),
      ...(replies ? rules(answered, '--sports') : []),
      ...neighbourDiscovery(builder, NEIGHBOUR_DISCOVERY, target),
    ],
  );
}

function farWords(net: Prefix | undefined, far: '-s' | '-d'): string {
  return net === undefined ? '' : `${far} ${net}`;
}

export function neighbourDiscovery(
  { family }: TableBuilder,
  types: readonly number[],
  target: string,
): readonly RenderedRule[] {
  if (family === 'ipv4') return [];
  return types.map(type => rule([protocolMatch(58), `-m icmp6 --icmpv6-type ${type}`, target]));
}
