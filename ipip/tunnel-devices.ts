/**
 * The devices of this host's tunnels as they should be, and the steps from what is there to that (pure). Ours are known by their name,
 * or where somebody renamed one by its alias (IFLA_IFALIAS). What can be is repaired in place: a device that is made anew takes its
 * routes with it.
 *
 * An IPIP device has `local` set to the node's address: one with neither end given would collide with the kernel's own tunl0. It takes
 * what tunl0 would otherwise receive, so it is not made while another agent's routes lead through that one. Path-MTU discovery is set
 * explicitly, as the kernel leaves it off for a device that does not say (ipip(4), IFLA_IPTUN_PMTUDISC).
 */
import {
  type AddressFamily,
  addressBits,
  addressFamily,
  type IpAddress,
  isLinkLocal,
} from '../core/ip-address.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { Link, LinkChange, NewLink, TunnelParameters } from '../linux/netlink/link.js';
import type { Route } from '../linux/netlink/route.js';
import { type TunnelKind, tunnelWords } from './desired.js';
import { underlayFamily } from './encapsulation.js';
import { type TunnelIntent, tunnelOverhead, type VxlanIntent } from './tunnel-intent.js';

/** At most 15 characters (IFNAMSIZ). */
export const deviceNames: Readonly<Record<TunnelKind, string>> = {
  ipip: 'margay.ipip',
  vxlan: 'margay.vxlan',
  'vxlan-v6': 'margay.vxlan-v6',
  udp: 'margay.udp',
};

export interface DesiredDevice {
  readonly kind: TunnelKind;
  readonly mtu: number;
  /** Undefined: a TUN device, which its own process makes. */
  readonly tunnel: TunnelParameters | undefined;
  /** Undefined: the kernel's choice. */
  readonly linkLayerAddress: string | undefined;
  readonly address: IpAddress | undefined;
}

/** What is there, as far as devices are concerned. */
export interface DeviceFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly foreignRoutes: readonly Route[];
}

export type DevicePlan =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'as-it-should-be'; readonly link: Link }
  /** What can be done in one go; a new device gets its address when its index is known. */
  | { readonly kind: 'create'; readonly link: NewLink; readonly instead: Link | undefined }
  | {
      readonly kind: 'repair';
      readonly link: Link;
      readonly change: LinkChange | undefined;
      readonly addAddresses: readonly InterfaceAddress[];
      readonly deleteAddresses: readonly InterfaceAddress[];
    };

/**
 * What tunnels go over, the narrowest first: the interface that holds the node's address. Where that one reaches nobody (a host with several
 * links has its address on the loopback, or on a dummy), it is every interface that a router is reached by.
 */
export function underlaysOf(local: IpAddress | undefined, facts: DeviceFacts): readonly Link[] {
  if (local === undefined) return [];
  const family = addressFamily(local);
  const { links, addresses, foreignRoutes } = facts;
  const byIndex = new Map(links.map(link => [link.ifindex, link]));
  const holder = byIndex.get(addresses.find(({ address }) => address === local)?.ifindex ?? 0);
  if (holder === undefined || !(holder.loopback || holder.kind === 'dummy')) return holder ? [holder] : [];
  const uplinks = new Set<Link>();
  for (const { destination, nextHops } of foreignRoutes) {
    if (addressFamily(destination) !== family) continue;
    for (const { gateway, ifindex } of nextHops) {
      const link = byIndex.get(ifindex);
      if (gateway === undefined || link === undefined || link === holder) continue;
      if (link.tunnel === undefined && link.kind !== 'tun') uplinks.add(link);
    }
  }
  return uplinks.size === 0 ? [holder] : [...uplinks].sort((a, b) => a.mtu - b.mtu || a.ifindex - b.ifindex);
}

/** The narrowest of {@link underlaysOf}: what a packet must fit. */
export function underlayOf(local: IpAddress | undefined, facts: DeviceFacts): Link | undefined {
  return underlaysOf(local, facts)[0];
}

/** The outer address of what this host sends. */
export function localAddress(intent: TunnelIntent, family: AddressFamily): IpAddress | undefined {
  return family === 'ipv4' ? intent.local : intent['vxlan-v6']?.local;
}

/** Undefined if the intent has no such tunnel. @param underlayMtu of the interface that the tunnel goes over */
export function desiredDevice(
  kind: TunnelKind,
  intent: TunnelIntent,
  underlayMtu: number,
): DesiredDevice | undefined {
  const { local, address } = intent;
  const mtuOf = (explicit: number | undefined) => explicit ?? underlayMtu - tunnelOverhead[kind];
  switch (kind) {
    case 'ipip': {
      if (intent.ipip === undefined) return undefined;
      const tunnel = { kind, local, remote: undefined, pathMtuDiscovery: true, ttl: 0 } as const;
      return { kind, mtu: mtuOf(intent.ipip.mtu), tunnel, linkLayerAddress: undefined, address };
    }
    case 'vxlan':
      return intent.vxlan && vxlanDevice(kind, intent.vxlan, { local, address }, mtuOf(intent.vxlan.mtu));
    case 'vxlan-v6': {
      const ipv6 = intent[kind];
      return ipv6 && vxlanDevice(kind, ipv6, ipv6, mtuOf(ipv6.mtu));
    }
    case 'udp':
      if (intent.udp === undefined) return undefined;
      return { kind, mtu: mtuOf(intent.udp.mtu), tunnel: undefined, linkLayerAddress: undefined, address };
  }
}

function vxlanDevice(
  kind: TunnelKind,
  { vni, port, mac }: VxlanIntent,
  { local, address }: { readonly local: IpAddress | undefined; readonly address: IpAddress | undefined },
  mtu: number,
): DesiredDevice {
  const tunnel = { kind: 'vxlan', vni, port, local, learning: false, parentIfindex: 0 } as const;
  return { kind, mtu, tunnel, linkLayerAddress: mac, address };
}

/** Ours, whatever it is called now. */
export function ownDevice(kind: TunnelKind, links: readonly Link[]): Link | undefined {
  const likely = links.filter(link => link.kind === linkKinds[kind]);
  const named = (link: Link) => link.name === deviceNames[kind];
  const labelled = (link: Link) => link.alias === aliasOf(kind);
  return likely.find(link => named(link) && labelled(link)) ?? likely.find(labelled) ?? likely.find(named);
}

/** As `ip -d link` calls them. */
const linkKinds: Readonly<Record<TunnelKind, string>> = {
  ipip: 'ipip',
  vxlan: 'vxlan',
  'vxlan-v6': 'vxlan',
  udp: 'tun',
};

function aliasOf(kind: TunnelKind): string {
  return `margay ${kind}`;
}

export function planDevice(desired: DesiredDevice, facts: DeviceFacts): DevicePlan {
  const { kind, tunnel } = desired;
  const own = ownDevice(kind, facts.links);
  const squatter = facts.links.find(link => link.name === deviceNames[kind] && link !== own);
  if (squatter !== undefined)
    return refused(`${squatter.name} is a ${squatter.kind || 'physical'} device of another program`);
  if (own === undefined || mustBeMadeAnew(own, desired)) {
    const conflict = conflictOf(desired, own, facts);
    if (conflict !== undefined) return refused(conflict);
    if (tunnel === undefined) return refused(`there is no device ${deviceNames.udp}: is margay-udp running?`);
    return { kind: 'create', link: newLink(desired, tunnel), instead: own };
  }
  const change = changeOf(own, desired);
  const addresses = addressSteps(own, desired, facts.addresses);
  if (change === undefined && addresses.add.length + addresses.delete.length === 0) {
    return { kind: 'as-it-should-be', link: own };
  }
  return {
    kind: 'repair',
    link: own,
    change,
    addAddresses: addresses.add,
    deleteAddresses: addresses.delete,
  };
}

function refused(reason: string): DevicePlan {
  return { kind: 'refused', reason };
}

/** The kernel changes neither the VNI nor the port of a VXLAN device (vxlan_changelink), nor the family of what it sends. */
function mustBeMadeAnew({ tunnel: found }: Link, { tunnel }: DesiredDevice): boolean {
  if (tunnel?.kind !== 'vxlan') return false;
  if (found?.kind !== 'vxlan' || found.vni !== tunnel.vni || found.port !== tunnel.port) return true;
  return familyOfTunnel(found) !== familyOfTunnel(tunnel);
}

/** Of the outer packets. A device without a local address sends IPv4. */
function familyOfTunnel({ local }: TunnelParameters): AddressFamily {
  return local === undefined ? 'ipv4' : addressFamily(local);
}

function newLink({ kind, mtu, linkLayerAddress }: DesiredDevice, tunnel: TunnelParameters): NewLink {
  const mac = linkLayerAddress === undefined ? {} : { linkLayerAddress };
  return { name: deviceNames[kind], alias: aliasOf(kind), mtu, ...mac, tunnel };
}

/** Why a device must not be made beside those that are there, in words. */
function conflictOf({ tunnel }: DesiredDevice, own: Link | undefined, { links, foreignRoutes }: DeviceFacts) {
  for (const link of links) {
    const found = link.tunnel;
    if (link === own || found === undefined) continue;
    // The kernel keeps a table of devices for each family.
    if (
      tunnel?.kind === 'vxlan' &&
      found.kind === 'vxlan' &&
      familyOfTunnel(found) === familyOfTunnel(tunnel)
    ) {
      if (found.vni === tunnel.vni)
        return `VNI ${tunnel.vni} is used by ${link.name}, another program's device`;
      if (found.port === tunnel.port)
        return `UDP port ${tunnel.port} is used by ${link.name}, another program's VXLAN device (VNI ${found.vni})`;
    }
    if (tunnel?.kind !== 'ipip' || found.kind !== 'ipip' || found.remote !== undefined) continue;
    if (found.local === tunnel.local)
      return `${link.name}, another program's IPIP device, has the local address ${found.local}`;
    const carried = foreignRoutes.filter(({ nextHops }) =>
      nextHops.some(({ ifindex }) => ifindex === link.ifindex),
    );
    if (found.local === undefined && carried.length > 0)
      return `${link.name} is in use by another agent: ${carried.length} of its routes lead through it`;
  }
  return undefined;
}

/** Undefined: there is nothing to change. */
function changeOf(own: Link, { kind, mtu, tunnel, linkLayerAddress }: DesiredDevice): LinkChange | undefined {
  const change: LinkChange = {
    ifindex: own.ifindex,
    ...(own.name === deviceNames[kind] ? {} : { name: deviceNames[kind] }),
    ...(own.alias === aliasOf(kind) ? {} : { alias: aliasOf(kind) }),
    ...(own.mtu === mtu ? {} : { mtu }),
    ...(linkLayerAddress === undefined || own.linkLayerAddress === linkLayerAddress
      ? {}
      : { linkLayerAddress }),
    ...(tunnel === undefined || sameParameters(own.tunnel, tunnel) ? {} : { tunnel }),
    ...(own.up ? {} : { up: true }),
  };
  return Object.keys(change).length === 1 ? undefined : change;
}

function sameParameters(found: TunnelParameters | undefined, wanted: TunnelParameters): boolean {
  if (found?.kind === 'ipip' && wanted.kind === 'ipip') {
    return (
      found.local === wanted.local &&
      found.remote === wanted.remote &&
      found.pathMtuDiscovery === wanted.pathMtuDiscovery &&
      found.ttl === wanted.ttl
    );
  }
  // A device that somebody bound to a link is as good: what it is sent over is found by its route.
  return (
    found?.kind === 'vxlan' &&
    wanted.kind === 'vxlan' &&
    found.local === wanted.local &&
    found.learning === wanted.learning
  );
}

/** The tunnel's one address of its family, and no other but what the kernel gives a link by itself. */
function addressSteps(own: Link, { kind, address }: DesiredDevice, addresses: readonly InterfaceAddress[]) {
  const family = underlayFamily(kind);
  const prefixLength = addressBits(family);
  const here = addresses.filter(
    one => one.ifindex === own.ifindex && addressFamily(one.address) === family && !isLinkLocal(one.address),
  );
  const isWanted = (one: InterfaceAddress) => one.address === address && one.prefixLength === prefixLength;
  const missing = address !== undefined && !here.some(isWanted);
  // Nobody else on a tunnel has it: there is nothing to detect.
  const flags = family === 'ipv6' ? IFA_F_NODAD : 0;
  const wanted = { ifindex: own.ifindex, address: address!, prefixLength, scope: 0, flags };
  return { add: missing ? [wanted] : [], delete: here.filter(one => !isWanted(one)) } as const;
}

const IFA_F_NODAD = 0x02;

/** What an explicit MTU means for the underlay; undefined: packets fit. */
export function fragmentationWarning(
  kind: TunnelKind,
  explicitMtu: number | undefined,
  underlay: Link,
): string | undefined {
  const most = underlay.mtu - tunnelOverhead[kind];
  if (explicitMtu === undefined || explicitMtu <= most) return undefined;
  return `the ${tunnelWords[kind]} MTU is set to ${explicitMtu}, but ${underlay.name} (MTU ${underlay.mtu}) carries ${most} at most: full packets are fragmented or lost`;
}
