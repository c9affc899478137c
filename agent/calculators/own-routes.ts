/**
 * The routes this host originates: its confirmed blocks, workload addresses outside all of them (borrowed ones) as host routes, and the
 * ranges of services. A host of IPv4 and IPv6 names its IPv6 address as the next hop: a session over IPv4 may carry IPv6, too.
 *
 * A pending affinity is nobody's yet and is neither announced nor black-holed. `prefixAdvertisements` add communities (RFC 1997,
 * RFC 8092) to every route inside their CIDR. Whether a route leaves the host is the export policy's question, not asked here.
 */
import type { OriginatedRoute } from '../../bgp/speaker/contract.js';
import { addressBits, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContains, prefixFamily, prefixLength } from '../../core/prefix.js';
import type {
  BGPConfigurationResource,
  BlockAffinityResource,
  NodeResource,
  WorkloadEndpointResource,
} from '../../core/resources/resource.js';
import { afterChange, type Delta, KeyedOutput, type ResourceChange } from './calculator.js';
import { type Condition, condition } from './condition.js';
import { BgpConfigurations, nodeAddress } from './node-view.js';
import { serviceRanges } from './service-ranges.js';

export interface OwnRoute {
  readonly route: OriginatedRoute;
  /** Traffic for addresses of the block that nobody has ends here. Never for a host route: it would cut its workload off. */
  readonly blackhole: boolean;
}

type Communities = NonNullable<BGPConfigurationResource['spec']['communities']>;
type Advertisements = NonNullable<BGPConfigurationResource['spec']['prefixAdvertisements']>;

export class OwnRoutesCalculator {
  readonly #nodeName: string;
  readonly #blocks = new Map<string, Prefix>();
  readonly #workloads = new Map<string, readonly Prefix[]>();
  readonly #configurations = new BgpConfigurations();
  readonly #output = new KeyedOutput<Prefix, OwnRoute>();
  #ipv6NextHop: IpAddress | undefined;
  #current = new Set<Prefix>();
  #conditions: readonly Condition[] = [];
  #dirty = false;

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  /** A host has few blocks and hundreds of workloads at most: other nodes' documents cost a lookup, own ones mark all dirty. */
  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    switch (id.kind) {
      case 'BlockAffinity':
        this.#replace(this.#blocks, id.name, this.#ownBlock(resource as BlockAffinityResource | undefined));
        return;
      case 'WorkloadEndpoint':
        this.#replace(
          this.#workloads,
          `${id.namespace ?? ''}/${id.name}`,
          this.#ownNetworks(resource as WorkloadEndpointResource | undefined),
        );
        return;
      case 'Node':
        if (id.name === this.#nodeName) this.#setNode(resource as NodeResource | undefined);
        return;
      case 'BGPConfiguration':
        if (resource === undefined) this.#configurations.delete(id.name);
        else this.#configurations.set(resource as BGPConfigurationResource);
        this.#dirty = true;
        return;
      default:
    }
  }

  flush(): Delta<Prefix, OwnRoute> {
    if (this.#dirty) this.#recompute();
    this.#dirty = false;
    return this.#output.take();
  }

  /** This host's confirmed blocks. */
  get blocks(): readonly Prefix[] {
    return [...this.#blocks.values()];
  }

  /** As of the last flush. */
  get conditions(): readonly Condition[] {
    return this.#conditions;
  }

  #recompute(): void {
    const blocks = [...this.#blocks.values()];
    const networks = [...this.#workloads.values()].flat();
    const borrowed = networks.filter(network => !blocks.some(block => prefixContains(block, network)));
    const communities = this.#configurations.of(this.#nodeName, 'communities') ?? [];
    const advertisements = this.#configurations.of(this.#nodeName, 'prefixAdvertisements') ?? [];
    const services = serviceRanges(this.#configurations, this.#nodeName);
    const blackholes = new Set(blocks);
    const wanted = new Set<Prefix>([...blocks, ...borrowed, ...services.advertised]);
    for (const prefix of this.#current) if (!wanted.has(prefix)) this.#output.remove(prefix);
    for (const prefix of wanted) {
      const nextHop = prefixFamily(prefix) === 'ipv6' ? this.#ipv6NextHop : undefined;
      const route = ownRoute(prefix, communities, advertisements, nextHop);
      this.#output.put(prefix, { ...route, blackhole: route.blackhole && blackholes.has(prefix) });
    }
    this.#current = wanted;
    this.#conditions = [
      ...undefinedCommunities(communities, advertisements),
      ...withheldRanges(services.withheld),
    ];
  }

  #setNode(node: NodeResource | undefined): void {
    const dual = nodeAddress(node)?.address !== undefined;
    const nextHop = dual ? nodeAddress(node, 'ipv6')?.address : undefined;
    if (nextHop !== this.#ipv6NextHop) this.#dirty = true;
    this.#ipv6NextHop = nextHop;
  }

  #ownBlock(affinity: BlockAffinityResource | undefined): Prefix | undefined {
    if (affinity === undefined || affinity.spec.node !== this.#nodeName) return undefined;
    return affinity.spec.state === 'confirmed' && affinity.spec.deleted !== true
      ? affinity.spec.cidr
      : undefined;
  }

  #ownNetworks(endpoint: WorkloadEndpointResource | undefined): readonly Prefix[] | undefined {
    return endpoint?.spec.node === this.#nodeName ? endpoint.spec.ipNetworks : undefined;
  }

  #replace<V>(map: Map<string, V>, key: string, value: V | undefined): void {
    if (value === undefined) {
      if (map.delete(key)) this.#dirty = true;
    } else {
      map.set(key, value);
      this.#dirty = true;
    }
  }
}

/** One route with the communities of every advertisement that covers it. */
export function ownRoute(
  prefix: Prefix,
  communities: Communities,
  advertisements: Advertisements,
  nextHop?: IpAddress,
): OwnRoute {
  const values = advertisements
    .filter(advertisement => prefixContains(advertisement.cidr, prefix))
    .flatMap(advertisement => advertisement.communities)
    .map(text => communityNumbers(resolveCommunity(text, communities)));
  const small = new Set<number>();
  const large = new Map<string, readonly [number, number, number]>();
  for (const value of values) {
    if (value?.length === 2) small.add(((value[0] as number) * 65536 + (value[1] as number)) >>> 0);
    if (value?.length === 3) large.set(value.join(':'), value as [number, number, number]);
  }
  return {
    route: {
      prefix,
      nextHop,
      communities: [...small].sort((a, b) => a - b),
      largeCommunities: [...large.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]),
      localPref: undefined,
      med: undefined,
    },
    blackhole: prefixLength(prefix) < addressBits(prefixFamily(prefix)),
  };
}

/** `aa:nn` (16 bits each) or `aa:nn:mm` (32 bits each); undefined for anything else. */
function communityNumbers(text: string): readonly number[] | undefined {
  if (!/^\d{1,10}(:\d{1,10}){1,2}$/.test(text)) return undefined;
  const numbers = text.split(':').map(Number);
  const limit = numbers.length === 2 ? 65535 : 4294967295;
  return numbers.every(number => number <= limit) ? numbers : undefined;
}

function resolveCommunity(text: string, communities: Communities): string {
  return communities.find(({ name }) => name === text)?.value ?? text;
}

function undefinedCommunities(communities: Communities, advertisements: Advertisements): Condition[] {
  const unknown = advertisements
    .flatMap(advertisement => advertisement.communities)
    .filter(text => communityNumbers(resolveCommunity(text, communities)) === undefined);
  return [...new Set(unknown)]
    .sort()
    .map(name =>
      condition(
        'warning',
        'undefined-community',
        ['BGPConfiguration/default', name],
        `prefixAdvertisements name the community "${name}", which spec.communities does not define: it is left out`,
      ),
    );
}

function withheldRanges(ranges: readonly Prefix[]): Condition[] {
  if (ranges.length === 0) return [];
  const object = 'BGPConfiguration/default';
  const message = `serviceLoadBalancerAggregation is Disabled: single addresses of ${ranges.join(', ')} cannot be announced, because this version does not know Kubernetes' services; neither are the ranges`;
  return [condition('warning', 'service-addresses', [object, 'serviceLoadBalancerAggregation'], message)];
}
