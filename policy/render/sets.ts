/** Sets: those of policy, and those that our own rules need. */
import type { AddressFamily } from '../../core/ip-address.js';
import { addressBits } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../../core/prefix.js';
import { noteChange, noted } from '../changed-members.js';
import type { AddressSet, HostPolicy } from '../model.js';
import type { RenderedSet } from '../rendered.js';
import { type FilterSettings, tunnelFamilies } from '../settings.js';
import { ownSetName, setName } from './names.js';
import { recalled, remembered } from './remembered.js';
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
      remembered(
        settings,
        set,
        family,
        () => changedSet(set, family, settings) ?? policySet(set, family, settings),
      ),
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

/** By what is different from what was rendered before; undefined: nobody knows. */
function changedSet(
  set: AddressSet,
  family: AddressFamily,
  settings: FilterSettings,
): RenderedSet | undefined {
  const known = noted(set);
  const before = known && recalled<RenderedSet>(settings, known.before, family);
  if (known === undefined || before === undefined) return undefined;
  const [added, deleted] = [known.change.added, known.change.deleted].map(members => {
    const part = { ...set, members } as AddressSet;
    return hasHalves(part) ? undefined : policySet(part, family, settings).members;
  });
  if (added === undefined || deleted === undefined) return undefined;
  if (added.size + deleted.size === 0) return before;
  const members = new Set(before.members);
  for (const member of deleted) members.delete(member);
  for (const member of added) members.add(member);
  noteChange(before.members, members, { added, deleted });
  return { ...before, members };
}

/** What a prefix of length 0 is put in by may be there for another's sake as well. */
function hasHalves({ kind, members }: AddressSet): boolean {
  return kind === 'nets' && [...members].some(net => prefixLength(net as Prefix) <= 1);
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
