/**
 * Policy on routes as plain data, a part of the speaker's contract: what a peer's import and export policies may ask of a route, and
 * what they may change of one that they accept.
 */
import type { Asn } from '../../core/asn.js';
import type { Prefix } from '../../core/prefix.js';

/** The first rule that matches decides; `otherwise` when none does. */
export interface RoutePolicy {
  readonly rules: readonly RoutePolicyRule[];
  readonly otherwise: 'accept' | 'reject';
}

/** A route matches if all of what is said here holds of it; what is left out holds of every route. */
export interface RoutePolicyRule {
  /** Of the family of `prefix` and inside it with a length in range; `negated`: of the family and not so. */
  readonly within:
    | {
        readonly prefix: Prefix;
        readonly minLength: number;
        readonly maxLength: number;
        readonly negated?: boolean | undefined;
      }
    | undefined;
  /** Which routes the rule speaks of: our own, or those learned from peers. */
  readonly source: 'any' | 'local' | 'peers';
  /** What kind of session the route was learned on; none of our own is of either. */
  readonly peerType?: 'ebgp' | 'ibgp' | undefined;
  /** The key of the peer that the route was learned from; "*" stands for anything. None of our own has one. */
  readonly peer?: string | undefined;
  /** All of them must be there: "64512:7" (RFC 1997), "64512:1:2" (RFC 8092). */
  readonly communities?: readonly string[] | undefined;
  /** AS_PATH begins with these, the nearest first. */
  readonly asPathPrefix?: readonly Asn[] | undefined;
  /** LOCAL_PREF is this; a route without one has 100. */
  readonly localPref?: number | undefined;
  /** The next hop resolves through this interface ({@link NextHopStatus}); "*" stands for anything. */
  readonly interface?: string | undefined;
  readonly action: 'accept' | 'reject';
  /** Of a route that is accepted, in this order. */
  readonly operations?: readonly RouteOperation[] | undefined;
  /** Shown by `routes --why`, e.g. "IP pool default-ipv4". */
  readonly reason: string;
}

/**
 * A change of a route. On import the route is decided upon and told as it then is; on export it is told so. What does not go to a
 * kind of peer does not go there by an operation either: LOCAL_PREF to an external one.
 */
export type RouteOperation =
  /** Those that the route does not have yet: "64512:7" (RFC 1997), "64512:1:2" (RFC 8092). */
  | { readonly kind: 'add-communities'; readonly communities: readonly string[] }
  /** The first stands first in the path then; on export to an external peer our own AS goes in front of them. */
  | { readonly kind: 'prepend-as-path'; readonly asns: readonly Asn[] }
  | { readonly kind: 'set-local-pref'; readonly value: number }
  /** On export to external peers, too, which are not told a MULTI_EXIT_DISC of others otherwise. */
  | { readonly kind: 'set-med'; readonly value: number };
