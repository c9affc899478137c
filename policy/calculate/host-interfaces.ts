/** Which interfaces of this host its host endpoints are for. An interface has one at most. */
import type { IpAddress } from '../../core/ip-address.js';
import { prefixContainsAddress } from '../../core/prefix.js';
import type { HostEndpointResource } from '../../core/resources/policy-documents.js';
import type { EndpointKey } from '../model.js';
import type { LocalEndpoint } from './local-policy.js';

/** Addresses by the name of the interface. */
export type InterfaceAddresses = ReadonlyMap<string, readonly IpAddress[]>;

/** Every interface of the host. */
const ALL = '*';

/** The endpoints that have an interface. On each but the first the interface is part of the key. */
export function placeEndpoints(
  endpoints: Iterable<HostEndpointResource>,
  addresses: InterfaceAddresses,
): Map<EndpointKey, LocalEndpoint> {
  const documents = new Map(Array.from(endpoints, document => [document.metadata.name, document]));
  const placed = new Map<EndpointKey, LocalEndpoint>();
  for (const [name, interfaces] of interfacesOf(documents.values(), addresses)) {
    const key = `HostEndpoint/${name}`;
    const profiles = documents.get(name)?.spec.profiles ?? [];
    const bases = interfaces.map((interfaceName, i) => ({
      key: i === 0 ? key : `${key}%${interfaceName}`,
      interfaceName,
      profiles,
    }));
    placed.set(key, { kind: 'host', bases });
  }
  return placed;
}

/**
 * The interfaces of each endpoint by its name, in order: the one it names (whether or not it is there), or those with an address that
 * it expects. Of two for the same interface the one that names it wins, then the one whose own name is first.
 */
function interfacesOf(
  endpoints: Iterable<HostEndpointResource>,
  addresses: InterfaceAddresses,
): Map<string, readonly string[]> {
  const byName = [...endpoints].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const taken = new Map<string, string>();
  const take = (interfaceName: string, endpoint: HostEndpointResource) => {
    if (!taken.has(interfaceName)) taken.set(interfaceName, endpoint.metadata.name);
  };
  for (const endpoint of byName)
    if (endpoint.spec.interfaceName !== undefined) take(endpoint.spec.interfaceName, endpoint);
  for (const endpoint of byName)
    if (endpoint.spec.interfaceName === undefined)
      for (const [interfaceName, own] of addresses)
        if (interfaceName !== ALL && own.some(address => expects(endpoint, address)))
          take(interfaceName, endpoint);
  const result = new Map<string, string[]>();
  for (const [interfaceName, endpoint] of [...taken].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const interfaces = result.get(endpoint);
    if (interfaces === undefined) result.set(endpoint, [interfaceName]);
    else interfaces.push(interfaceName);
  }
  return result;
}

function expects({ spec }: HostEndpointResource, address: IpAddress): boolean {
  return spec.expectedIPs.some(expected => prefixContainsAddress(expected, address));
}
