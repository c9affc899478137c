/**
 * The load generator's plain words: who connects to what (a plan), what they are told to do (commands) and what they saw
 * (answers). Everything crosses a process boundary as JSON, so no functions and no Buffers here.
 *
 * Prefixes are consecutive /24s from 16.0.0.0, so that a prefix on the wire is its number again by one subtraction.
 */

/** Room from 16.0.0.0 to 223.255.255.0. */
export const MAX_PREFIXES = 0xd00000;

export interface LoadPlan {
  /** The speaker under test. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly remoteAsn: number;
  readonly holdTimeSeconds: number;
  /** One session each; the first one announces. What any of them is sent is not looked into. */
  readonly sources: readonly LoadPeer[];
  readonly sinks: readonly LoadPeer[];
  /** How many prefixes the source announces, 1 to {@link MAX_PREFIXES}. */
  readonly prefixes: number;
  /** 1 to 1000: *single* is 1, *packed* is 1000. */
  readonly prefixesPerUpdate: number;
  /** Distinct path-attribute blocks, each on one consecutive share of the prefixes. */
  readonly attributeSets: number;
}

export interface LoadPeer {
  readonly localAddress: string;
  readonly asn: number;
  /** NEXT_HOP of what it announces; its local address if undefined. */
  readonly nextHop?: string;
}

export type LoadCommand =
  /** Encodes everything beforehand, dials and waits for Established everywhere. */
  | { readonly kind: 'connect'; readonly plan: LoadPlan }
  /** Announces all prefixes; answers when they are written, and when every sink has them all. */
  | { readonly kind: 'announce'; readonly timeoutSeconds: number }
  | { readonly kind: 'withdraw'; readonly timeoutSeconds: number }
  /** More sinks, all dialled at once; answers when every one of them has all prefixes. */
  | { readonly kind: 'join'; readonly sinks: readonly LoadPeer[]; readonly timeoutSeconds: number }
  /** Single-prefix events, withdraw and re-announce in turn, at a rate; latency from source write to sink read. */
  | { readonly kind: 'churn'; readonly eventsPerSecond: number; readonly durationSeconds: number }
  /** Starts a new measurement of the longest silence on every session. */
  | { readonly kind: 'reset-gaps' }
  | { readonly kind: 'report-gaps' }
  /** Leaves with Cease and ends the process. */
  | { readonly kind: 'close' };

export type LoadAnswer =
  | { readonly kind: 'connected'; readonly seconds: number }
  /** `writtenSeconds`: all bytes handed to TCP; `completeSeconds`: the last sink has all, undefined without sinks. */
  | { readonly kind: 'announced'; readonly transfer: Transfer }
  | { readonly kind: 'withdrawn'; readonly transfer: Transfer }
  | { readonly kind: 'joined'; readonly join: JoinResult }
  | { readonly kind: 'churned'; readonly churn: ChurnResult }
  | { readonly kind: 'gaps-reset' }
  | { readonly kind: 'gaps'; readonly gaps: GapReport }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface Transfer {
  readonly bytes: number;
  readonly writtenSeconds: number;
  readonly completeSeconds: number | undefined;
  /** UPDATEs that reached the sinks, all together. */
  readonly sinkUpdates: number;
  readonly sinkPrefixes: number;
}

export interface JoinResult {
  /** From the first dial to the last session that is Established, and to the last prefix at the last sink. */
  readonly establishedSeconds: number;
  readonly completeSeconds: number;
}

export interface ChurnResult {
  readonly events: number;
  readonly seconds: number;
  /** Sightings, one per event and sink, that never were in the state that was sent (superseded or lost). */
  readonly unmatched: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface GapReport {
  /** Longest silence per session between reads that completed a message, milliseconds; sources first. */
  readonly longestMs: readonly number[];
  /** Messages read per session since the reset. */
  readonly messages: readonly number[];
  /** How long this process itself was late at worst, milliseconds: a gap is only as sure as this is small. */
  readonly ownLagMs: number;
  readonly sessionsUp: number;
}
