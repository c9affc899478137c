/**
 * What peers say and how their sessions go, as MRT records (RFC 6396 section 4.4), in pieces of some size or age: a record a message
 * would be a call a message to whoever writes them down.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { Family } from '../family.js';
import { MessageType } from '../iana.js';
import { cutMultiprotocol } from '../rib/multiprotocol.js';
import type { PeerState } from '../speaker/contract.js';
import type { ObservedPeer, SessionObserver } from '../speaker/session-observer.js';
import type { Connection } from '../speaker/transport.js';
import { newUpdateFields, scanUpdate } from '../wire/update.js';
import { type MrtSession, messageRecord, stateChangeRecord } from './record.js';

const fields = newUpdateFields();
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
    const session = { ...sessionOf(peer, connection), addPath: hasPathIds(peer, message) };
    this.#add(messageRecord(this.#unixMs(), session, message));
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

/** RFC 8050 section 3: told for each message, because a session may have identifiers in one family alone. */
function hasPathIds({ negotiated }: ObservedPeer, message: Uint8Array): boolean {
  const receive = negotiated?.addPath.receive ?? [];
  if (receive.length === 0 || message[18] !== MessageType.update) return false;
  const family = familyOfUpdate(message);
  return family !== undefined && receive.includes(family);
}

/** Of the routes that it announces or withdraws; undefined where it has none, or cannot be read. */
function familyOfUpdate(message: Uint8Array): Family | undefined {
  try {
    scanUpdate(message, 0, message.length, fields);
  } catch {
    return undefined;
  }
  const { withdrawnStart, withdrawnEnd, attributesStart, attributesEnd, nlriStart } = fields;
  if (withdrawnEnd > withdrawnStart || nlriStart < message.length) return 'ipv4-unicast';
  const { reach, unreach } = cutMultiprotocol(message, attributesStart, attributesEnd, false);
  return (reach ?? unreach)?.family;
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
