/** Short-hand for documents in tests. */
import type { Asn } from '../../core/asn.js';
import type { Prefix } from '../../core/prefix.js';
import { usualTopology } from '../../core/resources/cluster.js';
import type {
  BGPTopologyResource,
  TopologyArrangement,
  TopologyPlanResource,
} from '../../core/resources/cluster-documents.js';
import {
  type BGPConfigurationResource,
  type BGPFilterResource,
  type BGPPeerRangeResource,
  type BGPPeerResource,
  type BlockAffinityResource,
  CALICO_API,
  type FelixConfigurationResource,
  type IPPoolResource,
  KUBERNETES_API,
  MARGAY_API,
  type NodeResource,
  type NodeStatusResource,
  type Resource,
  type SecretResource,
  type WorkloadEndpointResource,
} from '../../core/resources/resource.js';

const apiVersion = CALICO_API;
const metadata = (name: string, labels: Record<string, string> = {}) => ({ name, labels, annotations: {} });

function annotated(name: string, options: Readonly<Record<string, string>>) {
  const annotations = Object.entries(options).map(
    ([option, value]) => [`margay.io/${option}`, value] as const,
  );
  return { name, labels: {}, annotations: Object.fromEntries(annotations) };
}

export const asn = (value: number) => value as Asn;
export const cidr = (text: string) => text as Prefix;

export function node(
  name: string,
  ipv4Address?: string,
  more: { labels?: Record<string, string>; asNumber?: number; cluster?: string; ipv6?: string } = {},
): NodeResource {
  const bgp = {
    ...(ipv4Address === undefined ? {} : { ipv4Address }),
    ...(more.ipv6 === undefined ? {} : { ipv6Address: more.ipv6 }),
    ...(more.asNumber === undefined ? {} : { asNumber: asn(more.asNumber) }),
    ...(more.cluster === undefined ? {} : { routeReflectorClusterID: more.cluster as never }),
  };
  return { apiVersion, kind: 'Node', metadata: metadata(name, more.labels), spec: { bgp } };
}

/** @param meshFamilies what its agent says that one session of the mesh carries */
export function nodeStatus(
  name: string,
  meshFamilies?: NodeStatusResource['spec']['meshFamilies'],
): NodeStatusResource {
  const spec = {
    version: '1',
    receives: [],
    sends: [],
    ...(meshFamilies === undefined ? {} : { meshFamilies }),
  };
  return { apiVersion: MARGAY_API, kind: 'NodeStatus', metadata: metadata(name), spec };
}

export function bgpConfiguration(
  name: string,
  spec: BGPConfigurationResource['spec'],
  options: Readonly<Record<string, string>> = {},
): BGPConfigurationResource {
  return { apiVersion, kind: 'BGPConfiguration', metadata: annotated(name, options), spec };
}

export function felixConfiguration(
  name: string,
  spec: FelixConfigurationResource['spec'] & Readonly<Record<string, unknown>>,
): FelixConfigurationResource {
  return { apiVersion, kind: 'FelixConfiguration', metadata: metadata(name), spec };
}

/** @param options `margay.io/NAME` annotations */
export function bgpPeer(
  name: string,
  spec: BGPPeerResource['spec'],
  options: Readonly<Record<string, string>> = {},
): BGPPeerResource {
  return { apiVersion, kind: 'BGPPeer', metadata: annotated(name, options), spec };
}

export function bgpPeerRange(
  name: string,
  spec: Omit<BGPPeerRangeResource['spec'], 'limit'> & { readonly limit?: number },
): BGPPeerRangeResource {
  return {
    apiVersion: MARGAY_API,
    kind: 'BGPPeerRange',
    metadata: metadata(name),
    spec: { limit: 100, ...spec },
  };
}

export function bgpFilter(name: string, spec: BGPFilterResource['spec']): BGPFilterResource {
  return { apiVersion, kind: 'BGPFilter', metadata: metadata(name), spec };
}

/** @param values by key, as text */
export function secret(name: string, values: Readonly<Record<string, string>>): SecretResource {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { apiVersion: KUBERNETES_API, kind: 'Secret', metadata: metadata(name), data };
}

export function pool(name: string, prefix: string, disableBGPExport = false): IPPoolResource {
  return {
    apiVersion,
    kind: 'IPPool',
    metadata: metadata(name),
    spec: {
      cidr: cidr(prefix),
      ipipMode: 'Never',
      vxlanMode: 'Never',
      natOutgoing: false,
      disabled: false,
      disableBGPExport,
      blockSize: 26,
      nodeSelector: 'all()',
      allowedUses: ['Workload', 'Tunnel'],
      assignmentMode: 'Automatic',
    },
  };
}

export function block(
  nodeName: string,
  prefix: string,
  state: BlockAffinityResource['spec']['state'] = 'confirmed',
): BlockAffinityResource {
  const name = `${nodeName}-${prefix.replaceAll(/[./]/g, '-')}`;
  const spec = { node: nodeName, cidr: cidr(prefix), state };
  return { apiVersion, kind: 'BlockAffinity', metadata: metadata(name), spec };
}

export function workload(nodeName: string, name: string, ...networks: string[]): WorkloadEndpointResource {
  return {
    apiVersion,
    kind: 'WorkloadEndpoint',
    metadata: { ...metadata(name), namespace: 'default' },
    spec: { node: nodeName, interfaceName: `mgy${name}`, ipNetworks: networks.map(cidr) },
  };
}

export type State = readonly Resource[];

export function bgpTopology(spec: Partial<BGPTopologyResource['spec']> = {}): BGPTopologyResource {
  return {
    apiVersion: MARGAY_API,
    kind: 'BGPTopology',
    metadata: metadata('default'),
    spec: { ...usualTopology, ...spec },
  };
}

export function topologyPlan(
  generation: number,
  current: TopologyArrangement,
  previous?: TopologyArrangement,
): TopologyPlanResource {
  const before = previous === undefined ? {} : { previous };
  return {
    apiVersion: MARGAY_API,
    kind: 'TopologyPlan',
    metadata: metadata('default'),
    spec: { generation, decidedUnixMs: 0, current, ...before, heldDown: [], reasons: [] },
  };
}

/** Reflectors by their names. */
export function reflectedBy(...names: readonly string[]): TopologyArrangement {
  return { mode: 'reflectors', reflectors: names.map(node => ({ node })), sessionsPerClient: 2 };
}
