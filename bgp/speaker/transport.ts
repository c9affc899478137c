/**
 * TCP as a port. Adapters: `net-transport.ts` (node:net), the agent's one with socket options, and `bgp/testing` (memory).
 * An adapter decides nothing; it says what happened, with the operating system's error code where there is one.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';

export interface Transport {
  /** Ends in exactly one of `connected` and `failed`, never before `dial` has returned. */
  dial(target: DialTarget, handler: DialHandler): Cancel;
  /** Ends in exactly one of `listening` and `failed`; connections come until it is cancelled. */
  listen(endpoint: { readonly address: IpAddress; readonly port: number }, handler: ListenHandler): Cancel;
  /** Whether it can sign segments and look at TTLs. One that cannot fails a dial that asks for it. */
  readonly secures: boolean;
  /**
   * What a connection from inside the prefix must show, on every listener, also on those to come; undefined: nothing any more. The longest
   * prefix counts. From now on no other one is accepted.
   *
   * @param failed told if the operating system refuses: what comes from there is not safe then
   */
  guard(prefix: Prefix, guard: Guard | undefined, failed: (error: TransportError) => void): void;
  /** Segments dropped for their signatures or TTL, by whomever they were sent; undefined where nobody counts them. */
  droppedSegments(): DroppedSegments | undefined;
}

export type Guard = Omit<ConnectionTerms, 'ttl'>;

export interface ConnectionTerms {
  /** Of what we send, 1 to 255. */
  readonly ttl: number;
  /** What comes with a lower TTL is not heard (RFC 5082); undefined: everything is. */
  readonly minimumTtl: number | undefined;
  /** Signs every segment both ways (RFC 2385); undefined: none is signed. */
  readonly password: string | undefined;
}

/** Of a connection of which nothing is asked. */
export const plainTerms: ConnectionTerms = { ttl: 64, minimumTtl: undefined, password: undefined };

export interface DroppedSegments {
  /** Not signed, though we have a password for the sender. */
  readonly missing: number;
  /** Signed, though we have none. */
  readonly unexpected: number;
  /** Signed with another password. */
  readonly wrong: number;
  /** With a lower TTL than a connection of ours hears (RFC 5082). */
  readonly lowTtl: number;
}

export type Cancel = () => void;

export interface DialTarget extends ConnectionTerms {
  readonly address: IpAddress;
  readonly port: number;
  readonly localAddress: IpAddress | undefined;
}

export interface DialHandler {
  connected(connection: Connection): void;
  failed(error: TransportError): void;
}

export interface ListenHandler {
  /** The port is the real one where 0 was asked for. */
  listening(port: number): void;
  failed(error: TransportError): void;
  accepted(connection: Connection): void;
  /** The process may open hardly any more files than the `open` it has: what comes now may be refused without anybody being told. */
  crowded?(open: number): void;
}

export interface TransportError {
  /** "ECONNREFUSED", "EADDRINUSE", ... or "". */
  readonly code: string;
  readonly message: string;
}

export interface Connection {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  /** Begins reading. Once. */
  start(handler: ConnectionHandler): void;
  /** Queues the bytes, which must not change afterwards; false if it is time to wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Octets written that the operating system has not taken yet. */
  readonly unsent: number;
  /** From now on; where the adapter cannot, nothing changes, and where the operating system refuses, the connection is closed. */
  apply(terms: ConnectionTerms): void;
  /** Sends what is queued (bounded in time), then closes. No handler is called any more. */
  end(): void;
  /** Closes at once. No handler is called any more. */
  destroy(): void;
}

export interface ConnectionHandler {
  /**
   * Bytes in `buffer[start, end)`, valid during the call. At least {@link READ_HEADROOM} bytes in front of `start` may be
   * overwritten (for the beginning of a message that an earlier read left), and at least {@link READ_SLACK} behind `end` may be
   * read.
   */
  received(buffer: Uint8Array, start: number, end: number): void;
  drained(): void;
  /** Closed by the other end or by an error; once, and not after `end` or `destroy`. */
  closed(error: TransportError | undefined): void;
}

/** One whole message of the longest kind (RFC 8654). */
export const READ_HEADROOM = 65536;
export const READ_SLACK = 16;
