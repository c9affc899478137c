/** Encapsulated packets come from nodes alone; to nodes they go whatever the policy of the host is. */
import type { RenderedRule } from '../rendered.js';
import { type TunnelFilter, tunnelFamilies } from '../settings.js';
import { protocolMatch, rule } from './rule-text.js';
import { tunnelSetName } from './sets.js';
import type { TableBuilder } from './table-builder.js';

/** @param end where the nodes are @param target of packets from or to them */
export function tunnelRules(builder: TableBuilder, end: 'src' | 'dst', target: string): RenderedRule[] {
  return tunnelsOf(builder).map(tunnel => {
    const node = `-m set --match-set ${tunnelSetName(builder.family, tunnel.device)} ${end}`;
    return rule([packetsOf(tunnel), node, target], `${tunnel.tunnel}: nodes`);
  });
}

/** What comes to a tunnel from elsewhere; broadcast and multicast too. After the above. */
export function strangers(builder: TableBuilder): RenderedRule[] {
  const packets = new Set(tunnelsOf(builder).map(packetsOf));
  return [...packets].map(match => rule([match, '-j DROP'], 'encapsulated, from no node'));
}

function tunnelsOf({ settings, family }: TableBuilder): readonly TunnelFilter[] {
  return settings.tunnels.filter(({ tunnel }) => tunnelFamilies[tunnel].includes(family));
}

function packetsOf({ tunnel, port }: TunnelFilter): string {
  return tunnel === 'ipip' ? protocolMatch(4) : `${protocolMatch(17)} -m multiport --dports ${port}`;
}
