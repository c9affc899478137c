/** The nat table: what goes from a pool to outside of all pools goes by an address of the host. */
import { addressFamily } from '../../core/ip-address.js';
import type { RenderedRule } from '../rendered.js';
import { protocolMatch, rule } from './rule-text.js';
import { masquerades, natSetName } from './sets.js';
import type { TableBuilder } from './table-builder.js';

export function addNatChains(builder: TableBuilder): void {
  if (!masquerades(builder.settings, builder.family)) return;
  const place = builder.settings.hooks === 'insert' ? 'first' : 'last';
  builder.addTopChain('POSTROUTING', place, outgoing(builder));
}

function outgoing({ settings, family }: TableBuilder): RenderedRule[] {
  const { nat } = settings;
  const goesOut = [
    `-m set --match-set ${natSetName(family, 'from')} src`,
    `-m set ! --match-set ${natSetName(family, 'not-to')} dst`,
  ];
  const out = nat.interfaces === undefined ? '' : `-o ${nat.interfaces}`;
  const address =
    nat.address !== undefined && addressFamily(nat.address) === family ? nat.address : undefined;
  const target = address === undefined ? '-j MASQUERADE' : '-j SNAT --to-source';
  if (nat.ports === undefined)
    return [
      rule([out, ...goesOut, address === undefined ? target : `${target} ${address}`, '--random-fully']),
    ];
  // Ports are of protocols that have them; what has none goes without.
  const { min, max } = nat.ports;
  const host = address !== undefined && family === 'ipv6' ? `[${address}]` : (address ?? '');
  const withPorts =
    address === undefined ? `${target} --to-ports ${min}-${max}` : `${target} ${host}:${min}-${max}`;
  const plain = address === undefined ? target : `${target} ${address}`;
  return [
    ...[6, 17].map(protocol => rule([out, protocolMatch(protocol), ...goesOut, withPorts, '--random-fully'])),
    rule([out, ...goesOut, plain, '--random-fully']),
  ];
}
