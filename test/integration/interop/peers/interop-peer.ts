/**
 * Somebody else's BGP daemon as the one peer of a speaker of ours: how it is started and ended, what it tells and holds. Implemented by
 * BIRD 2, FRR's bgpd and GoBGP; the scenarios know this port alone.
 */
import type { Place } from '../../../../bench/daemons/processes.js';
import type { Family } from '../../../../bgp/family.js';

export interface InteropPeer {
  readonly name: 'bird2' | 'frr' | 'gobgp';
  /** Why it cannot hold a session without hold time; undefined where it can. */
  readonly needsHoldTime: string | undefined;
  /** Whether its tables say which link-local address stood beside a next hop. */
  readonly showsLinkLocals: boolean;
  /** Whether its tables say which routes are kept over a restart of ours. */
  readonly tellsStale: boolean;
  /**
   * Whether its OPEN after a mere reset says that it forwards as before (F bit); where not, its stale routes go as soon as that OPEN is
   * there (RFC 4724 section 4.2).
   */
  readonly forwardsAfterReset: boolean;
  /** Between two looks at its tables: asking some costs a process. */
  readonly pauseMs: number;
  /**
   * Whether it looks at a second connection of its peer (RFC 4271 section 6.8, RFC 4724 section 5); where not, it is turned away as long
   * as the first one stands.
   */
  readonly weighsSecondConnection: boolean;
  /**
   * Resolves when it answers. `after-crash`: as its service would come back, with its forwarding state preserved (RFC 4724
   * section 4.1).
   */
  start(setup: PeerSetup, beginning: 'fresh' | 'after-crash'): Promise<RunningPeer>;
}

/** Several paths to a prefix both ways (RFC 7911), long messages (RFC 8654), IPv6 next hops of IPv4 prefixes (RFC 8950). */
export type Extension = 'add-path' | 'extended-messages' | 'extended-next-hop';

export interface PeerSetup extends Place {
  /** Its own; the BGP Identifier as well, unless that is given. */
  readonly address: string;
  readonly routerId?: string;
  /** IPv4 unless given. */
  readonly families?: readonly Family[];
  readonly asn: number;
  /** TCP port of both ends. */
  readonly port: number;
  readonly speaker: { readonly address: string; readonly asn: number };
  /** False: it only accepts. */
  readonly dials: boolean;
  readonly holdTimeSeconds: number;
  readonly gracefulRestart: GracefulRestart;
  /** Whether its best routes go to the kernel of its namespace; GoBGP has no such thing. */
  readonly kernelRoutes: boolean;
  /** What it is to agree to with its peers. */
  readonly extensions?: readonly Extension[];
  /** TCP MD5 (RFC 2385). */
  readonly password?: string | undefined;
  /** GTSM (RFC 5082) with a peer in its subnet. */
  readonly ttlSecurity?: boolean | undefined;
  /** Its own Restart Time, seconds. */
  readonly restartTimeSeconds?: number | undefined;
  /** Long-lived graceful restart (RFC 9494) for so long, seconds. */
  readonly longLivedSeconds?: number | undefined;
  /** More about the session in its own language: lines of `protocol bgp`, `neighbor` commands without the address. */
  readonly ownWords?: readonly string[] | undefined;
  /** What it tells its peer from the start. */
  readonly originates: readonly string[];
  /** On all of that. */
  readonly communities?: OwnCommunities;
  /** It is a route reflector (RFC 4456), and these, the speaker among them, are its clients; they dial. */
  readonly clients?: readonly string[];
}

/** `helper`: it keeps our routes over a restart of ours and says nothing of its own, as BIRD and FRR do unless told otherwise. */
export type GracefulRestart = 'off' | 'helper' | 'on';

/** RFC 1997 and RFC 8092, e.g. "64512:9" and "64512:1:2". */
export interface OwnCommunities {
  readonly standard: string;
  readonly large: string;
}

export interface RunningPeer {
  /** Hold time as agreed, seconds; undefined unless Established. */
  holdTimeSeconds(): Promise<number | undefined>;
  /** What it has from our speaker, by prefix. */
  routes(): Promise<ReadonlyMap<string, HeldRoute>>;
  /** One of them, with its attributes. */
  attributes(prefix: string): Promise<HeldAttributes | undefined>;
  /** The next hop of each path that it has to a prefix from others. */
  nextHops(prefix: string): Promise<readonly string[]>;
  /** Of our speaker's route over IPv6: the next hop, and behind it the link-local one if there is one and the daemon shows it. */
  bothNextHops(prefix: string): Promise<readonly string[]>;
  announce(prefix: string): Promise<void>;
  withdraw(prefix: string): Promise<void>;
  /** Changes the TCP MD5 password of its peer. */
  setPassword(password: string): Promise<void>;
  /** Its operator shuts the session with our speaker down (RFC 9003). */
  shutDown(message: string): Promise<void>;
  /** Where it shows our last shutdown communication; GoBGP only logs it. */
  shownMessage(): Promise<string>;
  /** SIGTERM: as its operator would end it. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface HeldRoute {
  /** Kept over a restart of ours; always false where the daemon does not tell. */
  readonly stale: boolean;
}

export interface HeldAttributes {
  /** AS numbers, separated by blanks. */
  readonly asPath: string;
  readonly nextHop: string;
  /** e.g. "64512:7". */
  readonly communities: readonly string[];
  /** e.g. "64512:1:2". */
  readonly largeCommunities: readonly string[];
  /** RFC 4456; undefined and empty where the route was not reflected. */
  readonly originatorId: string | undefined;
  readonly clusterList: readonly string[];
}
