/**
 * The speaker's contract: everything that goes in and comes out is plain data.
 *
 * The same messages drive a speaker in the agent's worker thread (so that nothing computed elsewhere delays a KEEPALIVE),
 * in the main thread (reflector mode, the library) and inside a simulation under a fake clock. Nothing here may hold a
 * function, a socket or a class instance: it must survive `structuredClone`. The library's callback policies live one level
 * up, in `bgp/index.ts`.
 */
import type { Asn } from '../../core/asn.js';
import type { IpAddress, Ipv4Address, ZonedAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import type { RoutePolicy } from './route-policy.js';

export type { RouteOperation, RoutePolicy, RoutePolicyRule } from './route-policy.js';

// ---------------------------------------------------------------- configuration

export interface SpeakerConfig {
  readonly asn: Asn;
  /** BGP Identifier (RFC 6286: any non-zero 32-bit value, unique within the AS). */
  readonly routerId: Ipv4Address;
  /** Where to accept connections; an empty list dials only. Port 1 to 65535, by default 179. */
  readonly listen: readonly ListenEndpoint[];
  readonly gracefulRestart: GracefulRestartConfig | undefined;
  /**
   * True when this process came back to a kernel that still forwards by the routes of the one before: sets the
   * Restart State bit in OPENs and the Forwarding State bit per family (RFC 4724 section 3).
   */
  readonly restarting: boolean;
  /** Told of all that peers say and how their sessions go. May change live. */
  readonly bmpStations: readonly BmpStationConfig[];
  /** CLUSTER_ID as a route reflector (RFC 4456 section 7), shared by the reflectors of a cluster; undefined: the router id. */
  readonly clusterId: Ipv4Address | undefined;
  /** RFC 8212: with an external peer nothing is exchanged in a direction for which nobody asked for a policy. */
  readonly ebgpRequiresPolicy: boolean;
  readonly limits: SpeakerLimits;
}

/** A BMP monitoring station (RFC 7854), which we dial. */
export interface BmpStationConfig {
  readonly address: IpAddress;
  readonly port: number;
  /** What it shows us as, and what we are, in words. */
  readonly sysName: string;
  readonly sysDescr: string;
  /** Which Adj-RIBs-In it is told (RFC 7854 section 5): as peers send, or what the import policy has accepted and made of it, or both. */
  readonly adjRibIn: BmpAdjRibIn;
}

export type BmpAdjRibIn = 'pre-policy' | 'post-policy' | 'both';

export interface ListenEndpoint {
  readonly address: IpAddress;
  readonly port: number;
}

export interface GracefulRestartConfig {
  /** Announced Restart Time, seconds, 0 to 4095. */
  readonly restartTimeSeconds: number;
  /** How long stale routes of a restarting peer may live, seconds (RFC 4724 section 4.2, last paragraph). */
  readonly staleTimeSeconds: number;
  /** How long route selection is deferred after our own restart (Selection_Deferral_Timer, RFC 4724 section 4.1). */
  readonly selectionDeferralSeconds: number;
  /** Families whose forwarding state was preserved over our own restart. */
  readonly forwardingPreserved: readonly Family[];
}

/** Everything that distinguishes a peer. `key` is the owner's stable name for it, unique, e.g. `Mesh_10_0_0_2`. */
export interface PeerConfig {
  readonly key: string;
  /** Shown to people: "node-to-node mesh", "node specific", "global", or the library user's own word. */
  readonly type: string;
  /** A human name for the other end, e.g. its node name; may be empty. */
  readonly name: string;
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: Asn;
  /** Overrides the speaker's own AS towards this peer (RFC 7705 is not implied). */
  readonly localAsn: Asn | undefined;
  /** Source address of dialled connections; undefined lets the kernel choose. */
  readonly localAddress: IpAddress | undefined;
  /** Never dial, only accept. */
  readonly passive: boolean;
  readonly families: readonly Family[];
  /** Proposed hold time, seconds: 0, or 3 to 65535 (RFC 4271 section 4.2). Keepalive is a third of the agreed one. */
  readonly holdTimeSeconds: number;
  /** Overrides a third of the hold time, seconds. */
  readonly keepaliveTimeSeconds: number | undefined;
  /** Base of the jittered connect retry timer, seconds. */
  readonly connectRetrySeconds: number;
  /** RFC 4271 section 8.1.1 DelayOpenTime, seconds; undefined sends OPEN at once. */
  readonly delayOpenSeconds: number | undefined;
  /** Upper bound of the doubling IdleHoldTimer (RFC 4271 section 8.1.1 DampPeerOscillations), seconds. */
  readonly idleHoldMaxSeconds: number;
  /** Outgoing IP TTL, 1 to 255; of no meaning with `ttlSecurityHops`. */
  readonly ttl: number;
  /** TCP MD5 (RFC 2385): 1 to 80 octets of UTF-8. Undefined: segments are not signed. Nothing that leaves the speaker has it. */
  readonly password: string | undefined;
  /**
   * GTSM (RFC 5082), 1 to 254: the peer is at most this many hops away (1: in a shared subnet). What has come further is not heard, and our
   * own TTL is 255. Undefined: off.
   */
  readonly ttlSecurityHops: number | undefined;
  /** True: a route from a peer outside every connected subnet is still usable (no connected check). */
  readonly multihop: boolean;
  readonly gracefulRestart: boolean;
  readonly nextHopMode: 'auto' | 'self' | 'keep';
  /** The subnets of the interface towards this peer, to judge "shares the subnet" of RFC 4271 section 5.1.3. */
  readonly sharedSubnets: readonly Prefix[];
  readonly addPath: AddPathConfig;
  /** RFC 8950: IPv4 prefixes with IPv6 next hops, in both directions. */
  readonly extendedNextHop: boolean;
  /** RFC 8654: messages of up to 65535 octets, in both directions. */
  readonly extendedMessages: boolean;
  /**
   * The interface that leads to the peer, by name, if the peer is on it: link-local next hops of its routes are good there, and only
   * there (RFC 2545 section 3). `undefined` for a peer that is, or may be, further away.
   */
  readonly interface: string | undefined;
  /**
   * Our own link-local address on the link of {@link sharedSubnets}: a peer in one of them that speaks with an address of ours in it is told
   * it beside our global address as next hop (RFC 2545 section 3). May change live.
   */
  readonly linkLocalAddress: IpAddress | undefined;
  /** An internal peer that we reflect routes to and from (RFC 4456); may change live. */
  readonly routeReflectorClient: boolean;
  /** Undefined: nobody asked for one. Everything passes then, or nothing does: {@link SpeakerConfig.ebgpRequiresPolicy}. */
  readonly importPolicy: RoutePolicy | undefined;
  readonly exportPolicy: RoutePolicy | undefined;
  /** RFC 9234: our role towards an external peer; undefined announces none and leaves OTC alone. */
  readonly role: BgpRole | undefined;
  /** The session is refused unless the peer announces its role, too (RFC 9234 section 4.2). */
  readonly roleStrict: boolean;
  readonly maxPrefixes: Readonly<Partial<Record<Family, PrefixLimit>>>;
  /** How often our own AS may stand in the AS_PATH of a route from this peer; more is a loop (RFC 4271 section 9.1.2). */
  readonly ownAsnsAllowed: number;
  /** An external peer's AS must stand first in the paths it sends (RFC 4271 section 6.3). */
  readonly enforceFirstAs: boolean;
  /** Takes all private AS numbers (RFC 6996) out of paths towards an external peer. */
  readonly removePrivateAsns: boolean;
  /** We are about to go: routes are told with GRACEFUL_SHUTDOWN, inside the AS with LOCAL_PREF 0 (RFC 8326 section 4). */
  readonly gracefulShutdown: boolean;
  /** The peer's routes with GRACEFUL_SHUTDOWN get LOCAL_PREF 0. */
  readonly honourGracefulShutdown: boolean;
  readonly administrativeState: 'up' | 'down';
  /** Why it is down: sent to the peer as its shutdown communication (RFC 9003) and shown; at most 255 octets of UTF-8 go out. */
  readonly administrativeMessage: string;

  // Staying up (docs/staying-up.md).
  /** Announced Restart Time towards this peer, seconds, 0 to 4095; undefined: the speaker's. */
  readonly restartTimeSeconds: number | undefined;
  /** RFC 8538: a NOTIFICATION other than Hard Reset does not end graceful restart, where the peer says so, too. */
  readonly notificationRestart: boolean;
  /** With {@link notificationRestart}: false lets go of the peer's routes when the hold timer (or the send hold timer) expires. */
  readonly holdExpiryKeeps: boolean;
  /** Long-lived graceful restart (RFC 9494): for how long beyond the restart time, seconds, 1 to 16777215; undefined: off. */
  readonly longLivedStaleSeconds: number | undefined;
  /** RFC 9687, seconds, more than the hold time, or 0 for off; undefined: 8 minutes or twice the hold time, whichever is longer. */
  readonly sendHoldTimeSeconds: number | undefined;
  /** Heeds `bfd-status` of the peer's address. `strict`: no session before BFD is up, and no route outlives it. */
  readonly bfd: BfdWish | undefined;
}

/** RFC 9234 section 4: what we are to the peer. It is a Customer to our Provider, an RS-Client to our RS, a Peer to a Peer. */
export type BgpRole = 'provider' | 'rs' | 'rs-client' | 'customer' | 'peer';

export interface PrefixLimit {
  /** Received prefixes, before any policy, 1 to 4294967295. */
  readonly limit: number;
  /** From this much of the limit on there is a warning, percent. */
  readonly warnPercent: number;
  /** Beyond the limit: a warning only; Cease (RFC 4486 section 4) and down until cleared; the same for `restartSeconds`. */
  readonly action: 'warn' | 'stop' | 'restart';
  readonly restartSeconds: number;
}

/**
 * Addresses whose connections make peers by themselves ("dynamic peers"): passive ones called `Dynamic_10_1_2_3`, which are gone again some
 * time after their session. The longest prefix counts; a configured peer wins over any range. A password is that of the whole range.
 */
export interface PeerRangeConfig {
  /** The owner's stable name for it, unique among ranges. */
  readonly key: string;
  readonly prefix: Prefix;
  /** Which AS numbers a peer may have: ranges of them, the speaker's own alone, or any. */
  readonly asns: readonly AsnRange[] | 'internal' | 'any';
  /** Most peers of it at a time, 1 to 65535. */
  readonly limit: number;
  /** How long a peer without a session is remembered once its stale routes have gone, seconds, 1 to 86400. */
  readonly idleRemovalSeconds: number;
  /** Everything else of its peers. `name` and `type` are shown as they are. */
  readonly template: PeerTemplate;
}

export type PeerTemplate = Omit<PeerConfig, 'key' | 'address' | 'asn' | 'passive'>;

/** Both ends belong to it. */
export interface AsnRange {
  readonly first: Asn;
  readonly last: Asn;
}

/**
 * What the routes of all peers may take of memory. Beyond one of them the peer that takes most of it is reset with Cease/Out of
 * Resources (RFC 4486); the others live on.
 */
export interface SpeakerLimits {
  /** Routes in the Adj-RIBs-In of all peers together. */
  readonly routes: number;
  /** Distinct sets of path attributes, each counted for every peer that sent it. */
  readonly attributeSets: number;
  /** Octets of those, as received. */
  readonly attributeBytes: number;
}

/** ADD-PATH (RFC 7911), for all families of the session. */
export interface AddPathConfig {
  /** Take several paths to a prefix from the peer. */
  readonly receive: boolean;
  /** How many of the best paths to a prefix the peer is told, 1 to 32; 0 tells the best one, as without ADD-PATH. */
  readonly send: number;
}

/** Where a route leads. A link-local address stands with the interface it is good on, "fe80::1%eth0". */
export type RouteNextHop = IpAddress | ZonedAddress;

/** A route of our own. The next hop is the session's local address unless given. */
export interface OriginatedRoute {
  readonly prefix: Prefix;
  readonly nextHop: IpAddress | undefined;
  /** RFC 1997 values, host-order 32-bit numbers. */
  readonly communities: readonly number[];
  /** RFC 8092 values: [global administrator, local data 1, local data 2]. */
  readonly largeCommunities: readonly (readonly [number, number, number])[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
}

// ---------------------------------------------------------------- in

export type SpeakerCommand =
  /** Must be the first. A second one changes what can change live (listen, restart times). */
  | { readonly kind: 'configure'; readonly config: SpeakerConfig }
  /** Adds a peer or changes it; a session is reset only if the RFC leaves no other way. */
  | { readonly kind: 'set-peer'; readonly peer: PeerConfig }
  /** Cease/Peer De-configured (RFC 4486), then forgotten. */
  | { readonly kind: 'remove-peer'; readonly key: string }
  /**
   * `hard`: Cease/Administrative Reset with the message (RFC 9003), then anew. `soft-in` asks the peer for its routes again (RFC 2918),
   * `soft-out` tells it ours again; both keep the session. Nothing happens to a peer that is not Established, but that a `hard` one
   * ends its hold-down.
   */
  | {
      readonly kind: 'clear-peer';
      readonly key: string;
      readonly how: 'hard' | 'soft-in' | 'soft-out';
      readonly message: string;
    }
  /** What BFD says of an address (RFC 5882). `unknown`: there is no BFD session, or nothing was heard of it yet. */
  | { readonly kind: 'bfd-status'; readonly address: IpAddress; readonly state: BfdState }
  /** Adds a range of dynamic peers or changes it, live for those it has. */
  | { readonly kind: 'set-peer-range'; readonly range: PeerRangeConfig }
  /** Its peers go with it: Cease/Peer De-configured. */
  | { readonly kind: 'remove-peer-range'; readonly key: string }
  | { readonly kind: 'originate'; readonly routes: readonly OriginatedRoute[] }
  | { readonly kind: 'withdraw'; readonly prefixes: readonly Prefix[] }
  /** This host's addresses: a received next hop that is one of them makes the route unusable. The whole set each time. */
  | { readonly kind: 'own-addresses'; readonly addresses: readonly IpAddress[] }
  /** Every configured peer and own route has been told: End-of-RIB may be sent once selection has run. */
  | { readonly kind: 'configuration-complete' }
  | { readonly kind: 'next-hop-status'; readonly nextHops: readonly NextHopStatus[] }
  /** Ready for the next batch of best routes; `sequence` of the last one applied, 0 to begin. */
  | { readonly kind: 'pull-best-routes'; readonly family: Family; readonly sequence: number }
  /** From now on, or no longer, `mrt-records` tell what peers say and how their sessions go. */
  | { readonly kind: 'record-sessions'; readonly on: boolean }
  | { readonly kind: 'query'; readonly id: number; readonly query: SpeakerQuery }
  /** Ends every session. `silent` closes TCP without NOTIFICATION to peers with graceful restart (RFC 4724 section 4). */
  | { readonly kind: 'close'; readonly goodbye: 'silent' | 'cease'; readonly message: string };

/** What a peer asks of BFD; the timers are the agent's business: 300 ms and 3 unless given. */
export interface BfdWish {
  readonly strict: boolean;
  /** Of sending and of receiving, milliseconds, 10 to 60000. */
  readonly intervalMs?: number | undefined;
  /** Detect Mult, 1 to 255. */
  readonly multiplier?: number | undefined;
}

/** RFC 5880 section 6.8.1, as far as BGP cares. */
export type BfdState = 'up' | 'down' | 'admin-down' | 'unknown';

export interface NextHopStatus {
  readonly nextHop: RouteNextHop;
  readonly reachable: boolean;
  /** Interior cost for the decision process (RFC 4271 section 9.1.2.2 e). */
  readonly metric: number;
  /** The one it resolves through, where policies ask for it. */
  readonly interface?: string | undefined;
}

// ---------------------------------------------------------------- out

export type SpeakerEvent =
  | { readonly kind: 'ready'; readonly listening: readonly ListenEndpoint[] }
  /** The process lives on and tries again; `heldBy` names who holds the port where that can be told. */
  | { readonly kind: 'listen-failed'; readonly endpoint: ListenEndpoint; readonly error: string }
  | { readonly kind: 'peer-status'; readonly peer: PeerStatus }
  | { readonly kind: 'peer-removed'; readonly key: string }
  /** Next hops whose reachability the RIB wants to hear of; the whole set each time it changes. */
  | { readonly kind: 'watch-next-hops'; readonly nextHops: readonly RouteNextHop[] }
  | { readonly kind: 'best-routes'; readonly batch: BestRouteBatch }
  /** End-of-RIB has come from every configured peer, or the deferral timer has fired (`timedOut`). */
  | { readonly kind: 'rib-in-sync'; readonly family: Family; readonly timedOut: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: SpeakerAnswer }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  /** BGP4MP_ET records (RFC 6396), whole ones; the buffer is the receiver's. */
  | { readonly kind: 'mrt-records'; readonly records: Uint8Array }
  /** Every station, each time one of them changed. */
  | { readonly kind: 'bmp-stations'; readonly stations: readonly BmpStationStatus[] }
  | { readonly kind: 'closed' };

export interface BmpStationStatus {
  readonly address: IpAddress;
  readonly port: number;
  readonly adjRibIn: BmpAdjRibIn;
  /** `telling`: it is being given the whole table. */
  readonly state: 'waiting' | 'telling' | 'in-sync';
  readonly sinceUnixMs: number;
  /** Why it is waited for; "" for nothing. */
  readonly detail: string;
}

export type PeerState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

export interface PeerStatus {
  readonly key: string;
  readonly type: string;
  readonly name: string;
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: Asn;
  readonly localAsn: Asn;
  /** The key of the range that it came from; undefined for a configured one. */
  readonly dynamicFrom: string | undefined;
  readonly state: PeerState;
  /** When the state was entered, milliseconds since the Unix epoch. */
  readonly sinceUnixMs: number;
  readonly routes: {
    readonly received: number;
    readonly accepted: number;
    readonly advertised: number;
    readonly stale: number;
  };
  /** The last error or current hindrance in words a person can act on; empty if there is none. */
  readonly info: string;
  readonly session: SessionStatus | undefined;
  /** Why this local address: "configured", "node address", "chosen by the kernel". */
  readonly localAddressReason: string;
  readonly lastNotificationSent: NotificationStatus | undefined;
  readonly lastNotificationReceived: NotificationStatus | undefined;
  readonly counters: PeerCounters;
  /** Graceful restart as helper: when the peer's stale routes go, milliseconds since the Unix epoch. */
  readonly staleDeadlineUnixMs: number | undefined;
  /** Directions in which nothing passes because nobody asked for a policy (RFC 8212). */
  readonly heldBack?: 'import' | 'export' | 'both' | undefined;
  /** Families with prefixes that it is not told: our end of the session is of the other family, and no next hop for them. */
  readonly withoutNextHop?: readonly Family[] | undefined;
  /** Its long-lived stale routes (RFC 9494): when the last of them go, milliseconds since the Unix epoch. */
  readonly longLivedDeadlineUnixMs: number | undefined;
  /** Of the peer's address; undefined if the peer does not heed it. */
  readonly bfd: BfdState | undefined;
}

export interface SessionStatus {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  readonly remoteRouterId: Ipv4Address;
  readonly holdTimeSeconds: number;
  readonly keepaliveSeconds: number;
  readonly fourOctetAs: boolean;
  readonly families: readonly Family[];
  readonly capabilitiesSent: readonly string[];
  readonly capabilitiesReceived: readonly string[];
  readonly gracefulRestart:
    | {
        readonly restartTimeSeconds: number;
        readonly restarting: boolean;
        /** Also after a NOTIFICATION (RFC 8538), both ways. */
        readonly notification: boolean;
        readonly forwarding: readonly Family[];
      }
    | undefined;
  /** RFC 9494, agreed by both ends. */
  readonly longLivedStale: readonly { readonly family: Family; readonly staleSeconds: number }[];
  /** RFC 2918; `enhanced` with a beginning and an end (RFC 7313). */
  readonly routeRefresh: 'none' | 'plain' | 'enhanced';
  readonly endOfRibReceived: readonly Family[];
  readonly endOfRibSent: readonly Family[];
}

export interface NotificationStatus {
  readonly code: number;
  readonly subcode: number;
  /** With its numbers, e.g. "2/2 bad peer AS: expected 64512". */
  readonly words: string;
  readonly atUnixMs: number;
}

export interface PeerCounters {
  readonly established: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly updatesReceived: number;
  readonly updatesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** RFC 7606 dispositions applied. */
  readonly treatedAsWithdraw: number;
  readonly attributesDiscarded: number;
}

/**
 * Changed best routes as columns, at most {@link MAX_BATCH_ROUTES}; the newest state of a prefix wins, each prefix stands at
 * most once in a batch. The buffers are transferred, so a receiver owns them. The first batches after a pull with
 * sequence 0 are the whole table; `endOfTable` marks where it has been told in full.
 */
export interface BestRouteBatch {
  readonly family: Family;
  readonly sequence: number;
  readonly count: number;
  /** IPv4: one host-order word per route (signed Int32). IPv6: four. */
  readonly addresses: Int32Array;
  readonly lengths: Uint8Array;
  /** Index into `nextHopSets`, or {@link NO_ROUTE} when the prefix has no usable route any more. */
  readonly nextHopSet: Uint32Array;
  readonly nextHopSets: readonly NextHopSet[];
  readonly endOfTable: boolean;
}

export const MAX_BATCH_ROUTES = 8192;
export const NO_ROUTE = 0xffffffff;

/**
 * Where a best route leads: several next hops make a multipath route; an IPv4 route may lead to IPv6 ones (RFC 8950). `own` routes are
 * those we originated.
 */
export interface NextHopSet {
  readonly nextHops: readonly RouteNextHop[];
  readonly origin: 'own' | 'ibgp' | 'ebgp';
  /** Kept from a session that is gone (graceful restart): forwarded, not vouched for. */
  readonly stale: boolean;
}

// ---------------------------------------------------------------- queries

export type SpeakerQuery =
  | { readonly kind: 'peers' }
  /**
   * Which best routes would be lost with some sessions: `ending`, and `relays`, which go on but no longer tell what others told them
   * (RFC 4456). By the keys of peers.
   */
  | { readonly kind: 'dependence'; readonly ending: readonly string[]; readonly relays: readonly string[] }
  /** Pages through a table in prefix order; `after` is the last prefix of the page before. Limit 1 to 1000. */
  | {
      readonly kind: 'routes';
      readonly table: RouteTable;
      readonly family: Family;
      /** Exactly this prefix. */
      readonly prefix: Prefix | undefined;
      readonly after: Prefix | undefined;
      readonly limit: number;
    }
  /** The beginning of a table dump (RFC 6396 section 4.3.1). */
  | { readonly kind: 'mrt-peers' }
  /** Its records, a stretch at a time: `peers` as that answer named them, `from` 0, then `next` of the answer before. */
  | {
      readonly kind: 'mrt-routes';
      readonly family: Family;
      readonly peers: readonly string[];
      readonly sequence: number;
      readonly from: number;
      readonly limit: number;
    };

export type RouteTable =
  | { readonly kind: 'best' }
  | { readonly kind: 'all-paths' }
  | { readonly kind: 'received'; readonly peer: string }
  | { readonly kind: 'advertised'; readonly peer: string };

export type SpeakerAnswer =
  | { readonly kind: 'peers'; readonly peers: readonly PeerStatus[] }
  | { readonly kind: 'dependence'; readonly dependence: readonly RouteDependence[] }
  | { readonly kind: 'routes'; readonly routes: readonly RouteDetail[]; readonly more: boolean }
  | { readonly kind: 'mrt-peers'; readonly keys: readonly string[]; readonly bytes: Uint8Array }
  | {
      readonly kind: 'mrt-routes';
      readonly bytes: Uint8Array;
      readonly sequence: number;
      readonly next: number | undefined;
    }
  | { readonly kind: 'error'; readonly message: string };

/** Best routes from one peer without another usable path that is to stay. */
export interface RouteDependence {
  readonly peer: string;
  readonly prefixes: number;
  /** One of them. */
  readonly example: Prefix;
}

/** One path of a prefix, decoded for people. */
export interface RouteDetail {
  readonly prefix: Prefix;
  /** Peer key, or "own". */
  readonly from: string;
  /** RFC 7911: by which the peer tells its paths to the prefix apart, or we ours to it; `undefined` without ADD-PATH. */
  readonly pathId: number | undefined;
  readonly nextHop: RouteNextHop;
  readonly origin: 'igp' | 'egp' | 'incomplete';
  /** e.g. "65001 65002 {65003 65004}". */
  readonly asPath: string;
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
  readonly extendedCommunities: readonly string[];
  readonly originatorId: Ipv4Address | undefined;
  readonly clusterList: readonly Ipv4Address[];
  readonly atomicAggregate: boolean;
  readonly aggregator: string | undefined;
  readonly best: boolean;
  readonly usable: boolean;
  readonly stale: boolean;
  /** Why it is best, not best, or unusable: a decision step ("higher-local-pref") or a refusal ("next-hop-is-ours"). */
  readonly reason: string;
  /** OTC (RFC 9234): the AS that the route came down from or across. */
  readonly onlyToCustomer?: number | undefined;
  /** The rule of the peer's import policy that decided, by its own reason. */
  readonly policyRule?: string | undefined;
}
