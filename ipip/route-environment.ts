/** What kernel routes depend on besides the best routes (pure), and how to see that it has changed. */
import type { IpAddress, PerFamily } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { tunnelKinds } from './desired.js';
import type { OwnTunnels, PoolModes, RemoteHost, TunnelState } from './encapsulation.js';
import type { Resolution } from './next-hops.js';

export interface RouteEnvironment {
  readonly ownBlocks: readonly Prefix[];
  /** Prefixes of this host's interfaces, with the interface's name. */
  readonly connected: ReadonlyMap<Prefix, string>;
  /** Addresses of peers and nodes. */
  readonly underlayAddresses: readonly IpAddress[];
  readonly pools: readonly PoolModes[];
  /** Of the node's addresses. */
  readonly ownSubnets: PerFamily<Prefix>;
  /** RTA_PREFSRC of routes to pods; undefined leaves the choice to the kernel. */
  readonly preferredSources: PerFamily<IpAddress>;
  /** This host's addresses inside its tunnels. */
  readonly tunnelSources: PerFamily<IpAddress>;
  readonly tunnels: OwnTunnels;
  /** Hosts of the cluster, by the next hop of their routes. */
  readonly remoteHosts: ReadonlyMap<IpAddress, RemoteHost>;
  readonly metric: number;
  readonly resolve: (nextHop: IpAddress) => Resolution;
  /** Interfaces of workloads on this host by their addresses. */
  readonly workloads: ReadonlyMap<Prefix, number>;
}

/** Whether everything is what it was, but for what concerns single next hops: `resolve` and `remoteHosts`. */
export function sameFacts(a: RouteEnvironment, b: RouteEnvironment): boolean {
  return (
    samePair(a.ownSubnets, b.ownSubnets) &&
    samePair(a.preferredSources, b.preferredSources) &&
    samePair(a.tunnelSources, b.tunnelSources) &&
    a.metric === b.metric &&
    sameTunnels(a.tunnels, b.tunnels) &&
    sameList(a.ownBlocks, b.ownBlocks) &&
    sameList(a.underlayAddresses, b.underlayAddresses) &&
    samePools(a.pools, b.pools) &&
    sameMap(a.connected, b.connected) &&
    sameMap(a.workloads, b.workloads)
  );
}

/** Those of the next hops that lie elsewhere now, or whose host receives something else, with where they lie. */
export function changedNextHops(
  resolved: ReadonlyMap<IpAddress, Resolution>,
  before: RouteEnvironment,
  after: RouteEnvironment,
): ReadonlyMap<IpAddress, Resolution> {
  const changed = new Map<IpAddress, Resolution>();
  for (const [nextHop, was] of resolved) {
    const is = after.resolve(nextHop);
    const [wasHost, isHost] = [before.remoteHosts.get(nextHop), after.remoteHosts.get(nextHop)];
    const sameHost = sameRemoteHost(wasHost, isHost);
    if (!sameHost || !sameResolution(was, is)) changed.set(nextHop, is);
  }
  return changed;
}

function sameRemoteHost(a: RemoteHost | undefined, b: RemoteHost | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.name !== b.name || a.vtepMac !== b.vtepMac) return false;
  if (a.receives === undefined || b.receives === undefined) return a.receives === b.receives;
  for (const kind of tunnelKinds) {
    const [was, is] = [a.receives[kind], b.receives[kind]];
    if (was?.kind !== is?.kind) return false;
    if (was?.kind === 'unavailable' && is?.kind === 'unavailable' && was.reason !== is.reason) return false;
  }
  return true;
}

function sameTunnels(a: OwnTunnels, b: OwnTunnels): boolean {
  return tunnelKinds.every(kind => sameTunnel(a.get(kind), b.get(kind)));
}

function sameTunnel(a: TunnelState | undefined, b: TunnelState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'unavailable' || b.kind === 'unavailable') {
    return a.kind === b.kind && a.kind === 'unavailable' && b.kind === 'unavailable' && a.reason === b.reason;
  }
  return a.ifindex === b.ifindex && a.mtu === b.mtu;
}

function sameResolution(a: Resolution, b: Resolution): boolean {
  if (a.kind === 'unreachable' || b.kind === 'unreachable') return a.kind === b.kind;
  if (a.ifindex !== b.ifindex) return false;
  if (a.kind === 'connected' || b.kind === 'connected') return a.kind === b.kind;
  return a.gateway === b.gateway && a.onlink === b.onlink;
}

function samePair<T>(a: PerFamily<T>, b: PerFamily<T>): boolean {
  return a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6;
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

function samePools(a: readonly PoolModes[], b: readonly PoolModes[]): boolean {
  const words = (pools: readonly PoolModes[]) =>
    pools.map(({ cidr, ipipMode, vxlanMode, udpMode }) => `${cidr} ${ipipMode} ${vxlanMode} ${udpMode}`);
  return sameList(words(a), words(b));
}

function sameMap<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
