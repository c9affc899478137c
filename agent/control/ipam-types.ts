/** Address management in the control API: who has which address, and what does not fit together. As in `types.ts`. */
import type { Inconsistency } from '../../ipam/inconsistencies.js';
import type { AllocationRequest, GivenAddress } from '../../ipam/request.js';
import type { AddressView, PoolUsage } from '../../ipam/usage.js';

export type { Inconsistency, InconsistencyName } from '../../ipam/inconsistencies.js';
export type { AddressView, BlockUsage, PoolUsage } from '../../ipam/usage.js';

export interface IpamView {
  readonly pools: readonly PoolUsage[];
}

export interface IpamAddressesView {
  /** That are given out, in their order. */
  readonly addresses: readonly AddressView[];
}

export interface IpamCheckView {
  /** What was looked at. */
  readonly blocks: number;
  readonly pools: number;
  readonly handles: number;
  readonly endpoints: number;
  /** Addresses that are given out, by host: the most first. */
  readonly hosts: readonly { readonly node: string; readonly addresses: number }[];
  readonly problems: readonly (Inconsistency & { readonly cure: string })[];
}

export interface IpamAssignRequest extends Pick<AllocationRequest, 'handle'> {
  /** The agent's own, where it is left out. */
  readonly node?: string;
  /** How many; by default one IPv4 address. */
  readonly ipv4?: number;
  readonly ipv6?: number;
  readonly address?: string;
  /** Names or CIDRs. */
  readonly pools?: readonly string[];
  readonly namespace?: string;
  /** `kept-by` says who keeps what has no endpoint; `namespace`, `pod`, `workload` or `container` what it is for. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface IpamAssignment {
  readonly handle: string;
  readonly node: string;
  readonly addresses: readonly GivenAddress[];
}

/** All that is given has to match. */
export interface IpamReleaseItem {
  readonly handle?: string;
  readonly address?: string;
  readonly sequence?: number;
  /** Of this host's allocations alone. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface IpamReleaseRequest {
  readonly releases: readonly IpamReleaseItem[];
}

export interface IpamReleaseResult {
  readonly asked: IpamReleaseItem;
  /** Those that were there; the others are free already. */
  readonly released: readonly string[];
  /** Why nothing was done; null: it was. */
  readonly refused: string | null;
}

export interface IpamReleaseView {
  readonly results: readonly IpamReleaseResult[];
}
