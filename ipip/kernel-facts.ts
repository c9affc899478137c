/** What was read of the kernel, and what it means for our routes (pure). */
import type { IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixOf } from '../core/prefix.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { Link } from '../linux/netlink/link.js';
import type { Route } from '../linux/netlink/route.js';
import type { PoolModes } from './encapsulation.js';
import type { NextHopResolver } from './next-hops.js';
import type { RouteEnvironment } from './route-environment.js';

export interface KernelFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** The main table of both families, without the routes of ours. */
  readonly foreignRoutes: readonly Route[];
}

/** What the cluster's documents say of this host. */
export interface HostIntent {
  readonly ownBlocks: readonly Prefix[];
  readonly pools: readonly PoolModes[];
  readonly ownSubnet: Prefix | undefined;
  readonly preferredSource: IpAddress | undefined;
  readonly underlayAddresses: readonly IpAddress[];
  /** Addresses of workloads here, with the name of their interface. */
  readonly workloads: ReadonlyMap<Prefix, string>;
}

/** @param resolver that knows the foreign routes */
export function routeEnvironment(
  intent: HostIntent,
  { links, addresses }: KernelFacts,
  resolver: NextHopResolver,
  metric: number,
): RouteEnvironment {
  const names = new Map(links.map(link => [link.ifindex, link.name]));
  const indexes = new Map(links.map(link => [link.name, link.ifindex]));
  const name = (ifindex: number) => names.get(ifindex) ?? `interface ${ifindex}`;
  const connected = new Map<Prefix, string>();
  for (const [prefix, ifindex] of resolver.connected()) connected.set(prefix, name(ifindex));
  for (const { address, prefixLength, ifindex } of addresses) {
    connected.set(prefixOf(address, prefixLength), name(ifindex));
  }
  const workloads = new Map<Prefix, number>();
  for (const [prefix, interfaceName] of intent.workloads) {
    // One that is not there yet gets its route when its link appears.
    const ifindex = indexes.get(interfaceName);
    if (ifindex !== undefined) workloads.set(prefix, ifindex);
  }
  return { ...intent, connected, workloads, metric, resolve: nextHop => resolver.resolve(nextHop) };
}

/** This host's own, each once, in order. */
export function ownAddresses({ addresses }: KernelFacts): readonly IpAddress[] {
  return [...new Set(addresses.map(({ address }) => address))].sort();
}
