/**
 * The control API: HTTP over a unix socket, paths below `/v1/`, JSON bodies, large answers as NDJSON. Plain data only; the server,
 * the client and every formatter agree on these shapes and nothing else.
 *
 *   GET    /v1/hello                         who answers: {@link Hello}
 *   GET    /v1/status                        {@link AgentStatus}
 *   GET    /v1/peers                         {@link PeersView}
 *   GET    /v1/peers/PEER                    {@link PeerView}; PEER is a key, an address or a name
 *   POST   /v1/peers/PEER/disable            until the agent restarts
 *   POST   /v1/peers/PEER/shutdown           {@link ShutdownPeerRequest}; also over restarts of the agent
 *   POST   /v1/peers/PEER/enable             takes back both
 *   POST   /v1/peers/PEER/clear              {@link ClearPeerRequest} to {@link ClearPeerResult}
 *   GET    /v1/bfd                           {@link BfdView}
 *   GET    /v1/routes?table&peer&family&prefix&after&limit      one page, or with `accept: application/x-ndjson` all, a route a line
 *   GET    /v1/resources/KIND[/[NAMESPACE/]NAME]                {@link ResourcesView} or {@link StoredView}
 *   POST   /v1/resources                     {@link ApplyRequest} to {@link ApplyResponse}, a result per document
 *   DELETE /v1/resources/KIND/[NAMESPACE/]NAME
 *   GET    /v1/watch/status|peers|bfd|hosts|topology|resources|routes   NDJSON: the whole view (of routes the first page) now and after
 *                                            each change, at most four a second; what other hosts report every few seconds
 *   GET    /v1/check/tunnels?node            NDJSON, a {@link TunnelCheckView} a line in the order of the nodes, each as soon as it is
 *                                            known; closing the connection ends the probes
 *   GET    /v1/explain?from&to&port&icmp     {@link ExplainView}; a packet's way from end to end
 *   GET    /v1/policy/ENDPOINT               {@link EndpointPolicyView}; ENDPOINT is a key, NAMESPACE/NAME, a name or an interface
 *   GET    /v1/hosts                         {@link HostsView}: every host, by what it has put into the store
 *   POST   /v1/hosts/NODE/delete             {@link DeleteHostRequest} to {@link DeleteHostResult}
 *   GET    /v1/ipam                          {@link IpamView}; read from the store each time, as everything below /v1/ipam
 *   GET    /v1/ipam/addresses                {@link IpamAddressesView}
 *   GET    /v1/ipam/addresses/ADDRESS        {@link AddressView}
 *   GET    /v1/ipam/check                    {@link IpamCheckView}
 *   POST   /v1/ipam/assign                   {@link IpamAssignRequest} to {@link IpamAssignment}; idempotent by handle
 *   POST   /v1/ipam/release                  {@link IpamReleaseRequest} to {@link IpamReleaseView}, a result for each
 *   GET    /v1/metrics                       text for Prometheus
 *   GET    /v1/mrt/table                     all paths as an MRT file (TABLE_DUMP_V2)
 *   GET    /v1/mrt/sessions                  what peers say from now on, as MRT records (BGP4MP_ET), until the connection is closed
 *   POST   /v1/shutdown                      says goodbye to every peer (Cease) and ends the agent
 *
 * Any other answer than 2xx carries a {@link ControlProblem}.
 */
import type { BfdSessionStatus } from '../../bgp/bfd/contract.js';
import type {
  BmpStationStatus,
  ListenEndpoint,
  PeerStatus,
  RouteDetail,
} from '../../bgp/speaker/contract.js';
import type { Resource } from '../../core/resources/resource.js';
import type { PolicyStatusView } from './policy-types.js';

export type { BfdSessionStatus, BfdView } from '../../bgp/bfd/contract.js';
export type { NotificationStatus, PeerState, PeerStatus } from '../../bgp/speaker/contract.js';

export const CONTROL_API_VERSION = 'v1';
export const DEFAULT_CONTROL_SOCKET = '/run/margay/control.sock';
export const NDJSON = 'application/x-ndjson';

export interface ControlProblem {
  /** One sentence. */
  readonly error: string;
  /** Path inside the document or name of the parameter that is wrong. */
  readonly field?: string;
  readonly value?: string;
  readonly allowed?: string;
}

export interface Hello {
  readonly pid: number;
  readonly version: string;
  readonly nodeName: string;
}

export interface ShutdownPeerRequest {
  /** Sent to the peer (RFC 9003), at most 255 octets of UTF-8 of it; may be empty. */
  readonly message: string;
}

export interface ClearPeerRequest {
  readonly how: 'hard' | 'soft-in' | 'soft-out';
  /** Of a hard one, as for a shutdown. */
  readonly message: string;
}

export interface ClearPeerResult {
  readonly peer: string;
  /** One sentence on what happens now. */
  readonly detail: string;
}

export interface PeersView {
  readonly peers: readonly PeerView[];
}

export interface PeerView extends PeerStatus {
  /** Of its address; absent where there is none. Counters are those of the last change. */
  readonly bfdSession?: BfdSessionStatus;
}

export type RouteTableName = 'best' | 'all-paths' | 'received' | 'advertised';

export interface RoutesQuery {
  readonly table: RouteTableName;
  /** For `received` and `advertised`: a peer's key, address or name. */
  readonly peer?: string;
  readonly family?: 'ipv4' | 'ipv6';
  /** Exactly this prefix. */
  readonly prefix?: string;
}

/** What the kernel makes of a best route. Absent for other paths and without a dataplane. */
export interface KernelView {
  readonly state: 'programmed' | 'pending' | 'refused' | 'own';
  /** Why it is not programmed, in words. */
  readonly reason?: string;
}

export interface RouteView extends RouteDetail {
  readonly kernel?: KernelView;
}

export interface RoutesPage {
  readonly routes: readonly RouteView[];
  /** Give as `after` for the next page; null on the last. */
  readonly next: string | null;
}

export interface StoredView {
  readonly resource: Resource;
  /** "" where the store is away. */
  readonly revision: string;
  /** It is what is in force on this host. */
  readonly storeAway?: StoreAway;
}

export interface ResourcesView {
  readonly resources: readonly StoredView[];
  /** They are those in force on this host. */
  readonly storeAway?: StoreAway;
}

export interface StoreAway {
  readonly sinceUnixMs: number;
  /** Why. */
  readonly detail: string;
}

export interface ApplyRequest {
  readonly documents: readonly { readonly location: string; readonly document: unknown }[];
  readonly dryRun?: boolean;
}

export interface ApplyResult {
  readonly location: string;
  /** `Kind/name`, as far as it can be told. */
  readonly id: string;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'invalid' | 'failed';
  readonly problems: readonly ControlProblem[];
}

export interface ApplyResponse {
  readonly results: readonly ApplyResult[];
  /** Of a dry run: what all the documents together would do to the sessions of this host. */
  readonly sessions?: readonly SessionEffectView[];
  /** Of a dry run where policy is enforced: what would be done to this host's packet filter, in words; null: nothing. */
  readonly packetFilter?: string | null;
}

/** What a change would do to a session with a peer, or to those of a range. */
export interface SessionEffectView {
  /** The peer's key, or that of its range. */
  readonly peer: string;
  /** As people know it: the node, the BGPPeer or the range. */
  readonly name: string;
  /** Of the peer, or the range's prefix. */
  readonly address: string;
  /** `starts` and `ends`: there is a session after it, and not before, or the other way about. */
  readonly effect: 'starts' | 'ends' | 'resets' | 'changes-live';
  /** As documents name them, else as the speaker does; no values. */
  readonly fields: readonly string[];
  /** Why it starts, ends or resets, in words; "" for what changes live. */
  readonly why: string;
}

export interface ConditionView {
  readonly severity: 'warning' | 'error';
  readonly message: string;
  readonly objects: readonly string[];
}

export interface AgentStatus {
  readonly pid: number;
  readonly version: string;
  readonly nodeName: string;
  readonly startedUnixMs: number;
  readonly nodeAddress: { readonly address: string; readonly reason: string } | null;
  readonly nodeIpv6Address: { readonly address: string; readonly reason: string } | null;
  /** Why it has none, "" where it has one. */
  readonly noIpv6AddressReason: string;
  readonly speaker: {
    readonly state: 'starting' | 'running' | 'restarting' | 'withheld' | 'closed';
    readonly asn: number | null;
    readonly routerId: string | null;
    readonly listening: readonly ListenEndpoint[];
    /** Endpoints that could not be opened, with who holds them where that is known. */
    readonly listenErrors: readonly string[];
    readonly restarts: number;
  };
  readonly store: {
    readonly location: string;
    readonly state: 'loading' | 'in-sync' | 'unavailable';
    readonly detail: string;
    /** Since when it is away; null where it is not. */
    readonly sinceUnixMs: number | null;
    /** It has been away since the agent began: what is in force is what it held before. */
    readonly copy: boolean;
    readonly resources: number;
  };
  /** Whether this host is one of the cluster: until it is, it announces nothing. */
  readonly membership: {
    readonly standing: 'member' | 'pending' | 'withheld';
    /** Why it is none, or not yet; "" for a member. */
    readonly reason: string;
    readonly instance: string;
  };
  /** The agent that acts for the whole cluster; null: none is known. */
  readonly controller: { readonly node: string; readonly self: boolean; readonly sinceUnixMs: number } | null;
  readonly rib: {
    readonly inSync: boolean;
    /** In sync because the stale timer fired, not because every peer had told its routes. */
    readonly timedOut: boolean;
  };
  readonly dataplane: {
    readonly kind: 'linux' | 'none';
    readonly programmed: number;
    readonly pending: number;
    /** Found in the kernel at start and not confirmed yet; they go at the deadline. */
    readonly stale: number;
    readonly staleDeadlineUnixMs: number | null;
    readonly refused: readonly { readonly object: string; readonly error: string }[];
  };
  /** Those that are open here, or should be. */
  readonly tunnels: readonly {
    readonly tunnel: 'ipip' | 'vxlan' | 'vxlan-v6' | 'udp';
    /** `closing`: nobody wants it any more; it goes when no host sends by it. */
    readonly state: 'open' | 'closing' | 'unavailable';
    readonly device: string;
    /** This host's own inside its tunnels. */
    readonly address: string | null;
    /** 0 while it is unavailable. */
    readonly mtu: number;
    /** Why it is unavailable, or a warning; "" for nothing. */
    readonly detail: string;
    /** Routes of this host that lead into it. */
    readonly routes: number;
    /** Other hosts that receive by it, of all others. */
    readonly hostsReady: number;
    readonly hosts: number;
  }[];
  /** Null: none is enforced here. */
  readonly policy: PolicyStatusView | null;
  /** Monitoring stations (BMP). */
  readonly bmpStations: readonly BmpStationStatus[];
  readonly peers: { readonly total: number; readonly established: number };
  readonly invalidDocuments: readonly {
    readonly location: string;
    readonly id: string | null;
    /** In its place: its last good version; for a policy without one, the default of its tier denies; for others nothing. */
    readonly inForce: 'last-good' | 'tier-default' | 'nothing';
    readonly problems: readonly ControlProblem[];
  }[];
  readonly conditions: readonly ConditionView[];
}

/** Every host, as far as the store tells. */
export interface HostsView {
  /** Since when the store cannot be read, and why: of other hosts nothing is known but their names then. Null: it can be. */
  readonly storeAway: StoreAway | null;
  readonly controller: { readonly node: string; readonly sinceUnixMs: number } | null;
  /** By name. */
  readonly hosts: readonly HostView[];
}

export interface HostView {
  readonly node: string;
  /** The one that answers. */
  readonly self: boolean;
  /** `silent`: it has not renewed its lease for as long as that lasts. `no-agent`: it has none. `unknown`: the store is away. */
  readonly life: 'alive' | 'silent' | 'no-agent' | 'unknown';
  /** Its agent has not heard yet that it was deleted: its lease, which is left for it, says so. */
  readonly deleted: boolean;
  readonly addresses: readonly string[];
  /** Its last sign of life, by its own clock; null: there was none. */
  readonly seenUnixMs: number | null;
  /** Of its report; null: it has none. */
  readonly reportAgeMs: number | null;
  readonly report: HostReport | null;
}

/** What a host says of itself: status and peers in short. */
export interface HostReport {
  readonly version: string;
  readonly instance: string;
  readonly startedUnixMs: number;
  readonly speaker: string;
  readonly asn: number | null;
  readonly store: string;
  readonly ribInSync: boolean;
  readonly kernel: {
    readonly programmed: number;
    readonly pending: number;
    readonly refused: number;
    readonly stale: number;
  };
  /** Null: none is enforced there. */
  readonly policyInForce: boolean | null;
  readonly established: number;
  /** Those that are not Established first. */
  readonly sessions: readonly SessionReport[];
  /** How many more there are. */
  readonly sessionsLeftOut: number;
  /** Errors first. */
  readonly conditions: readonly { readonly severity: 'warning' | 'error'; readonly message: string }[];
  readonly conditionsLeftOut: number;
  readonly invalidDocuments: number;
  /** Of the controller: hosts that have not renewed their leases. */
  readonly silent?: {
    /** Of all that have one. */
    readonly hosts: number;
    /** As long as their leases have these renewals. */
    readonly nodes: readonly { readonly node: string; readonly renewals: number }[];
    readonly leftOut: number;
  };
}

export interface SessionReport {
  readonly key: string;
  /** The node, or the BGPPeer; "" for neither. */
  readonly name: string;
  readonly address: string;
  readonly type: string;
  readonly asn: number;
  readonly state: string;
  readonly sinceUnixMs: number;
  readonly received: number;
  readonly advertised: number;
  readonly info: string;
}

export interface DeleteHostRequest {
  /** Also where the host lives: its agent says goodbye and stays away until it is restarted. */
  readonly force: boolean;
}

export interface DeleteHostResult {
  readonly node: string;
  /** What there was of it, in the order in which it was deleted. */
  readonly deleted: readonly { readonly kind: string; readonly count: number }[];
  /** What else is to be known, in sentences. */
  readonly remarks: readonly string[];
}

/** One way from this host to another, as probes found it. */
export interface TunnelCheckView {
  readonly node: string;
  /** The node's. */
  readonly address: string;
  readonly mode: 'plain' | 'ipip' | 'vxlan' | 'vxlan-v6' | 'udp';
  /** What the probes through that mode went from and to; null: none was sent. */
  readonly from: string | null;
  readonly to: string | null;
  readonly underlay: ProbeState;
  /** There by the mode, and back plainly. */
  readonly outward: ProbeState;
  /** There and back by the mode: 84 bytes, and `fullBytes`. */
  readonly small: ProbeState;
  readonly full: ProbeState;
  /** Of the IP packet, headers included; the MTU of the tunnel device, or of the underlay. */
  readonly fullBytes: number | null;
  /** The largest that passes, where small ones do and full ones don't. */
  readonly largestBytes: number | null;
  /** Of the small probe. */
  readonly rttMs: number | null;
  /** What is wrong; null: nothing is. */
  readonly finding:
    | 'host-silent'
    | 'not-sent'
    | 'not-arriving'
    | 'no-way-back'
    | 'lossy'
    | 'mtu-black-hole'
    | 'mtu-too-large'
    | 'no-route'
    | 'refused'
    | 'no-address'
    | null;
  /** The finding in words, with the cure, or a remark; "" for nothing. */
  readonly words: string;
}

export type ProbeState = 'answered' | 'silent' | 'too-big' | 'rejected' | 'not-sent' | 'not-probed';

export type WatchTopic = 'status' | 'peers' | 'bfd' | 'hosts' | 'topology' | 'resources' | 'routes';
