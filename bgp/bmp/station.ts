/**
 * SHELL: the session with one monitoring station (RFC 7854 section 3): dialled by us, one way only. It is told who is Established, all
 * that they have said (a stretch of the table at a time), and from then on each of their UPDATEs as it comes; or what the import policy
 * makes of it, as it does; or both.
 *
 * A station that reads too slowly loses its connection rather than costing memory, and begins anew later with the whole table.
 */
import type { Clock, Timer } from '../../core/clock.js';
import { FAMILIES, type Family } from '../family.js';
import type { Cause } from '../fsm/cause.js';
import { BmpTerminationReason, MessageType } from '../iana.js';
import type { Rib } from '../rib/contract.js';
import type { BmpStationConfig, BmpStationStatus } from '../speaker/contract.js';
import type { ObservedPeer, SessionObserver } from '../speaker/session-observer.js';
import { type Cancel, type Connection, plainTerms, type Transport } from '../speaker/transport.js';
import { transportWords } from '../speaker/transport-words.js';
import { familyNumbers } from '../wire/capabilities.js';
import { encodeEndOfRib } from '../wire/update.js';
import * as bmp from './message.js';
import { peerDownOf } from './peer-down.js';
import { PostPolicy } from './post-policy.js';
import { TableUpdates } from './table-updates.js';

/** What a station asks of the speaker. */
export interface BmpSource {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly rib: Rib;
  unixMs(): number;
  /** 0 to 1. */
  random(): number;
  /** Those that are Established. */
  establishedPeers(): Iterable<{ readonly peer: ObservedPeer; readonly connection: Connection }>;
  treatedAsWithdraw(key: string): number;
  bmpChanged(): void;
}

/** Between two attempts: doubling, with jitter (section 3.2). */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** Prefixes of the table told in one turn of the event loop. */
const STRETCH = 1024;
/** Unread octets after which a station is too slow. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

export class BmpStation implements SessionObserver {
  readonly config: BmpStationConfig;
  readonly #source: BmpSource;
  readonly #peers = new Map<string, bmp.BmpPeer>();
  #cancelDial: Cancel | undefined;
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #detail = 'connecting';
  #sinceUnixMs: number;
  /** What waits for the end of this turn, or for the socket. */
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #sendTimer: Timer | undefined;
  #full = false;
  /** Where the table goes on; undefined once it is told. */
  #dump: { family: Family; from: number } | undefined;
  /** Of a station that is told of routes after policy, while it is connected. */
  #postPolicy: { readonly told: PostPolicy; readonly end: () => void } | undefined;

  constructor(source: BmpSource, config: BmpStationConfig) {
    this.#source = source;
    this.config = config;
    this.#sinceUnixMs = source.unixMs();
    this.#dial();
  }

  get status(): BmpStationStatus {
    const { address, port, adjRibIn } = this.config;
    const state =
      this.#connection === undefined ? 'waiting' : this.#dump === undefined ? 'in-sync' : 'telling';
    return { address, port, adjRibIn, state, sinceUnixMs: this.#sinceUnixMs, detail: this.#detail };
  }

  /** For good (section 4.5). */
  close(words: string): void {
    this.#timer?.cancel();
    this.#cancelDial?.();
    if (this.#connection === undefined) return;
    this.#push(bmp.termination(BmpTerminationReason.administrativelyClosed, words));
    this.#send();
    this.#connection?.end();
    this.#forget();
  }

  // ---------------------------------------------------------------- what happens to peers

  messageReceived(
    peer: ObservedPeer,
    _connection: Connection,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (buffer[start + 18] !== MessageType.update || !this.#tellsPrePolicy) return;
    const about = this.#peers.get(peer.config.key);
    if (about === undefined) return;
    this.#push(bmp.routeMonitoring(about, this.#source.unixMs(), buffer, start, end));
  }

  stateChanged(): void {}

  up(peer: ObservedPeer, connection: Connection): void {
    if (this.#connection !== undefined) this.#peerUp(peer, connection);
  }

  down(peer: ObservedPeer, cause: Cause): void {
    const { key } = peer.config;
    const about = this.#peers.get(key);
    if (about === undefined) return;
    this.#peers.delete(key);
    this.#postPolicy?.told.forget(key);
    this.#push(bmp.peerDown(about, this.#source.unixMs(), peerDownOf(cause, peer.finalNotification)));
  }

  /** @param locRibRoutes in all families */
  tellStatistics(locRibRoutes: number): void {
    const { rib } = this.#source;
    for (const [key, about] of this.#peers) {
      const { received, accepted } = rib.counts(key);
      const statistics = {
        rejectedByPolicy: received - accepted,
        adjRibInRoutes: received,
        locRibRoutes,
        treatedAsWithdraw: this.#source.treatedAsWithdraw(key),
      };
      this.#push(bmp.statisticsReport(about, this.#source.unixMs(), statistics));
    }
  }

  // ---------------------------------------------------------------- connection

  #dial(): void {
    const { address, port } = this.config;
    const target = { ...dialDefaults, address, port };
    this.#cancelDial = this.#source.transport.dial(target, {
      connected: connection => {
        this.#cancelDial = undefined;
        this.#begin(connection);
      },
      failed: error => {
        this.#cancelDial = undefined;
        this.#over(transportWords(error));
      },
    });
  }

  #begin(connection: Connection): void {
    this.#connection = connection;
    this.#say('');
    connection.start({
      received: () => {},
      drained: () => {
        this.#full = false;
        this.#send();
        this.#goOn();
      },
      closed: error => this.#over(error === undefined ? 'closed by the station' : transportWords(error)),
    });
    this.#push(bmp.initiation(this.config.sysName, this.config.sysDescr));
    for (const { peer, connection: session } of this.#source.establishedPeers()) this.#peerUp(peer, session);
    this.#dump = { family: FAMILIES[0]!, from: 0 };
    if (this.config.adjRibIn !== 'pre-policy') this.#watchPolicy();
    this.#goOn();
  }

  get #tellsPrePolicy(): boolean {
    return this.config.adjRibIn !== 'post-policy';
  }

  #watchPolicy(): void {
    const told = new PostPolicy(source => this.#peers.has(source));
    const end = this.#source.rib.watch((family, walk) => {
      const updates = new TableUpdates(family);
      walk((prefix, paths, place) => told.tell(family, updates, prefix, paths, place));
      this.#tellUpdates(updates, true);
    });
    this.#postPolicy = { told, end };
  }

  #over(detail: string): void {
    this.#forget();
    this.#say(detail);
    const pause = this.#retryMs * (0.75 + 0.25 * this.#source.random());
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
    this.#timer = this.#source.clock.schedule(pause, () => this.#dial());
  }

  #forget(): void {
    this.#sendTimer?.cancel();
    this.#timer?.cancel();
    this.#postPolicy?.end();
    this.#postPolicy = undefined;
    this.#sendTimer = undefined;
    this.#connection = undefined;
    this.#dump = undefined;
    this.#full = false;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#peers.clear();
  }

  #say(detail: string): void {
    this.#detail = detail;
    this.#sinceUnixMs = this.#source.unixMs();
    this.#source.bmpChanged();
  }

  // ---------------------------------------------------------------- the table

  #peerUp(peer: ObservedPeer, connection: Connection): void {
    const { negotiated, opens, config } = peer;
    if (negotiated === undefined || opens === undefined) return;
    const about: bmp.BmpPeer = {
      address: config.address,
      asn: negotiated.remoteAsn,
      routerId: negotiated.remoteRouterId,
      twoOctetAs: !negotiated.fourOctetAs,
      postPolicy: false,
    };
    this.#peers.set(config.key, about);
    const { localAddress: address, localPort: port, remotePort } = connection;
    const local = { address, port, remotePort };
    this.#push(bmp.peerUp(about, this.#source.unixMs(), local, opens.sent, opens.received));
  }

  /** The next stretch, once the socket has taken the one before. */
  #goOn(): void {
    if (this.#dump === undefined || this.#full) return;
    this.#timer = this.#source.clock.schedule(0, () => this.#tellStretch());
  }

  #tellStretch(): void {
    if (this.#dump === undefined || this.#connection === undefined) return;
    const { family, from } = this.#dump;
    const [received, accepted] = [new TableUpdates(family), new TableUpdates(family)];
    const next = this.#source.rib.walk(family, from, STRETCH, (prefix, paths, place) => {
      for (const path of this.#tellsPrePolicy ? paths : []) {
        if (!path.stale && this.#peers.has(path.source)) received.add(prefix, path);
      }
      this.#postPolicy?.told.tell(family, accepted, prefix, paths, place);
    });
    this.#tellUpdates(received, false);
    this.#tellUpdates(accepted, true);
    if (next !== undefined) {
      this.#dump.from = next;
    } else {
      this.#endFamily(family);
    }
    this.#send();
    this.#goOn();
  }

  #tellUpdates(updates: TableUpdates, postPolicy: boolean): void {
    for (const { source, update } of updates.messages()) this.#tellOf(source, update, postPolicy);
  }

  /** What we have encoded ourselves has AS numbers of four octets, whatever the peer's session has. */
  #tellOf(source: string, update: Uint8Array, postPolicy: boolean): void {
    const about = { ...this.#peers.get(source)!, twoOctetAs: false, postPolicy };
    this.#push(bmp.routeMonitoring(about, this.#source.unixMs(), update));
  }

  /** Section 5: an End-of-RIB for each peer when all that it has said is told. */
  #endFamily(family: Family): void {
    const { afi, safi } = familyNumbers(family);
    for (const { peer } of this.#source.establishedPeers()) {
      const { key } = peer.config;
      if (!this.#peers.has(key) || !peer.negotiated?.families.includes(family)) continue;
      if (this.#tellsPrePolicy) this.#tellOf(key, encodeEndOfRib(afi, safi), false);
      if (this.#postPolicy !== undefined) this.#tellOf(key, encodeEndOfRib(afi, safi), true);
    }
    const following = FAMILIES[FAMILIES.indexOf(family) + 1];
    this.#dump = following === undefined ? undefined : { family: following, from: 0 };
    if (this.#dump !== undefined) return;
    this.#retryMs = FIRST_RETRY_MS;
    this.#say('');
  }

  // ---------------------------------------------------------------- writing

  #push(message: Uint8Array): void {
    if (this.#connection === undefined) return;
    this.#unsent.push(message);
    this.#unsentBytes += message.length;
    if (this.#full) {
      if (this.#unsentBytes <= MAX_UNREAD_BYTES) return;
      this.#connection.destroy();
      this.#over('the station read too slowly: it was cut off, and will get the whole table anew');
    } else if (this.#unsentBytes >= CHUNK_BYTES) {
      this.#send();
    } else {
      this.#sendTimer ??= this.#source.clock.schedule(0, () => this.#send());
    }
  }

  /** One write for all that waits. */
  #send(): void {
    this.#sendTimer?.cancel();
    this.#sendTimer = undefined;
    if (this.#full || this.#unsentBytes === 0 || this.#connection === undefined) return;
    const chunk = new Uint8Array(this.#unsentBytes);
    let at = 0;
    for (const message of this.#unsent) {
      chunk.set(message, at);
      at += message.length;
    }
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#full = !this.#connection.write(chunk);
  }
}

const dialDefaults = { localAddress: undefined, ...plainTerms };
