/**
 * The contract of BFD: everything that goes in and comes out is plain data and survives `structuredClone`, so that it runs in a thread
 * of its own, where nothing computed elsewhere delays a packet.
 *
 * Asynchronous mode of RFC 5880 over one hop (RFC 5881) or several (RFC 5883); no Echo function, no Demand mode of our own, no
 * authentication.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { BfdStateName } from './registry.js';

export interface BfdSessionConfig {
  /** The owner's stable name for it, unique. */
  readonly key: string;
  readonly address: IpAddress;
  /** Undefined: the one that the kernel would send from. */
  readonly localAddress: IpAddress | undefined;
  /** Bound to it; link-local addresses need one. */
  readonly interface: string | undefined;
  /** Port 4784 and any TTL, instead of port 3784 and a TTL of 255. */
  readonly multihop: boolean;
  /** Desired Min TX Interval, 10 to 60000 ms; at least a second while the session is not Up. */
  readonly minTxMs: number;
  /** Required Min RX Interval, 10 to 60000 ms. */
  readonly minRxMs: number;
  /** Detect Mult, 1 to 255. */
  readonly multiplier: number;
  /** `down`: AdminDown, which tells the peer that nothing is wrong with the path. */
  readonly administrativeState: 'up' | 'down';
}

// ---------------------------------------------------------------- in

export type BfdCommand =
  /** Adds a session or changes it. New timers are negotiated while it is Up; a new path begins anew. */
  | { readonly kind: 'set-session'; readonly session: BfdSessionConfig }
  /** AdminDown for as long as the peer needs to hear of it, then forgotten. */
  | { readonly kind: 'remove-session'; readonly key: string }
  | { readonly kind: 'query'; readonly id: number }
  /** AdminDown to every peer, and the end. */
  | { readonly kind: 'close' };

// ---------------------------------------------------------------- out

export type BfdReport =
  /** Whenever anything but a counter has changed. */
  | { readonly kind: 'session-status'; readonly session: BfdSessionStatus }
  | { readonly kind: 'session-removed'; readonly key: string }
  | { readonly kind: 'answer'; readonly id: number; readonly view: BfdView }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly kind: 'closed' };

export interface BfdView {
  readonly sessions: readonly BfdSessionStatus[];
  readonly discarded: BfdDiscards;
}

/**
 * What the session says of the path. `down`: it was up and is lost. `admin-down`: either end has switched the session off, which says
 * nothing (RFC 5882 section 3.2). `unknown`: it has not come up yet.
 */
export type BfdVerdict = 'up' | 'down' | 'admin-down' | 'unknown';

export interface BfdSessionStatus {
  readonly key: string;
  readonly address: IpAddress;
  readonly localAddress: IpAddress | undefined;
  readonly interface: string | undefined;
  readonly multihop: boolean;
  readonly state: BfdStateName;
  readonly verdict: BfdVerdict;
  /** When the state was entered, milliseconds since the Unix epoch. */
  readonly sinceUnixMs: number;
  /** Why the session last left Up: the code and words for it. */
  readonly diagnostic: { readonly code: number; readonly words: string };
  /** What stands in its way here, e.g. an address that this host does not have; empty if nothing. */
  readonly info: string;
  readonly localDiscriminator: number;
  /** As negotiated, before jitter; undefined where the peer wants no packets. */
  readonly transmitIntervalMs: number | undefined;
  /** Undefined until the peer was heard. */
  readonly detectionTimeMs: number | undefined;
  /** A change of timers that the peer has not confirmed yet. */
  readonly polling: boolean;
  /** The peer's last packet; undefined until the first, and after a detection time of silence. */
  readonly remote: BfdRemote | undefined;
  /** How often it has left Up. */
  readonly flaps: number;
  readonly counters: BfdCounters;
}

export interface BfdRemote {
  readonly discriminator: number;
  readonly state: BfdStateName;
  readonly diagnostic: { readonly code: number; readonly words: string };
  readonly minTxMs: number;
  readonly minRxMs: number;
  readonly multiplier: number;
  /** The C bit: its BFD outlives its control plane (RFC 5882 section 4.3). */
  readonly controlPlaneIndependent: boolean;
}

export interface BfdCounters {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Of the peer's own: more than anyone needs to send. */
  readonly rateLimited: number;
  /** From the peer's address, but from further away than one hop. */
  readonly wrongTtl: number;
}

/** Packets that belong to no session, or that no session may look at. */
export interface BfdDiscards {
  /** From nobody we know, or for no session of theirs. */
  readonly strangers: number;
  readonly wrongTtl: number;
  readonly malformed: number;
  /** Dropped by the kernel before anyone looked: while a flood lasts, or for want of room. */
  readonly unseen: number;
}
