/**
 * Path attributes as data, after decoding. Absent attributes are absent. IPv4 values are unsigned host-order numbers, because
 * the RIB compares and stores them as such; text is made where people look.
 */
import type { AsPath } from './as-path.js';

export interface PathAttributes {
  /** 0 IGP, 1 EGP, 2 INCOMPLETE. */
  readonly origin?: number;
  readonly asPath?: AsPath;
  readonly nextHop?: number;
  readonly multiExitDisc?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: Aggregator;
  readonly communities?: readonly number[];
  readonly originatorId?: number;
  readonly clusterList?: readonly number[];
  readonly mpReach?: MpReach;
  readonly mpUnreach?: MpUnreach;
  /** Eight octets each (RFC 4360). */
  readonly extendedCommunities?: readonly Uint8Array[];
  readonly largeCommunities?: readonly LargeCommunity[];
  /** RFC 9234: the AS that the route came down from or across. */
  readonly onlyToCustomer?: number;
  /** Only from peers without 4-octet AS support; {@link mergeAs4} folds them into the two above. */
  readonly as4Path?: AsPath;
  readonly as4Aggregator?: Aggregator;
  /** Types of the known optional transitive ones above that came with the Partial bit, which must stay (RFC 4271 section 5). */
  readonly partial?: readonly number[];
  /** Optional transitive ones we do not know: passed on with the Partial bit. */
  readonly unknown?: readonly UnknownAttribute[];
}

export interface Aggregator {
  readonly asn: number;
  readonly address: number;
}

/** RFC 8092: [global administrator, local data 1, local data 2]. */
export type LargeCommunity = readonly [number, number, number];

export interface MpReach {
  readonly afi: number;
  readonly safi: number;
  /** One or two addresses in network order (RFC 2545: a global one, then a link-local one). */
  readonly nextHop: Uint8Array;
  /** Not parsed here: the family says how. */
  readonly nlri: Uint8Array;
}

export interface MpUnreach {
  readonly afi: number;
  readonly safi: number;
  readonly withdrawn: Uint8Array;
}

export interface UnknownAttribute {
  readonly flags: number;
  readonly type: number;
  readonly value: Uint8Array;
}
