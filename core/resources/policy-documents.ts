/**
 * The documents of network policy: Calico's v3 kinds, and those of Kubernetes that say who is meant. Shapes after parsing, validation
 * and defaults, as in `resource.ts`; selectors are valid and stand as they were written.
 */
import type { Ipv4Address } from '../ip-address.js';
import type { Prefix } from '../prefix.js';
import type { CalicoDocument, KubernetesDocument, NETWORKING_API } from './resource.js';

// ---------------------------------------------------------------- Calico's

/** Policies in order; the lower `order` comes first, absent is last, ties go by name. */
export type TierResource = CalicoDocument<
  'Tier',
  { readonly order?: number; readonly defaultAction: 'Deny' | 'Pass' }
>;

export interface PolicySpec {
  readonly tier: string;
  readonly order?: number;
  /** Endpoints it applies to; "" is all of them (of the namespace, for a namespaced one). */
  readonly selector: string;
  readonly serviceAccountSelector?: string;
  /** As written, or from the rules that are there: Ingress alone if there is neither. */
  readonly types: readonly ('Ingress' | 'Egress')[];
  readonly ingress: readonly PolicyRule[];
  readonly egress: readonly PolicyRule[];
  readonly performanceHints?: readonly 'AssumeNeededOnEveryNode'[];
}

export interface GlobalPolicySpec extends PolicySpec {
  readonly namespaceSelector?: string;
  readonly doNotTrack: boolean;
  readonly preDNAT: boolean;
  readonly applyOnForward: boolean;
}

export type NetworkPolicyResource = CalicoDocument<'NetworkPolicy', PolicySpec>;
export type GlobalNetworkPolicyResource = CalicoDocument<'GlobalNetworkPolicy', GlobalPolicySpec>;

/** What Enforced counterparts are tried out with; `Delete` and `Ignore` render nothing. */
export type StagedAction = 'Set' | 'Delete' | 'Learn' | 'Ignore';
export type StagedNetworkPolicyResource = CalicoDocument<
  'StagedNetworkPolicy',
  PolicySpec & { readonly stagedAction: StagedAction }
>;
export type StagedGlobalNetworkPolicyResource = CalicoDocument<
  'StagedGlobalNetworkPolicy',
  GlobalPolicySpec & { readonly stagedAction: StagedAction }
>;
export type StagedKubernetesNetworkPolicyResource = CalicoDocument<
  'StagedKubernetesNetworkPolicy',
  KubernetesPolicySpec & { readonly stagedAction: StagedAction }
>;

export interface PolicyRule {
  readonly action: 'Allow' | 'Deny' | 'Log' | 'Pass';
  readonly ipVersion?: 4 | 6;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly icmp?: { readonly type?: number; readonly code?: number };
  readonly notICMP?: { readonly type?: number; readonly code?: number };
  readonly source: EntityRule;
  readonly destination: EntityRule;
  readonly metadata?: { readonly annotations: Readonly<Record<string, string>> };
}

/** By name, as Calico writes it, or by its IANA number (1 to 255). */
export type Protocol = 'TCP' | 'UDP' | 'ICMP' | 'ICMPv6' | 'SCTP' | 'UDPLite' | number;

export interface EntityRule {
  readonly nets: readonly Prefix[];
  readonly notNets: readonly Prefix[];
  readonly selector?: string;
  readonly notSelector?: string;
  readonly namespaceSelector?: string;
  readonly serviceAccounts?: { readonly names: readonly string[]; readonly selector?: string };
  readonly ports: readonly PolicyPort[];
  readonly notPorts: readonly PolicyPort[];
}

/** A range (a single port is one of equal ends), or the name of a port that endpoints have. */
export type PolicyPort = { readonly min: number; readonly max: number } | { readonly name: string };

export type GlobalNetworkSetResource = CalicoDocument<
  'GlobalNetworkSet',
  { readonly nets: readonly Prefix[] }
>;
export type NetworkSetResource = CalicoDocument<'NetworkSet', { readonly nets: readonly Prefix[] }>;

/** Rules and labels that endpoints take over by its name. */
export type ProfileResource = CalicoDocument<
  'Profile',
  {
    readonly labelsToApply: Readonly<Record<string, string>>;
    readonly ingress: readonly PolicyRule[];
    readonly egress: readonly PolicyRule[];
  }
>;

export interface EndpointPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** An interface of a host: by name, "*" for all of them, or the one that has an expected address. */
export type HostEndpointResource = CalicoDocument<
  'HostEndpoint',
  {
    readonly node: string;
    readonly interfaceName?: string;
    readonly expectedIPs: readonly Prefix[];
    readonly profiles: readonly string[];
    readonly ports: readonly EndpointPort[];
  }
>;

/** What FelixConfiguration says of policy. Durations are texts such as "90s". */
export type FelixPolicySpec = {
  /** Of interfaces of workloads; several with commas between them. */
  readonly interfacePrefix?: string;
  readonly iptablesBackend?: 'Auto' | 'Legacy' | 'NFT';
  /** Unsigned, at least five bits. */
  readonly iptablesMarkMask?: number;
  readonly chainInsertMode?: 'Insert' | 'Append';
  readonly defaultEndpointToHostAction?: 'Drop' | 'Accept' | 'Return';
  readonly iptablesFilterAllowAction?: 'Accept' | 'Return';
  readonly iptablesMangleAllowAction?: 'Accept' | 'Return';
  readonly iptablesFilterDenyAction?: 'Drop' | 'Reject';
  readonly failsafeInboundHostPorts?: readonly FailsafePort[];
  readonly failsafeOutboundHostPorts?: readonly FailsafePort[];
  readonly workloadSourceSpoofing?: 'Disabled' | 'Any';
  readonly allowVXLANPacketsFromWorkloads?: boolean;
  readonly allowIPIPPacketsFromWorkloads?: boolean;
  readonly disableConntrackInvalidCheck?: boolean;
  readonly ipv6Support?: boolean;
  readonly logPrefix?: string;
  /** "10/second", likewise per minute, hour and day. */
  readonly logActionRateLimit?: string;
  readonly logActionRateLimitBurst?: number;
  readonly natOutgoingAddress?: Ipv4Address;
  readonly natOutgoingExclusions?: 'IPPoolsOnly' | 'IPPoolsAndHostIPs';
  /** "MIN:MAX". */
  readonly natPortRange?: string;
  /** In the notation of iptables: "+" at the end stands for any rest. */
  readonly iptablesNATOutgoingInterfaceFilter?: string;
  readonly maxIpsetSize?: number;
  readonly iptablesRefreshInterval?: string;
  readonly iptablesPostWriteCheckInterval?: string;
  readonly iptablesLockProbeInterval?: string;
  readonly iptablesLockTimeout?: string;
  readonly ipsetsRefreshInterval?: string;
};

export interface FailsafePort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  /** Of the other end; from and to anywhere without. */
  readonly net?: Prefix;
}

// ---------------------------------------------------------------- Kubernetes'

/** `networking.k8s.io/v1`; its kind there is NetworkPolicy, which is Calico's here. */
export type KubernetesNetworkPolicyResource = KubernetesDocument<
  'KubernetesNetworkPolicy',
  KubernetesPolicySpec,
  typeof NETWORKING_API
>;

export interface KubernetesPolicySpec {
  readonly podSelector: LabelSelector;
  readonly policyTypes: readonly ('Ingress' | 'Egress')[];
  readonly ingress: readonly KubernetesPolicyRule[];
  readonly egress: readonly KubernetesPolicyRule[];
}

export interface KubernetesPolicyRule {
  /** `from` or `to`; none is everybody. */
  readonly peers: readonly KubernetesPolicyPeer[];
  /** None is every port. */
  readonly ports: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP';
    readonly port?: number | string;
    readonly endPort?: number;
  }[];
}

export interface KubernetesPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: Prefix; readonly except: readonly Prefix[] };
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
}

/** Its labels are what namespace selectors speak of. */
export type NamespaceResource = KubernetesDocument<'Namespace', Readonly<Record<string, never>>>;
/** Its labels are what service account selectors speak of. */
export type ServiceAccountResource = KubernetesDocument<'ServiceAccount', Readonly<Record<string, never>>>;

export type PolicyResource =
  | TierResource
  | NetworkPolicyResource
  | GlobalNetworkPolicyResource
  | StagedNetworkPolicyResource
  | StagedGlobalNetworkPolicyResource
  | StagedKubernetesNetworkPolicyResource
  | KubernetesNetworkPolicyResource
  | GlobalNetworkSetResource
  | NetworkSetResource
  | ProfileResource
  | HostEndpointResource
  | NamespaceResource
  | ServiceAccountResource;
