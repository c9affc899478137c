/**
 * The documents people write: Calico's v3 form, and Margay's own kinds beside it. Only this folder owns their shape.
 *
 * These are the shapes after parsing, validation and defaults: texts are canonical, absent optional fields stay absent.
 */
import type { Asn } from '../asn.js';
import type { AddressFamily, IpAddress, Ipv4Address, Ipv6Address } from '../ip-address.js';
import type { Prefix } from '../prefix.js';
import type { ClusterResource } from './cluster-documents.js';
import type { EndpointPort, FelixPolicySpec, PolicyResource } from './policy-documents.js';
import type { SessionOptionName } from './session-options.js';

export const CALICO_API = 'projectcalico.org/v3';
/** Of the kinds that Calico does not have. */
export const MARGAY_API = 'margay.io/v1';
/** Of the kinds that are Kubernetes' own. */
export const KUBERNETES_API = 'v1';

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const NETWORKING_API = 'networking.k8s.io/v1';

interface Document<Kind extends string, Spec, Api = typeof CALICO_API> {
  readonly apiVersion: Api;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
}

export type CalicoDocument<Kind extends string, Spec> = Document<Kind, Spec>;
export type MargayDocument<Kind extends string, Spec> = Document<Kind, Spec, typeof MARGAY_API>;
export type KubernetesDocument<Kind extends string, Spec, Api = typeof KUBERNETES_API> = Document<
  Kind,
  Spec,
  Api
>;

/** A host. `ipv4Address` is ADDRESS/LENGTH, the length being the one of the host's own subnet. */
export type NodeResource = Document<
  'Node',
  {
    readonly bgp?: {
      readonly asNumber?: Asn;
      readonly ipv4Address?: string;
      readonly ipv6Address?: string;
      readonly ipv4IPIPTunnelAddr?: Ipv4Address;
      readonly routeReflectorClusterID?: Ipv4Address;
    };
    readonly addresses?: readonly { readonly address: string; readonly type?: string }[];
    readonly ipv4VXLANTunnelAddr?: Ipv4Address;
    readonly vxlanTunnelMACAddr?: string;
    readonly ipv6VXLANTunnelAddr?: Ipv6Address;
    readonly vxlanTunnelMACAddrV6?: string;
  }
>;

export type EncapsulationMode = 'Always' | 'CrossSubnet' | 'Never';

export type IPPoolResource = Document<
  'IPPool',
  {
    readonly cidr: Prefix;
    readonly ipipMode: EncapsulationMode;
    readonly vxlanMode: EncapsulationMode;
    readonly natOutgoing: boolean;
    readonly disabled: boolean;
    readonly disableBGPExport: boolean;
    readonly blockSize: number;
    readonly nodeSelector: string;
    readonly namespaceSelector?: string;
    readonly allowedUses: readonly ('Workload' | 'Tunnel' | 'LoadBalancer')[];
    readonly assignmentMode: 'Automatic' | 'Manual';
  }
>;

/** `default` speaks for the cluster, `node.NAME` overrides it for one host. */
export type BGPConfigurationResource = Document<
  'BGPConfiguration',
  {
    readonly logSeverityScreen?: string;
    readonly nodeToNodeMeshEnabled?: boolean;
    readonly asNumber?: Asn;
    readonly listenPort?: number;
    readonly bindMode?: 'None' | 'NodeIP';
    readonly communities?: readonly { readonly name: string; readonly value: string }[];
    readonly prefixAdvertisements?: readonly {
      readonly cidr: Prefix;
      readonly communities: readonly string[];
    }[];
    readonly serviceClusterIPs?: readonly { readonly cidr: Prefix }[];
    readonly serviceExternalIPs?: readonly { readonly cidr: Prefix }[];
    readonly serviceLoadBalancerIPs?: readonly { readonly cidr: Prefix }[];
    readonly serviceLoadBalancerAggregation?: 'Enabled' | 'Disabled';
    readonly nodeMeshMaxRestartTime?: string;
    readonly nodeMeshPassword?: PasswordReference;
    readonly ignoredInterfaces?: readonly string[];
    readonly localWorkloadPeeringIPV4?: string;
    readonly localWorkloadPeeringIPV6?: string;
    readonly programClusterRoutes?: 'Disabled' | 'Enabled' | 'EnabledIPIPOnly' | 'EnabledNoEncapOnly';
    readonly ipv4NormalRoutePriority?: number;
    readonly ipv6NormalRoutePriority?: number;
  }
>;

/**
 * `default` speaks for the cluster, `node.NAME` overrides it for one host. Fields that this version does not act on stand beside these,
 * as they were written.
 */
export type FelixConfigurationResource = Document<
  'FelixConfiguration',
  {
    /** MTUs in bytes; 0 is an automatic one. */
    readonly ipipMTU?: number;
    readonly vxlanMTU?: number;
    readonly vxlanMTUV6?: number;
    readonly vxlanPort?: number;
    readonly vxlanVNI?: number;
    readonly externalNodesList?: readonly Prefix[];
  } & FelixPolicySpec
>;

/** `peerIP` (may carry a port) with `asNumber`, or `peerSelector`; for one `node`, a `nodeSelector`, or every node. */
export type BGPPeerResource = Document<
  'BGPPeer',
  {
    readonly node?: string;
    readonly nodeSelector?: string;
    readonly peerIP?: string;
    readonly asNumber?: Asn;
    readonly localASNumber?: Asn;
    readonly peerSelector?: string;
    readonly localWorkloadSelector?: string;
    readonly nextHopMode?: 'Auto' | 'Self' | 'Keep';
    readonly keepOriginalNextHop?: boolean;
    readonly sourceAddress?: 'UseNodeIP' | 'None';
    readonly maxRestartTime?: string;
    readonly keepaliveTime?: string;
    readonly numAllowedLocalASNumbers?: number;
    readonly ttlSecurity?: number;
    readonly reachableBy?: IpAddress;
    readonly filters?: readonly string[];
    readonly password?: PasswordReference;
    readonly reversePeering?: 'Auto' | 'Manual';
    readonly failureDetectionMode?: 'None' | 'BFDIfDirectlyConnected';
  }
>;

/** To a key of a {@link SecretResource}. */
export interface PasswordReference {
  readonly secretKeyRef: { readonly name: string; readonly key: string };
}

/**
 * Peers that are not known before they dial: whoever connects from an address of `cidr` with one of the AS numbers, at most `limit` at a
 * time. What they are like stands in fields of a BGPPeer and in session options.
 */
export type BGPPeerRangeResource = Document<
  'BGPPeerRange',
  {
    readonly node?: string;
    readonly nodeSelector?: string;
    readonly cidr: Prefix;
    /** None: the host's own. */
    readonly asNumbers?: readonly Asn[];
    readonly limit: number;
  } & Pick<
    BGPPeerResource['spec'],
    | 'localASNumber'
    | 'nextHopMode'
    | 'maxRestartTime'
    | 'keepaliveTime'
    | 'numAllowedLocalASNumbers'
    | 'ttlSecurity'
    | 'filters'
    | 'password'
  > & { readonly [K in SessionOptionName]?: string | number | boolean },
  typeof MARGAY_API
>;

/** One list per direction and family; of several BGPFilters of a peer the first rule that matches decides. */
export type BGPFilterResource = Document<
  'BGPFilter',
  {
    readonly importV4?: readonly BGPFilterRule[];
    readonly exportV4?: readonly BGPFilterRule[];
    readonly importV6?: readonly BGPFilterRule[];
    readonly exportV6?: readonly BGPFilterRule[];
  }
>;

/** Every match that is given must hold; a rule without one is for every route. */
export interface BGPFilterRule {
  readonly action: 'Accept' | 'Reject';
  readonly cidr?: Prefix;
  /** There where `cidr` is. */
  readonly matchOperator?: 'Equal' | 'NotEqual' | 'In' | 'NotIn';
  readonly prefixLength?: { readonly min?: number; readonly max?: number };
  readonly source?: 'RemotePeers';
  /** "*" stands for anything. */
  readonly interface?: string;
  readonly peerType?: 'eBGP' | 'iBGP';
  readonly communities?: { readonly values: readonly string[] };
  readonly asPathPrefix?: readonly Asn[];
  /** As a metric of the kernel: lower is better. */
  readonly priority?: number;
  readonly operations?: readonly BGPFilterOperation[];
}

/** One of the three. */
export interface BGPFilterOperation {
  readonly addCommunity?: { readonly value: string };
  readonly prependASPath?: { readonly prefix: readonly Asn[] };
  readonly setPriority?: { readonly value: number };
}

/** Kubernetes' own: what is in it is never shown, see `redaction.ts`. */
export interface SecretResource {
  readonly apiVersion: typeof KUBERNETES_API;
  readonly kind: 'Secret';
  readonly metadata: Metadata;
  readonly type?: string;
  /** By key, in base64. */
  readonly data: Readonly<Record<string, string>>;
}

/** A workload's interface; namespaced. */
export type WorkloadEndpointResource = Document<
  'WorkloadEndpoint',
  {
    readonly orchestrator?: string;
    readonly workload?: string;
    readonly node: string;
    readonly pod?: string;
    readonly containerID?: string;
    readonly endpoint?: string;
    readonly interfaceName: string;
    readonly ipNetworks: readonly Prefix[];
    readonly mac?: string;
    readonly profiles?: readonly string[];
    readonly ports?: readonly EndpointPort[];
    /** Beside the addresses of its own. */
    readonly allowSpoofedSourcePrefixes?: readonly Prefix[];
    readonly serviceAccountName?: string;
  }
>;

/** A block of addresses that belongs to one node. Only `confirmed` ones are advertised. */
export type BlockAffinityResource = Document<
  'BlockAffinity',
  {
    readonly node: string;
    readonly cidr: Prefix;
    readonly state: 'confirmed' | 'pending' | 'pendingDeletion';
    readonly deleted?: boolean;
  }
>;

/**
 * What a host says of itself, named like its Node: written by its agent alone. Other hosts send by a tunnel only what is received here,
 * and this host receives by a tunnel as long as any host says that it sends by it.
 */
export type NodeStatusResource = Document<
  'NodeStatus',
  {
    /** Of the agent. */
    readonly version: string;
    /** Tunnels that this host has tried to open. */
    readonly receives: readonly TunnelReception[];
    /** Tunnels that routes of this host lead into. */
    readonly sends: readonly TunnelName[];
    /** What one session of the mesh with this host carries; absent: the family of its address. */
    readonly meshFamilies?: readonly AddressFamily[];
  },
  typeof MARGAY_API
>;

export type TunnelName = 'ipip' | 'vxlan' | 'vxlan-v6' | 'udp';

export interface TunnelReception {
  readonly tunnel: TunnelName;
  readonly state: 'Ready' | 'Unavailable';
  /** Of an unavailable one, in words. */
  readonly reason?: string;
}

export type Resource =
  | NodeStatusResource
  | NodeResource
  | IPPoolResource
  | BGPConfigurationResource
  | FelixConfigurationResource
  | BGPPeerResource
  | BGPPeerRangeResource
  | BGPFilterResource
  | WorkloadEndpointResource
  | BlockAffinityResource
  | SecretResource
  | ClusterResource
  | PolicyResource;

export type ResourceKind = Resource['kind'];

export function apiOf(kind: ResourceKind): string {
  switch (kind) {
    case 'Secret':
    case 'Namespace':
    case 'ServiceAccount':
      return KUBERNETES_API;
    case 'KubernetesNetworkPolicy':
      return NETWORKING_API;
    case 'NodeStatus':
    case 'BGPPeerRange':
    case 'IPAMBlock':
    case 'IPAMHandle':
    case 'BGPTopology':
    case 'TopologyPlan':
    case 'Lease':
    case 'NodeReport':
      return MARGAY_API;
    default:
      return CALICO_API;
  }
}

const namespacedKinds: ReadonlySet<ResourceKind> = new Set<ResourceKind>([
  'WorkloadEndpoint',
  'NetworkPolicy',
  'StagedNetworkPolicy',
  'KubernetesNetworkPolicy',
  'StagedKubernetesNetworkPolicy',
  'NetworkSet',
  'ServiceAccount',
]);

/** True for kinds whose documents live in namespaces. */
export function isNamespaced(kind: ResourceKind): boolean {
  return namespacedKinds.has(kind);
}

const recordKinds: ReadonlySet<ResourceKind> = new Set<ResourceKind>([
  'IPAMBlock',
  'IPAMHandle',
  'Lease',
  'NodeReport',
]);

/** True for what agents keep for each other, often changed and seldom read: a store's watch does not tell of it. */
export function isRecord(kind: ResourceKind): boolean {
  return recordKinds.has(kind);
}

/** True for kinds whose documents deny what they do not allow, so that one that cannot be understood leaves a gap. */
export function isPolicyKind(kind: ResourceKind): boolean {
  return kind === 'NetworkPolicy' || kind === 'GlobalNetworkPolicy' || kind === 'KubernetesNetworkPolicy';
}

export interface ResourceId {
  readonly kind: ResourceKind;
  /** Only namespaced kinds have one. */
  readonly namespace?: string;
  readonly name: string;
}

/** RFC 1123 subdomain. */
export const resourceNamePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** `Kind/name` or `Kind/namespace/name`: unique, for maps, logs and people. */
export function formatResourceId(id: ResourceId): string {
  return id.namespace === undefined ? `${id.kind}/${id.name}` : `${id.kind}/${id.namespace}/${id.name}`;
}

export function resourceIdOf(resource: Resource): ResourceId {
  const { name, namespace } = resource.metadata;
  return namespace === undefined ? { kind: resource.kind, name } : { kind: resource.kind, namespace, name };
}
