/**
 * What the speaker asks of the RIB. One implementation (`rib.ts`), driven by sessions on one side and by own routes, next-hop
 * reachability and the best-route consumer on the other. Synchronous and free of sockets and clocks: the speaker decides when
 * to call `flush` and drains what it produces.
 */
import type { Asn } from '../../core/asn.js';
import type { IpAddress, Ipv4Address } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import type {
  BestRouteBatch,
  BgpRole,
  NextHopStatus,
  OriginatedRoute,
  RouteDependence,
  RouteDetail,
  RouteOperation,
  RoutePolicy,
  RouteTable,
  SpeakerLimits,
} from '../speaker/contract.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import type { GoingPeers } from './dependence.js';
import type { Overuse } from './memory.js';

/** Small dense number of a RIB peer; reused only after its routes are gone. */
export type PeerIndex = number;

/** What may change while a session is Established. */
export interface RibPolicies {
  readonly nextHopMode: 'auto' | 'self' | 'keep';
  readonly sharedSubnets: readonly Prefix[];
  /** RFC 2545 section 3: our own, on the link of those subnets. */
  readonly linkLocalAddress: IpAddress | undefined;
  /** RFC 7911: how many of the best paths to a prefix the peer is told, where it takes several; 1 to 32. */
  readonly pathsPerPrefix: number;
  /** RFC 4456: routes are reflected to and from it. Of no account for an external peer. */
  readonly routeReflectorClient: boolean;
  readonly importPolicy: RoutePolicy | RoutePredicate;
  readonly exportPolicy: RoutePolicy | RoutePredicate;
  readonly ownAsnsAllowed: number;
  readonly enforceFirstAs: boolean;
  readonly removePrivateAsns: boolean;
  /** RFC 8326: its routes are told to be avoided, and those that it says are to be avoided are. */
  readonly gracefulShutdown: boolean;
  readonly honourGracefulShutdown: boolean;
}

/** How a session writes routes, as its two ends agreed. */
export interface SessionForms {
  /** RFC 7911: families whose NLRI carry path identifiers, from the peer and to it. */
  readonly addPath: { readonly receive: readonly Family[]; readonly send: readonly Family[] };
  /** RFC 8950: IPv4 prefixes may have IPv6 next hops. */
  readonly extendedNextHop: boolean;
  /** Octets of the longest UPDATE to the peer: 4096, or 65535 (RFC 8654). */
  readonly maxMessageLength: number;
  /** The interface the peer is on, where its link-local next hops are good; undefined if it may be further away. */
  readonly interface: string | undefined;
}

/** What of a peer and its session matters to routes. Given anew each time a session is established. */
export interface RibPeer extends RibPolicies, SessionForms {
  readonly key: string;
  readonly asn: Asn;
  readonly localAsn: Asn;
  readonly remoteRouterId: Ipv4Address;
  readonly address: IpAddress;
  /** Our end of the session: the NEXT_HOP we announce. */
  readonly localAddress: IpAddress;
  readonly families: readonly Family[];
  /** RFC 6793: negotiated both ways. */
  readonly fourOctetAs: boolean;
  /** RFC 9234: ours towards an external peer. */
  readonly role: BgpRole | undefined;
  /** RFC 9494: it has announced the capability. */
  readonly takesLongLived: boolean;
}

/** One path of a prefix as {@link Rib.walk} shows it. */
export interface WalkedPath {
  /** The peer's key, or "own". */
  readonly source: string;
  /** As they were received. */
  readonly attributes: PathAttributes;
  /** As the import policy has left them; undefined if it, or a check before it, has refused the path. */
  readonly accepted: PathAttributes | undefined;
  /** Of another path of the prefix only after a {@link Rib.watch} has told of one without it. */
  readonly number: number;
  /** RFC 7911; undefined from a session without it. */
  readonly pathId: number | undefined;
  readonly stale: boolean;
}

/** A prefix with all its paths. `place` is its own as long as it has any. */
export type PathVisit = (prefix: Prefix, paths: readonly WalkedPath[], place: number) => void;

/**
 * A library user's policy: called once per path, in the speaker's own thread. Operations accept the route and change it. What is
 * returned must depend on the route alone.
 */
export type RoutePredicate = (route: RouteDetail) => 'accept' | 'reject' | readonly RouteOperation[];

/** What came of one UPDATE. Anything but `ok` and `repaired` ends the session. */
export type UpdateOutcome =
  | { readonly kind: 'ok' }
  /** RFC 7606: treated as withdraw or attributes discarded; the session lives on. */
  | {
      readonly kind: 'repaired';
      readonly treatedAsWithdraw: number;
      readonly attributesDiscarded: number;
      readonly detail: string;
    }
  | { readonly kind: 'end-of-rib'; readonly family: Family }
  | {
      readonly kind: 'error';
      readonly code: number;
      readonly subcode: number;
      readonly data: Uint8Array;
      readonly detail: string;
    };

export interface ReceivedUpdates {
  /** Of the last one that was read. */
  readonly outcome: UpdateOutcome;
  /** Where to go on. */
  readonly next: number;
}

export interface Rib {
  /** A session reached Established. Stale routes of the same key (graceful restart) stay and are replaced as it speaks. */
  peerUp(peer: RibPeer): PeerIndex;
  /** Its routes go (`flush`), or stay as stale (`keep-stale`) until `flushStale`. Its output stops at once. */
  peerDown(peer: PeerIndex, routes: 'flush' | { readonly keepStale: readonly Family[] }): void;
  /** End-of-RIB came or the stale timer fired: stale routes that were not announced again go. Returns how many went. */
  flushStale(key: string, family: Family): number;
  /**
   * The restart time is over (RFC 9494 section 4.2): stale routes get LLGR_STALE, those with NO_LLGR go. Returns how many went.
   */
  beginLongLived(key: string, family: Family): number;
  /** BoRR (RFC 7313): what the peer does not tell again before {@link endRefresh} goes then. A second one begins anew. */
  beginRefresh(peer: PeerIndex, family: Family): void;
  /** EoRR, or it took too long. Returns how many routes went. */
  endRefresh(peer: PeerIndex, family: Family): number;
  /** Live change: routes are judged again, and the peer is told the difference, without a session reset. */
  setPolicies(peer: PeerIndex, policies: RibPolicies): void;
  /** The same for what a peer without a session has left: stale routes are judged again. */
  setStalePolicies(key: string, policies: RibPolicies): void;
  /** Live change of CLUSTER_ID (RFC 4456): loops are judged again, and peers are told what was reflected with the new one. */
  setClusterId(clusterId: Ipv4Address): void;

  /**
   * Whole UPDATE messages, one behind the other in `buffer[start, end)`, their 19-byte headers included: up to the first of which there
   * is anything to say but `ok`, or all. The bytes are only read during the call. Hot path.
   */
  receiveUpdates(peer: PeerIndex, buffer: Uint8Array, start: number, end: number): ReceivedUpdates;

  /** Prefixes that the session has told and not withdrawn, before any policy. */
  receivedCount(peer: PeerIndex, family: Family): number;
  /** Which limit is broken and who takes most of that; undefined while all is well. Cheap then. */
  overuse(limits: SpeakerLimits): Overuse | undefined;

  /** ROUTE-REFRESH (RFC 2918): everything the peer was told of this family is told again. */
  refresh(peer: PeerIndex, family: Family): void;

  originate(routes: readonly OriginatedRoute[]): void;
  withdrawOriginated(prefixes: readonly Prefix[]): void;
  setNextHopStatus(nextHops: readonly NextHopStatus[]): void;
  /** Own addresses: a received next hop that is one of them makes the route unusable (RFC 4271 section 5.1.3). */
  setOwnAddresses(addresses: readonly IpAddress[]): void;
  /** The next hops to watch, if they changed since last asked. */
  takeWatchedNextHops(): readonly IpAddress[] | undefined;

  /** While held, received routes are stored but none is selected (RFC 4724 section 4.1 deferral); our own are, and are announced. */
  holdSelection(family: Family, held: boolean): void;

  /** True if anything waits for `flush`. */
  readonly dirty: boolean;
  /** Decides what changed and packs it for every update group. May be called after any number of UPDATEs. Hot path. */
  flush(): void;

  /**
   * The next bytes for a peer, whole messages, or undefined if it has them all. Chunks are shared between the peers of a group
   * and immutable. The cursor moves on each call, so call it only when the socket takes more.
   */
  takeOutput(peer: PeerIndex): Uint8Array | undefined;
  /** False if `takeOutput` has nothing; true says that it may have something. Hot path. */
  hasOutput(peer: PeerIndex): boolean;
  /** True once what {@link refresh} asked for has been given out by `takeOutput`. */
  refreshSent(peer: PeerIndex, family: Family): boolean;
  /** True once the peer has been given every route known when its session came up: time for End-of-RIB. */
  initialTableSent(peer: PeerIndex, family: Family): boolean;

  /** Whether the peer is not told of routes because our end of its session is of the other family, and no next hop for them. */
  lacksNextHops(peer: PeerIndex, family: Family): boolean;

  /** The next changed best routes for the one consumer; undefined when it knows all. `restart` begins with the whole table. */
  takeBestRoutes(family: Family, restart: boolean): BestRouteBatch | undefined;

  /** Whom paths come from: peers that are up, and those whose paths are kept as stale. Not ourselves. */
  sources(): readonly RibPeer[];
  /**
   * Every path, used or not, of up to `limit` prefixes from place `from` (0 to begin); ours have the source "own". Returns where to go on,
   * undefined at the end.
   */
  walk(family: Family, from: number, limit: number, visit: PathVisit): number | undefined;
  /**
   * Tells in each flush of the prefixes whose paths may have changed, by what peers say or by policy, to be walked through during the call.
   * Returns how to end it. What is deferred with selection is told then.
   */
  watch(watcher: (family: Family, walk: (visit: PathVisit) => void) => void): () => void;

  /** Best routes that would be lost without some sessions, by the peers that they are from. Goes through the table. */
  dependence(going: GoingPeers): readonly RouteDependence[];

  /** Prefixes that have a selected path. */
  bestCount(family: Family): number;

  counts(key: string): {
    readonly received: number;
    readonly accepted: number;
    readonly advertised: number;
    readonly stale: number;
  };
  routes(query: {
    readonly table: RouteTable;
    readonly family: Family;
    readonly prefix: Prefix | undefined;
    readonly after: Prefix | undefined;
    readonly limit: number;
  }): { readonly routes: readonly RouteDetail[]; readonly more: boolean };
}
