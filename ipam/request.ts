/** What is asked of address management, and what it answers. Plain data. */
import type { AddressFamily, IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { IPAMAllocation } from '../core/resources/cluster-documents.js';

export interface AllocationRequest {
  /** Who the addresses are for: asked again with the same one, the answer is the same. */
  readonly handle: string;
  /** Where they are used. */
  readonly node: string;
  readonly use: 'Workload' | 'Tunnel' | 'LoadBalancer';
  /** Kept with each address. Who has no endpoint names who keeps it: {@link KEPT_BY}. */
  readonly attributes: Readonly<Record<string, string>>;
  /** How many of each family: all, or none is given. */
  readonly count: Readonly<Record<AddressFamily, number>>;
  /** Names or CIDRs of pools, the first preferred; undefined: those that give addresses by themselves. */
  readonly pools?: readonly string[];
  /** Of a workload: pools may select its namespace. */
  readonly namespace?: string;
  /** This one and no other; then one of its family is asked for. */
  readonly address?: IpAddress;
}

export interface GivenAddress {
  readonly address: IpAddress;
  readonly block: Prefix;
  /** Where it is used. */
  readonly node: string;
  /** To release this allocation and no later one of the same address. */
  readonly sequence: number;
}

export type AllocationOutcome =
  | { readonly kind: 'given'; readonly addresses: readonly GivenAddress[] }
  /** There is none to give; one sentence each. */
  | { readonly kind: 'none'; readonly reasons: readonly string[] }
  /**
   * Nothing is said about addresses: the store, or the host's record, cannot be written now. `reminder`: the store waits for what this host
   * holds.
   */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly reminder: boolean };

/** All that is given has to match. */
export interface ReleaseRequest {
  readonly handle?: string;
  readonly address?: IpAddress;
  readonly sequence?: number;
  /** Attributes of a workload whose handle nobody knows any more, e.g. namespace and pod: of this host's allocations. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export type ReleaseOutcome =
  /** What was there and is free now. */
  | { readonly kind: 'released'; readonly addresses: readonly IpAddress[] }
  /** The address is somebody else's. */
  | { readonly kind: 'refused'; readonly allocation: IPAMAllocation }
  | { readonly kind: 'unavailable'; readonly detail: string };

/** The attribute of who keeps an address without an endpoint: the collector leaves it to him. */
export const KEPT_BY = 'kept-by';
/** A workload has at least one of these. */
export const WORKLOAD_ATTRIBUTES = ['namespace', 'pod', 'workload', 'container'] as const;
