/** Sets: those of policy, and those that our own rules need. */
import type { AddressFamily } from '../../core/ip-address.js';
import { addressBits } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../../core/prefix.js';
import type { AddressSet, HostPolicy } from '../model.js';
import type { RenderedSet } from '../rendered.js';
import { type FilterSettings, tunnelFamilies } from '../settings.js';
import { ownSetName, setName } from './names.js';
import { remembered } from './remembered.js';
import { protocolName } from './rule-text.js';

/** Of what policy, or the settings, need in one family; in it, empty sets too: rules name them. */
export function renderSets(
  policy: HostPolicy,
  settings: FilterSettings,
  family: AddressFamily,
): readonly RenderedSet[] {
  const own = (name: string, nets: readonly Prefix[]) => netSet(name, nets, family, settings);
  const { pools, exclusions } = settings.nat;
  return [
    ...[...policy.sets.values()].map(set =>
      remembered(settings, set, family, () => policySet(set, family, settings)),
    ),
    ...(masquerades(settings, family)
      ? [
          own(
            natSetName(family, 'from'),
            pools.filter(({ masquerade }) => masquerade).map(({ cidr }) => cidr),
          ),
          own(natSetName(family, 'not-to'), [...pools.map(({ cidr }) => cidr), ...exclusions]),
        ]
      : []),
    ...settings.tunnels
      .filter(({ tunnel }) => tunnelFamilies[tunnel].includes(family))
      .map(({ device, from }) => own(tunnelSetName(family, device), from)),
  ];
}

/** Whether any pool of the family is masqueraded. */
export function masquerades({ nat }: FilterSettings, family: AddressFamily): boolean {
  return nat.pools.some(({ cidr, masquerade }) => masquerade && prefixFamily(cidr) === family);
}

export function natSetName(family: AddressFamily, which: 'from' | 'not-to'): string {
  return ownSetName(family, `nat-${which}`);
}

/** Addresses that a tunnel's packets may come from. */
export function tunnelSetName(family: AddressFamily, device: string): string {
  return ownSetName(family, `from-${device}`);
}

function policySet(set: AddressSet, family: AddressFamily, settings: FilterSettings): RenderedSet {
  const name = setName(family, set.id);
  if (set.kind === 'nets') return netSet(name, set.members, family, settings);
  const members = [...set.members].map(portMember).filter(({ address }) => isOf(family, address));
  return {
    name,
    type: 'hash:ip,port',
    family,
    maxElements: settings.maxSetSize,
    members: new Set(members.map(({ text }) => text)),
  };
}

function isOf(family: AddressFamily, address: string): boolean {
  return address.includes(':') === (family === 'ipv6');
}

/** From `ADDRESS,PROTOCOL:PORT` by number to the same by name. */
function portMember(member: string): { readonly address: string; readonly text: string } {
  const [address, protocolAndPort] = member.split(',') as [string, string];
  const [protocol, port] = protocolAndPort.split(':') as [string, string];
  return { address, text: `${address},${protocolName(Number(protocol))}:${port}` };
}

function netSet(
  name: string,
  nets: Iterable<Prefix>,
  family: AddressFamily,
  { maxSetSize }: FilterSettings,
): RenderedSet {
  const members = new Set<string>();
  for (const net of nets)
    if (prefixFamily(net) === family) for (const text of netMembers(net, family)) members.add(text);
  return { name, type: 'hash:net', family, maxElements: maxSetSize, members };
}

/** As `ipset save` prints it. A hash:net holds no prefix of length 0: it is put in by halves. */
function netMembers(net: Prefix, family: AddressFamily): readonly string[] {
  const length = prefixLength(net);
  if (length === 0) return family === 'ipv4' ? ['0.0.0.0/1', '128.0.0.0/1'] : ['::/1', '8000::/1'];
  return [length === addressBits(family) ? prefixAddress(net) : net];
}
