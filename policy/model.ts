/**
 * What one host has to enforce, as plain data: the seam between calculation (documents to this), the reference evaluator, and rendering
 * (this to chains and sets). Nothing in it speaks of iptables, and nothing of selectors: what a selector selects stands in sets.
 *
 * Everything that has an identity is keyed by it, so that two of these can be compared part by part.
 */
import type { AddressFamily, IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';

export interface HostPolicy {
  readonly workloads: ReadonlyMap<EndpointKey, WorkloadEndpoint>;
  readonly hosts: ReadonlyMap<EndpointKey, HostEndpoint>;
  /** Those that a local endpoint needs, staged ones among them. */
  readonly policies: ReadonlyMap<PolicyKey, Policy>;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Those that a rule of the above names. */
  readonly sets: ReadonlyMap<SetId, AddressSet>;
}

/** `WorkloadEndpoint/namespace/name` or `HostEndpoint/name`. */
export type EndpointKey = string & { readonly endpointKey?: never };
/** `GlobalNetworkPolicy/name`, `NetworkPolicy/namespace/name`, `KubernetesNetworkPolicy/namespace/name`, `Staged…`. */
export type PolicyKey = string & { readonly policyKey?: never };
/** Of what is in the set, by its canonical form: equal ones are one set. */
export type SetId = string & { readonly setId?: never };

export type Direction = 'ingress' | 'egress';

// ---------------------------------------------------------------- endpoints

export interface WorkloadEndpoint {
  readonly key: EndpointKey;
  readonly interfaceName: string;
  /** Host routes of its addresses: what else it sends from is spoofed. */
  readonly addresses: readonly Prefix[];
  /** Further prefixes it may send from. */
  readonly mayAlsoSendFrom: readonly Prefix[];
  /** Administratively down: nothing passes. */
  readonly disabled: boolean;
  readonly tiers: readonly EndpointTier[];
  /** After the tiers, in order; one that does not exist denies (a key without an entry in {@link HostPolicy.profiles}). */
  readonly profiles: readonly string[];
}

export interface HostEndpoint {
  readonly key: EndpointKey;
  /** An interface by name, or every interface of the host ("*"): then local processes' traffic too, whatever way it takes. */
  readonly interfaceName: string;
  /** To and from processes of the host. */
  readonly tiers: readonly EndpointTier[];
  /** Passing through; policies with applyOnForward only. No tiers: everything passes. */
  readonly forward: readonly EndpointTier[];
  /** Before connection tracking, both ways; nothing denies but rules. */
  readonly untracked: readonly EndpointTier[];
  /** Before destination NAT, ingress only; nothing denies but rules. */
  readonly preDnat: readonly EndpointTier[];
  readonly profiles: readonly string[];
}

/** A tier as far as one endpoint is in it: it has at least one policy that selects the endpoint. */
export interface EndpointTier {
  readonly name: string;
  /** Of what no policy of the tier decided. */
  readonly defaultAction: 'deny' | 'pass';
  /** In order. A policy that applies one way only is missing from the other list. */
  readonly ingress: readonly PolicyKey[];
  readonly egress: readonly PolicyKey[];
}

// ---------------------------------------------------------------- policies

export interface Policy {
  readonly key: PolicyKey;
  readonly tier: string;
  /** Is looked at, counted and shown, and decides nothing; a tier with staged policies alone passes. */
  readonly staged: boolean;
  /** What it denies is cut, also where it goes on (`margay.io/flushOnDeny`); undefined: as is set for all. */
  readonly flushOnDeny: boolean | undefined;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

export interface Profile {
  readonly name: string;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** The first rule of a policy that matches and does more than log decides for the policy. All that is given must hold. */
export interface Rule {
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  readonly family?: AddressFamily;
  /** IANA protocol numbers, 1 to 255. */
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source: RuleSide;
  readonly destination: RuleSide;
  /** Of the rule's metadata; for comments. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Of the family of the packet: ICMP for IPv4, ICMPv6 for IPv6. */
export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

/**
 * One end of a packet. Empty lists match everything, but for `nets` that was given and has nothing of the packet's family: such a rule
 * matches no packet of that family.
 */
export interface RuleSide {
  /** In one of them. */
  readonly nets: readonly Prefix[];
  readonly notNets: readonly Prefix[];
  /** In each of them. */
  readonly sets: readonly SetId[];
  readonly notSets: readonly SetId[];
  /** One of these, or of {@link namedPorts}. */
  readonly ports: readonly PortRange[];
  readonly notPorts: readonly PortRange[];
  /** Sets of address, protocol and port. */
  readonly namedPorts: readonly SetId[];
  readonly notNamedPorts: readonly SetId[];
}

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

// ---------------------------------------------------------------- sets

/** Members of both families stand together; a packet is looked up among those of its own. */
export type AddressSet =
  | {
      readonly id: SetId;
      readonly kind: 'nets';
      /** In words, for people: a selector, or a list of service accounts. */
      readonly what: string;
      readonly members: ReadonlySet<Prefix>;
    }
  | {
      readonly id: SetId;
      readonly kind: 'ports';
      readonly what: string;
      /** `ADDRESS,PROTOCOL:PORT`, e.g. "10.244.1.2,6:8080": {@link memberOf}. */
      readonly members: ReadonlySet<string>;
    };

/** How an {@link AddressSet} of ports writes a member. */
export function memberOf(address: IpAddress, protocol: number, port: number): string {
  return `${address},${protocol}:${port}`;
}

// ---------------------------------------------------------------- packets

/** A packet as policy sees it: the first of its connection, unless it is untracked. */
export interface Packet {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  /** TCP, UDP, UDP-Lite, SCTP. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: { readonly type: number; readonly code: number };
}
