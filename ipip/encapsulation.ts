/**
 * How packets for a destination leave this host: a pure decision per next hop. First what the pool wants (the modes of Calico's IPPool,
 * and `margay.io/udpMode`), then whether both ends are ready for it.
 *
 * A change of mode crosses the cluster in two phases. Every host opens the receiving side of the new mode and says so in its NodeStatus;
 * a sender keeps to the old one until the host at the other end is ready. Which one the old one is follows from what that host receives
 * now, so that nothing must be remembered: a host that receives one tunnel and not yet the wanted one is reached by that tunnel, a host
 * that receives none is reached plainly.
 */
import {
  type AddressFamily,
  addressFamily,
  type IpAddress,
  type PerFamily,
  zoneOf,
} from '../core/ip-address.js';
import { type Prefix, prefixContainsAddress, prefixFamily } from '../core/prefix.js';
import {
  type Encapsulation,
  type EncapsulationMode,
  type RouteRefusal,
  type TunnelKind,
  tunnelKinds,
} from './desired.js';

export interface PoolModes {
  readonly cidr: Prefix;
  readonly ipipMode: EncapsulationMode;
  readonly vxlanMode: EncapsulationMode;
  readonly udpMode: EncapsulationMode;
}

/** Whether a host receives what comes by a tunnel. */
export type Reception =
  | { readonly kind: 'ready' }
  /** It tried, and cannot: `reason` in its own words. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Another host of the cluster, as its own documents tell: one of each family that it has an address of. */
export interface RemoteHost {
  readonly name: string;
  /** The next hop of its routes, and the other end of its tunnels. */
  readonly address: IpAddress;
  /** Undefined: it has not reported at all. Absent tunnels are not open there. */
  readonly receives: Readonly<Partial<Record<TunnelKind, Reception>>> | undefined;
  /** Of its VXLAN device for that family; "" if it has none. */
  readonly vtepMac: string;
}

/** This host's end of a tunnel. */
export type TunnelState =
  | { readonly kind: 'open'; readonly ifindex: number; readonly mtu: number }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What is not in it is not wanted by anybody now. */
export type OwnTunnels = ReadonlyMap<TunnelKind, TunnelState>;

/**
 * What the pool wants.
 *
 * @param pool that covers the destination; outside every pool a route goes in plainly
 * @param ownSubnets of the node's addresses; undefined: no next hop of the family shares it
 */
export function encapsulationFor(
  pool: PoolModes | undefined,
  nextHop: IpAddress,
  ownSubnets: PerFamily<Prefix>,
): Encapsulation {
  if (pool === undefined) return 'none';
  return tunnelKinds.find(kind => applies(modeOf(pool, kind), nextHop, ownSubnets)) ?? 'none';
}

export function modeOf(pool: PoolModes, kind: TunnelKind): EncapsulationMode {
  switch (kind) {
    case 'ipip':
      return pool.ipipMode;
    case 'vxlan':
    case 'vxlan-v6':
      // Both its ends are of the pool's family.
      return underlayFamily(kind) === prefixFamily(pool.cidr) ? pool.vxlanMode : 'Never';
    case 'udp':
      return pool.udpMode;
  }
}

function applies(mode: EncapsulationMode, nextHop: IpAddress, ownSubnets: PerFamily<Prefix>): boolean {
  switch (mode) {
    case 'Always':
      return true;
    case 'CrossSubnet':
      return !isOnSubnet(nextHop, ownSubnets);
    case 'Never':
      return false;
  }
}

/** A link-local next hop is a neighbour by what it is. */
function isOnSubnet(nextHop: IpAddress, ownSubnets: PerFamily<Prefix>): boolean {
  const subnet = ownSubnets[addressFamily(nextHop)];
  return zoneOf(nextHop) !== undefined || (subnet !== undefined && prefixContainsAddress(subnet, nextHop));
}

/** Of the addresses between which a tunnel's packets travel. */
export function underlayFamily(kind: TunnelKind): AddressFamily {
  return kind === 'vxlan-v6' ? 'ipv6' : 'ipv4';
}

export function isVxlan(kind: Encapsulation): kind is 'vxlan' | 'vxlan-v6' {
  return kind === 'vxlan' || kind === 'vxlan-v6';
}

export type EncapsulationChoice =
  | { readonly kind: 'use'; readonly encapsulation: Encapsulation }
  | { readonly kind: 'refused'; readonly why: RouteRefusal };

/** @param remote undefined: the next hop is no host of the cluster, and is taken to receive what the pool wants */
export function chooseEncapsulation(
  wanted: Encapsulation,
  nextHop: IpAddress,
  remote: RemoteHost | undefined,
  own: OwnTunnels,
): EncapsulationChoice {
  if (wanted === 'none') return use('none');
  if (zoneOf(nextHop) !== undefined || addressFamily(nextHop) !== underlayFamily(wanted)) {
    const family = underlayFamily(wanted) === 'ipv4' ? 'an IPv4' : 'a global IPv6';
    return refused({
      kind: 'no-tunnel',
      tunnel: wanted,
      reason: `its next hop ${nextHop} is not ${family} address`,
    });
  }
  const here = own.get(wanted);
  if (here?.kind === 'unavailable') {
    return refused({ kind: 'no-tunnel', tunnel: wanted, reason: here.reason });
  }
  const there = remote === undefined ? toStranger(wanted, nextHop) : receptionOf(remote, wanted);
  if (there?.kind === 'unavailable') {
    const host = remote?.name ?? nextHop;
    return refused({ kind: 'host-cannot-receive', host, tunnel: wanted, reason: there.reason });
  }
  if (here?.kind === 'open' && there?.kind === 'ready') return use(wanted);
  return asBefore(wanted, remote, own);
}

/** A VXLAN device is addressed by its MAC, which only a Node document tells. */
function toStranger(wanted: TunnelKind, nextHop: IpAddress): Reception {
  if (!isVxlan(wanted)) return { kind: 'ready' };
  return { kind: 'unavailable', reason: `no Node tells the MAC of a VXLAN device at ${nextHop}` };
}

function receptionOf(remote: RemoteHost, tunnel: TunnelKind): Reception | undefined {
  const reception = remote.receives?.[tunnel];
  // Its Node document may come a moment after its NodeStatus.
  return isVxlan(tunnel) && remote.vtepMac === '' && reception?.kind === 'ready' ? undefined : reception;
}

/** Until both ends are ready: by what the other end receives now. */
function asBefore(wanted: TunnelKind, remote: RemoteHost | undefined, own: OwnTunnels): EncapsulationChoice {
  if (remote?.receives === undefined) {
    if (remote === undefined)
      return refused({ kind: 'no-tunnel', tunnel: wanted, reason: 'it is being opened' });
    return refused({ kind: 'host-not-ready', host: remote.name, tunnel: wanted });
  }
  const received = tunnelKinds.filter(
    kind => underlayFamily(kind) === underlayFamily(wanted) && receptionOf(remote, kind)?.kind === 'ready',
  );
  const old = received.find(kind => kind !== wanted && own.get(kind)?.kind === 'open');
  if (old !== undefined) return use(old);
  if (received.length === 0) return use('none');
  return refused(
    received.includes(wanted)
      ? { kind: 'no-tunnel', tunnel: wanted, reason: 'it is being opened' }
      : { kind: 'host-not-ready', host: remote.name, tunnel: wanted },
  );
}

function use(encapsulation: Encapsulation): EncapsulationChoice {
  return { kind: 'use', encapsulation };
}

function refused(why: RouteRefusal): EncapsulationChoice {
  return { kind: 'refused', why };
}
