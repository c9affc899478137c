/**
 * TCP as a port. Adapters: `net-transport.ts` (node:net), the agent's one with socket options, and `bgp/testing` (memory).
 * An adapter decides nothing; it says what happened, with the operating system's error code where there is one.
 */
import type { IpAddress } from '../../core/ip-address.js';

export interface Transport {
  /** Ends in exactly one of `connected` and `failed`, never before `dial` has returned. */
  dial(target: DialTarget, handler: DialHandler): Cancel;
  /** Ends in exactly one of `listening` and `failed`; connections come until it is cancelled. */
  listen(endpoint: { readonly address: IpAddress; readonly port: number }, handler: ListenHandler): Cancel;
}

export type Cancel = () => void;

export interface DialTarget {
  readonly address: IpAddress;
  readonly port: number;
  readonly localAddress: IpAddress | undefined;
  /** 1 to 255. */
  readonly ttl: number;
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
  /** TTL of outgoing packets, where the adapter can set it. */
  setTtl(ttl: number): void;
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
