/**
 * A cluster as its documents describe it, without any host being there: who its workloads are, and what each of its hosts enforces (pure).
 */
import { type AddressFamily, addressFamily, type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import { prefixAddress } from '../../core/prefix.js';
import type { FelixPolicySpec } from '../../core/resources/policy-documents.js';
import {
  formatResourceId,
  type NodeResource,
  type Resource,
  resourceIdOf,
  type WorkloadEndpointResource,
} from '../../core/resources/resource.js';
import { PolicyCalculator } from '../calculate/policy-calculator.js';
import { filterSettings } from '../filter-settings.js';
import type { EndpointKey, HostPolicy } from '../model.js';
import type { FilterSettings } from '../settings.js';

export interface WorldWorkload {
  readonly key: EndpointKey;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly addresses: readonly IpAddress[];
}

export interface WorldHost {
  readonly name: string;
  readonly policy: HostPolicy;
  readonly settings: FilterSettings;
}

export interface KnownHost {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Absent: what the documents say. */
  readonly enforced?: Omit<WorldHost, 'name'> | undefined;
}

export class World {
  readonly workloads: ReadonlyMap<EndpointKey, WorldWorkload>;
  readonly #byAddress = new Map<IpAddress, WorldWorkload>();
  readonly #hosts: Map<string, WorldHost>;
  readonly #hostAddresses = new Map<IpAddress, string>();
  readonly #documents: readonly Resource[];

  /** @param documents the last of a name counts @param known hosts of which it is known otherwise what they enforce, and their addresses */
  constructor(documents: readonly Resource[], known: readonly KnownHost[] = []) {
    this.#hosts = new Map(
      known.flatMap(({ name, enforced }) => (enforced === undefined ? [] : [[name, { name, ...enforced }]])),
    );
    const byId = new Map(documents.map(document => [formatResourceId(resourceIdOf(document)), document]));
    this.#documents = [...byId.values()];
    const endpoints = this.#documents.filter(document => document.kind === 'WorkloadEndpoint');
    this.workloads = new Map(endpoints.map(workloadOf).map(each => [each.key, each]));
    for (const workload of this.workloads.values()) {
      for (const address of workload.addresses) this.#byAddress.set(address, workload);
    }
    for (const document of this.#documents)
      if (document.kind === 'Node')
        for (const address of nodeAddresses(document))
          this.#hostAddresses.set(address, document.metadata.name);
    for (const { name, addresses } of known)
      for (const address of addresses) this.#hostAddresses.set(address, name);
  }

  workloadAt(address: IpAddress): WorldWorkload | undefined {
    return this.#byAddress.get(address);
  }

  /** The name of the host whose own address it is. */
  hostAt(address: IpAddress): string | undefined {
    return this.#hostAddresses.get(address);
  }

  /** What a host enforces; worked out when it is first asked for. */
  host(name: string): WorldHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const calculator = new PolicyCalculator(name);
    for (const document of this.#documents) calculator.set(document);
    calculator.take();
    const host = { name, policy: calculator.current, settings: this.#settingsOf(name) };
    this.#hosts.set(name, host);
    return host;
  }

  #settingsOf(host: string): FilterSettings {
    const named = (wanted: string) =>
      this.#documents.find(({ kind, metadata }) => kind === 'FelixConfiguration' && metadata.name === wanted);
    const layers = [named(`node.${host}`), named('default')].map(
      document => (document?.kind === 'FelixConfiguration' ? document.spec : {}) as FelixPolicySpec,
    );
    return filterSettings(
      field => layers.find(layer => layer[field] !== undefined)?.[field] as never,
      {},
      { pools: [], nodeAddresses: [], tunnels: [] },
    );
  }
}

function workloadOf(document: WorkloadEndpointResource): WorldWorkload {
  const { namespace = '', name } = document.metadata;
  return {
    key: formatResourceId(resourceIdOf(document)),
    namespace,
    name,
    host: document.spec.node,
    addresses: document.spec.ipNetworks.map(prefixAddress),
  };
}

/** Those by which hosts know one another. */
function nodeAddresses({ spec: { bgp, addresses = [] } }: NodeResource): readonly IpAddress[] {
  const texts = [bgp?.ipv4Address, bgp?.ipv6Address, ...addresses.map(({ address }) => address)];
  return texts.flatMap(text => parseIpAddress(text?.split('/')[0] ?? '') ?? []);
}

/** The first address of a family. */
export function addressOf(
  { addresses }: Pick<WorldWorkload, 'addresses'>,
  family: AddressFamily,
): IpAddress | undefined {
  return addresses.find(address => addressFamily(address) === family);
}
