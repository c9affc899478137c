/** What the calculators read off Node and BGPConfiguration resources: addresses, AS numbers, ports, with Calico's defaults. */
import { type Asn, parseAsn } from '../../core/asn.js';
import { type AddressFamily, addressFamily, type IpAddress, parseIpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../core/prefix.js';
import type { BGPConfigurationResource, NodeResource } from '../../core/resources/resource.js';
import { Configurations } from './configurations.js';

/** Calico's default AS number, for every node that has none of its own. */
export const DEFAULT_ASN = parseAsn(64512) as Asn;
export const BGP_PORT = 179;

export interface NodeAddress {
  readonly address: IpAddress;
  /** The host's own subnet. */
  readonly subnet: Prefix;
}

export function nodeAddress(
  node: NodeResource | undefined,
  family: AddressFamily = 'ipv4',
): NodeAddress | undefined {
  const bgp = node?.spec.bgp;
  const text = family === 'ipv4' ? bgp?.ipv4Address : bgp?.ipv6Address;
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text ?? '');
  const address = match === null ? undefined : parseIpAddress(match[1] as string);
  if (address === undefined || addressFamily(address) !== family) return undefined;
  const width = family === 'ipv4' ? 32 : 128;
  return { address, subnet: prefixOf(address, Math.min(width, Number(match?.[2] ?? width))) };
}

/** The BGPConfigurations, read with Calico's defaults. */
export class BgpConfigurations extends Configurations<BGPConfigurationResource> {
  asn(node: NodeResource | undefined, nodeName: string): Asn {
    return node?.spec.bgp?.asNumber ?? this.of(nodeName, 'asNumber') ?? DEFAULT_ASN;
  }

  listenPort(nodeName: string): number {
    return this.of(nodeName, 'listenPort') ?? BGP_PORT;
  }
}
