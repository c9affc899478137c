/**
 * What the cluster's documents say of addresses (pure but for what it is told): pools, nodes, reservations, whose blocks are whose, which
 * addresses endpoints have. Fed with a store's watch, it may lag behind: what counts is decided by compare-and-swap.
 */
import { addressBits, type IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../core/prefix.js';
import type { IPAMConfigurationResource } from '../core/resources/cluster-documents.js';
import { ipamConfigurationSpec } from '../core/resources/ipam.js';
import {
  type BlockAffinityResource,
  formatResourceId,
  type IPPoolResource,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../core/resources/resource.js';
import type { Labels } from '../core/selector.js';
import { Affinities, type Affinity } from './affinities.js';

export type IpamConfiguration = IPAMConfigurationResource['spec'];

/** The kinds that addresses depend on; others are not kept. */
export const ipamKinds = [
  'IPPool',
  'Node',
  'Namespace',
  'IPAMConfiguration',
  'IPReservation',
  'BlockAffinity',
  'WorkloadEndpoint',
] as const satisfies readonly ResourceKind[];

type Kind = (typeof ipamKinds)[number];
type OfKind<K extends Kind> = Extract<Resource, { readonly kind: K }>;

const usualConfiguration: IpamConfiguration = ipamConfigurationSpec.parse({});

export class IpamDocuments {
  readonly #byKind = new Map<ResourceKind, Map<string, Resource>>(ipamKinds.map(kind => [kind, new Map()]));
  readonly #affinities = new Affinities();
  /** Keys of the documents that say that they have an address. */
  readonly #users = new Map<IpAddress, Set<string>>();

  constructor(resources: Iterable<Resource> = []) {
    for (const resource of resources) this.changed(resource);
  }

  changed(resource: Resource): void {
    const known = this.#byKind.get(resource.kind);
    if (known === undefined) return;
    this.deleted(resourceIdOf(resource));
    const key = formatResourceId(resourceIdOf(resource));
    known.set(key, resource);
    if (resource.kind === 'BlockAffinity') this.#affinities.set(resource.metadata.name, resource);
    for (const address of addressesIn(resource)) {
      const users = this.#users.get(address);
      if (users === undefined) this.#users.set(address, new Set([key]));
      else users.add(key);
    }
  }

  deleted(id: ResourceId): void {
    const key = formatResourceId(id);
    const before = this.#byKind.get(id.kind)?.get(key);
    if (before === undefined) return;
    this.#byKind.get(id.kind)?.delete(key);
    if (id.kind === 'BlockAffinity') this.#affinities.set(id.name, undefined);
    for (const address of addressesIn(before)) {
      const users = this.#users.get(address);
      users?.delete(key);
      if (users?.size === 0) this.#users.delete(address);
    }
  }

  /** `Kind/name` of documents that have the address: endpoints, and nodes as theirs inside tunnels. */
  usersOf(address: IpAddress): readonly string[] {
    return [...(this.#users.get(address) ?? [])];
  }

  /** In the order of their names. */
  get pools(): readonly IPPoolResource[] {
    return this.#all('IPPool').toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  get configuration(): IpamConfiguration {
    const found = this.#all('IPAMConfiguration').find(({ metadata }) => metadata.name === 'default');
    return found?.spec ?? usualConfiguration;
  }

  get reservations(): readonly Prefix[] {
    return this.#all('IPReservation').flatMap(({ spec }) => spec.reservedCIDRs);
  }

  get affinities(): readonly Affinity[] {
    return this.#affinities.all.map(({ spec }) => spec);
  }

  affinity(name: string): Affinity | undefined {
    return this.#affinities.get(name)?.spec;
  }

  /** Of a host: in any state. */
  affinitiesOf(node: string): readonly BlockAffinityResource[] {
    return this.#affinities.of(node);
  }

  /** Of anybody: around a block and inside it, and not the same. */
  blocksOverlapping(block: Prefix): readonly Prefix[] {
    return this.#affinities.overlapping(block);
  }

  /** Without a document it has none. */
  labelsOf(kind: 'Node' | 'Namespace', name: string): Labels {
    return this.#byKind.get(kind)?.get(formatResourceId({ kind, name }))?.metadata.labels ?? {};
  }

  /** How many there are. */
  get endpoints(): number {
    return this.#all('WorkloadEndpoint').length;
  }

  /** Whether there is a Node of that name. */
  hasNode(name: string): boolean {
    return this.#byKind.get('Node')?.has(formatResourceId({ kind: 'Node', name })) === true;
  }

  /** The host of one of {@link usersOf}. */
  hostOf(user: string): string | undefined {
    const endpoint = this.#byKind.get('WorkloadEndpoint')?.get(user);
    if (endpoint?.kind === 'WorkloadEndpoint') return endpoint.spec.node;
    return this.#byKind.get('Node')?.get(user)?.metadata.name;
  }

  /** Every address with the keys of its users. */
  get usedAddresses(): Iterable<readonly [IpAddress, ReadonlySet<string>]> {
    return this.#users;
  }

  #all<K extends Kind>(kind: K): readonly OfKind<K>[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])] as OfKind<K>[];
  }
}

/** Single ones: a wider network is nobody's address. */
function addressesIn(resource: Resource): readonly IpAddress[] {
  if (resource.kind === 'WorkloadEndpoint') {
    return resource.spec.ipNetworks.filter(isHostPrefix).map(prefixAddress);
  }
  if (resource.kind !== 'Node') return [];
  const { bgp, ipv4VXLANTunnelAddr, ipv6VXLANTunnelAddr } = resource.spec;
  const all = [bgp?.ipv4IPIPTunnelAddr, ipv4VXLANTunnelAddr, ipv6VXLANTunnelAddr];
  return [...new Set(all.filter(address => address !== undefined))];
}

function isHostPrefix(prefix: Prefix): boolean {
  return prefixLength(prefix) === addressBits(prefixFamily(prefix));
}
