/**
 * What the speaker itself is configured with, from this host's Node and the BGPConfiguration: AS number, router id, where to listen.
 *
 * The router id (RFC 6286) is the node's IPv4 address; a host without one gets a stable number from its name, as Calico's "hash" does.
 */
import type { ListenEndpoint } from '../../bgp/speaker/contract.js';
import type { Asn } from '../../core/asn.js';
import {
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  ipv4FromNumber,
  parseIpv4,
} from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { NodeResource } from '../../core/resources/resource.js';
import { afterChange, type ResourceChange, sameValue } from './calculator.js';
import { BgpConfigurations, nodeAddress } from './node-view.js';

export interface SpeakerSettings {
  readonly asn: Asn;
  readonly routerId: Ipv4Address;
  readonly listen: readonly ListenEndpoint[];
  /** Of a route reflector. */
  readonly clusterId: Ipv4Address | undefined;
  readonly ipv4Address: IpAddress | undefined;
  readonly ipv4Subnet: Prefix | undefined;
  readonly ipv6Address: IpAddress | undefined;
  readonly ipv6Subnet: Prefix | undefined;
}

export class SpeakerSettingsCalculator {
  readonly #nodeName: string;
  readonly #configurations = new BgpConfigurations();
  #node: NodeResource | undefined;
  #told: SpeakerSettings | undefined;

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
  }

  onChange(change: ResourceChange): void {
    const { id, resource } = afterChange(change);
    const { kind, name } = id;
    if (kind === 'Node' && name === this.#nodeName) this.#node = resource as NodeResource | undefined;
    if (kind !== 'BGPConfiguration') return;
    if (resource?.kind === 'BGPConfiguration') this.#configurations.set(resource);
    else this.#configurations.delete(name);
  }

  /** This host's own document, as last told. */
  get node(): NodeResource | undefined {
    return this.#node;
  }

  /** The settings, or undefined if they are what the last flush told. */
  flush(): SpeakerSettings | undefined {
    const settings = speakerSettings(this.#nodeName, this.#node, this.#configurations);
    if (sameValue(settings, this.#told)) return undefined;
    this.#told = settings;
    return settings;
  }
}

function speakerSettings(
  nodeName: string,
  node: NodeResource | undefined,
  configurations: BgpConfigurations,
): SpeakerSettings {
  const own = nodeAddress(node);
  const ipv6 = nodeAddress(node, 'ipv6');
  return {
    asn: configurations.asn(node, nodeName),
    routerId: (own?.address as Ipv4Address | undefined) ?? routerIdFromName(nodeName),
    listen: listenEndpoints(nodeName, node, configurations),
    clusterId: node?.spec.bgp?.routeReflectorClusterID,
    ipv4Address: own?.address,
    ipv4Subnet: own?.subnet,
    ipv6Address: ipv6?.address,
    ipv6Subnet: ipv6?.subnet,
  };
}

/** Every address of each family that the host has one of, or with bindMode NodeIP that one alone. IPv4 always, to have a listener. */
function listenEndpoints(
  nodeName: string,
  node: NodeResource | undefined,
  configurations: BgpConfigurations,
): readonly ListenEndpoint[] {
  const port = configurations.listenPort(nodeName);
  const bound = configurations.of(nodeName, 'bindMode') === 'NodeIP';
  const [ipv4, ipv6] = [nodeAddress(node)?.address, nodeAddress(node, 'ipv6')?.address];
  const any = { ipv4: '0.0.0.0' as Ipv4Address, ipv6: '::' as Ipv6Address };
  if (!bound)
    return [any.ipv4, ...(ipv6 === undefined ? [] : [any.ipv6])].map(address => ({ address, port }));
  const own = [ipv4, ipv6].filter(address => address !== undefined);
  return (own.length === 0 ? [any.ipv4] : own).map(address => ({ address, port }));
}

/** Of a reflector whose author wrote none: its address, else what its name makes. */
export function usualClusterId(address: string | undefined, nodeName: string): Ipv4Address {
  return parseIpv4(address?.split('/')[0] ?? '') ?? routerIdFromName(nodeName);
}

/** FNV-1a over the name's UTF-16 units; never 0, which RFC 6286 forbids. */
export function routerIdFromName(name: string): Ipv4Address {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ipv4FromNumber(hash >>> 0 || 1);
}
