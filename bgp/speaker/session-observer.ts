/** What is told of sessions as it happens, to those who write it down (MRT) or hand it on (BMP). */
import type { Asn } from '../../core/asn.js';
import type { Cause } from '../fsm/cause.js';
import type { Negotiated } from '../fsm/negotiate.js';
import type { Notification } from '../wire/notification.js';
import type { PeerConfig, PeerState } from './contract.js';
import type { Connection } from './transport.js';

/** A peer, as far as it matters to them. */
export interface ObservedPeer {
  readonly config: PeerConfig;
  readonly localAsn: Asn;
  /** Undefined unless Established. */
  readonly negotiated: Negotiated | undefined;
  /** Whole messages of the session that is Established; undefined if none is. */
  readonly opens: { readonly sent: Uint8Array; readonly received: Uint8Array } | undefined;
  /** What the session was ended with by us; undefined if it goes on, or ended without a word of ours. */
  readonly finalNotification: Notification | undefined;
}

export interface SessionObserver {
  /** One whole message from the peer in `buffer[start, end)`, valid during the call. Hot path. */
  messageReceived(
    peer: ObservedPeer,
    connection: Connection,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** Of the session that people see. */
  stateChanged(peer: ObservedPeer, connection: Connection | undefined, from: PeerState, to: PeerState): void;
  /** Established; before any of its UPDATEs. */
  up(peer: ObservedPeer, connection: Connection): void;
  /** Established no more. */
  down(peer: ObservedPeer, cause: Cause): void;
}

/** Several in place of one; `active` is undefined while there is none, so that nothing is paid for it. */
export class SessionObservers implements SessionObserver {
  readonly #observers = new Set<SessionObserver>();

  get active(): SessionObserver | undefined {
    return this.#observers.size === 0 ? undefined : this;
  }

  add(observer: SessionObserver): void {
    this.#observers.add(observer);
  }

  delete(observer: SessionObserver): void {
    this.#observers.delete(observer);
  }

  messageReceived(...told: Parameters<SessionObserver['messageReceived']>): void {
    for (const observer of this.#observers) observer.messageReceived(...told);
  }

  stateChanged(...told: Parameters<SessionObserver['stateChanged']>): void {
    for (const observer of this.#observers) observer.stateChanged(...told);
  }

  up(...told: Parameters<SessionObserver['up']>): void {
    for (const observer of this.#observers) observer.up(...told);
  }

  down(...told: Parameters<SessionObserver['down']>): void {
    for (const observer of this.#observers) observer.down(...told);
  }
}
