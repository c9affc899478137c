/**
 * What peers say and how their sessions go, as MRT records (RFC 6396 section 4.4), in pieces of some size or age: a record a message
 * would be a call a message to whoever writes them down.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { PeerState } from '../speaker/contract.js';
import type { ObservedPeer, SessionObserver } from '../speaker/session-observer.js';
import type { Connection } from '../speaker/transport.js';
import { type MrtSession, messageRecord, stateChangeRecord } from './record.js';

const PIECE_BYTES = 64 * 1024;
const LONGEST_DELAY_MS = 200;

export class SessionRecorder implements SessionObserver {
  readonly #clock: Clock;
  readonly #unixMs: () => number;
  readonly #take: (records: Uint8Array) => void;
  #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;
  #timer: Timer | undefined;

  /** @param take is given whole records, which are its own */
  constructor(clock: Clock, unixMs: () => number, take: (records: Uint8Array) => void) {
    this.#clock = clock;
    this.#unixMs = unixMs;
    this.#take = take;
  }

  messageReceived(
    peer: ObservedPeer,
    connection: Connection,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    const message = buffer.subarray(start, end);
    this.#add(messageRecord(this.#unixMs(), sessionOf(peer, connection), message));
  }

  stateChanged(peer: ObservedPeer, connection: Connection | undefined, from: PeerState, to: PeerState): void {
    this.#add(stateChangeRecord(this.#unixMs(), sessionOf(peer, connection), from, to));
  }

  up(): void {}

  down(): void {}

  /** Hands over what there is. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#length === 0) return;
    this.#take(this.#piece.slice(0, this.#length));
    this.#length = 0;
  }

  #add(record: Uint8Array): void {
    if (this.#length + record.length > PIECE_BYTES) this.flush();
    if (record.length > PIECE_BYTES) {
      this.#take(record);
      return;
    }
    this.#piece.set(record, this.#length);
    this.#length += record.length;
    this.#timer ??= this.#clock.schedule(LONGEST_DELAY_MS, () => this.flush());
  }
}

function sessionOf(peer: ObservedPeer, connection: Connection | undefined): MrtSession {
  const { address, asn, localAddress } = peer.config;
  const unspecified = address.includes(':') ? '::' : '0.0.0.0';
  return {
    peerAsn: asn,
    localAsn: peer.localAsn,
    peerAddress: address,
    localAddress: connection?.localAddress ?? localAddress ?? (unspecified as typeof address),
    fourOctetAs: peer.negotiated?.fourOctetAs ?? true,
    addPath: false,
  };
}
