/** What was read of the kernel, and what it means for our routes (pure). */
import { type AddressFamily, type IpAddress, isLinkLocal, type PerFamily } from '../core/ip-address.js';
import { type Prefix, prefixOf } from '../core/prefix.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { FdbEntry } from '../linux/netlink/bridge-fdb.js';
import type { Link } from '../linux/netlink/link.js';
import type { Neighbour } from '../linux/netlink/neighbour.js';
import type { Route } from '../linux/netlink/route.js';
import type { OwnTunnels, PoolModes, RemoteHost } from './encapsulation.js';
import type { NextHopResolver } from './next-hops.js';
import type { RouteEnvironment } from './route-environment.js';
import type { TunnelIntent } from './tunnel-intent.js';

export interface KernelFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** The main table of both families, without the routes of ours. */
  readonly foreignRoutes: readonly Route[];
  /** Of VXLAN devices; read only where one is wanted. */
  readonly fdb: readonly FdbEntry[];
  readonly neighbours: readonly Neighbour[];
}

/** What the cluster's documents say of this host. */
export interface HostIntent {
  readonly ownBlocks: readonly Prefix[];
  readonly pools: readonly PoolModes[];
  /** Of the node's addresses, as its Node has them. */
  readonly ownSubnets: PerFamily<Prefix>;
  /** The node's addresses. */
  readonly preferredSources: PerFamily<IpAddress>;
  readonly underlayAddresses: readonly IpAddress[];
  /** Addresses of workloads here, with the name of their interface. */
  readonly workloads: ReadonlyMap<Prefix, string>;
  /** The other hosts of the cluster. */
  readonly remoteHosts: readonly RemoteHost[];
  /** What this host should receive; undefined while its address is not known. */
  readonly tunnels: TunnelIntent | undefined;
  /** Hosts outside the cluster that may send tunnelled packets. */
  readonly externalNodes: readonly Prefix[];
  /** What the names of workloads' interfaces begin with: nothing encapsulated is taken from them. */
  readonly workloadInterfacePrefixes: readonly string[];
}

/** @param resolver that knows the foreign routes @param tunnels this host's ends of them, as they are now */
export function routeEnvironment(
  intent: HostIntent,
  { links, addresses }: KernelFacts,
  resolver: NextHopResolver,
  metric: number,
  tunnels: OwnTunnels,
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
  return {
    ...intent,
    ownSubnets: { ipv4: realSubnet('ipv4', intent, addresses), ipv6: realSubnet('ipv6', intent, addresses) },
    tunnelSources: { ipv4: intent.tunnels?.address, ipv6: intent.tunnels?.['vxlan-v6']?.address },
    tunnels,
    remoteHosts: new Map(intent.remoteHosts.map(host => [host.address, host])),
    connected,
    workloads,
    metric,
    resolve: nextHop => resolver.resolve(nextHop),
  };
}

/** The subnet of the node's address as the interface has it: a Node document may have it without, or with a wrong length. */
function realSubnet(
  family: AddressFamily,
  { preferredSources, ownSubnets }: HostIntent,
  addresses: readonly InterfaceAddress[],
): Prefix | undefined {
  const found = addresses.find(({ address }) => address === preferredSources[family]);
  return found === undefined ? ownSubnets[family] : prefixOf(found.address, found.prefixLength);
}

/** This host's own, each once, in order. */
export function ownAddresses({ addresses }: KernelFacts): readonly IpAddress[] {
  return [...new Set(addresses.map(({ address }) => address))].sort();
}

/** This host's addresses with the interfaces that have them. */
export function interfacesByAddress({
  links,
  addresses,
}: Pick<KernelFacts, 'links' | 'addresses'>): ReadonlyMap<IpAddress, string> {
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const found = new Map<IpAddress, string>();
  for (const { address, ifindex } of addresses) {
    const name = names.get(ifindex);
    if (name !== undefined) found.set(address, name);
  }
  return found;
}

/** IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE (linux/if_addr.h): nobody is to be told of such an address. */
const UNUSABLE = 0x08 | 0x20 | 0x40;

/** By interface: this host's link-local IPv6 address there; of several always the same one. */
export function linkLocalsByInterface({
  links,
  addresses,
}: Pick<KernelFacts, 'links' | 'addresses'>): ReadonlyMap<string, IpAddress> {
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const found = new Map<string, IpAddress>();
  for (const { address, ifindex, flags } of addresses) {
    const name = names.get(ifindex);
    if (name === undefined || !isLinkLocal(address) || (flags & UNUSABLE) !== 0) continue;
    const other = found.get(name);
    if (other === undefined || address < other) found.set(name, address);
  }
  return found;
}
