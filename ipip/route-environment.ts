/** What kernel routes depend on besides the best routes (pure), and how to see that it has changed. */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { PoolModes } from './encapsulation.js';
import type { Resolution } from './next-hops.js';

export interface RouteEnvironment {
  readonly ownBlocks: readonly Prefix[];
  /** Prefixes of this host's interfaces, with the interface's name. */
  readonly connected: ReadonlyMap<Prefix, string>;
  /** Addresses of peers and nodes. */
  readonly underlayAddresses: readonly IpAddress[];
  readonly pools: readonly PoolModes[];
  readonly ownSubnet: Prefix | undefined;
  /** RTA_PREFSRC of routes to pods; undefined leaves the choice to the kernel. */
  readonly preferredSource: IpAddress | undefined;
  readonly metric: number;
  readonly resolve: (nextHop: IpAddress) => Resolution;
  /** Interfaces of workloads on this host by their addresses. */
  readonly workloads: ReadonlyMap<Prefix, number>;
}

/** Whether everything but `resolve` is what it was. */
export function sameFacts(a: RouteEnvironment, b: RouteEnvironment): boolean {
  return (
    a.ownSubnet === b.ownSubnet &&
    a.preferredSource === b.preferredSource &&
    a.metric === b.metric &&
    sameList(a.ownBlocks, b.ownBlocks) &&
    sameList(a.underlayAddresses, b.underlayAddresses) &&
    samePools(a.pools, b.pools) &&
    sameMap(a.connected, b.connected) &&
    sameMap(a.workloads, b.workloads)
  );
}

/** Those of the next hops that lie elsewhere now, with where. */
export function changedNextHops(
  before: ReadonlyMap<IpAddress, Resolution>,
  resolve: (nextHop: IpAddress) => Resolution,
): ReadonlyMap<IpAddress, Resolution> {
  const changed = new Map<IpAddress, Resolution>();
  for (const [nextHop, was] of before) {
    const is = resolve(nextHop);
    if (!sameResolution(was, is)) changed.set(nextHop, is);
  }
  return changed;
}

function sameResolution(a: Resolution, b: Resolution): boolean {
  if (a.kind === 'unreachable' || b.kind === 'unreachable') return a.kind === b.kind;
  if (a.ifindex !== b.ifindex) return false;
  if (a.kind === 'connected' || b.kind === 'connected') return a.kind === b.kind;
  return a.gateway === b.gateway && a.onlink === b.onlink;
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

function samePools(a: readonly PoolModes[], b: readonly PoolModes[]): boolean {
  const words = (pools: readonly PoolModes[]) =>
    pools.map(({ cidr, ipipMode, vxlanMode }) => `${cidr} ${ipipMode} ${vxlanMode}`);
  return sameList(words(a), words(b));
}

function sameMap<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
