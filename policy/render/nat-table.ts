/** The nat table: what goes from a pool to outside of all pools goes by an address of the host. */
import { type AddressFamily, addressFamily } from '../../core/ip-address.js';
import type { RenderedRule } from '../rendered.js';
import type { FilterSettings } from '../settings.js';
import { protocolMatch, rule } from './rule-text.js';
import { masquerades, natSetName } from './sets.js';
import type { TableBuilder } from './table-builder.js';

export function addNatChains(builder: TableBuilder): void {
  if (!masquerades(builder.settings, builder.family)) return;
  const place = builder.settings.hooks === 'insert' ? 'first' : 'last';
  builder.addTopChain('POSTROUTING', place, outgoing(builder));
}

function outgoing({ settings, family }: TableBuilder): RenderedRule[] {
  const { interfaces, ports } = settings.nat;
  const out = interfaces === undefined ? '' : `-o ${interfaces}`;
  const goesOut = [
    `-m set --match-set ${natSetName(family, 'from')} src`,
    `-m set ! --match-set ${natSetName(family, 'not-to')} dst`,
  ];
  const masquerade = (protocol: string, range: string) =>
    rule([out, protocol, ...goesOut, natTarget(settings, family, range), '--random-fully']);
  // Ports are of protocols that have them; what has none goes without.
  const ranged = ports === undefined ? [] : [6, 17];
  return [
    ...ranged.map(protocol => masquerade(protocolMatch(protocol), `${ports!.min}-${ports!.max}`)),
    masquerade('', ''),
  ];
}

/** @param range of ports; empty: any */
function natTarget({ nat }: FilterSettings, family: AddressFamily, range: string): string {
  const { address } = nat;
  if (address === undefined || addressFamily(address) !== family)
    return range === '' ? '-j MASQUERADE' : `-j MASQUERADE --to-ports ${range}`;
  if (range === '') return `-j SNAT --to-source ${address}`;
  return `-j SNAT --to-source ${family === 'ipv6' ? `[${address}]` : address}:${range}`;
}
