/**
 * SHELL: `createSpeaker`, the speaker as a library: in the caller's thread, promises and async iterators over `SpeakerCommand` and
 * `SpeakerEvent`. Waiting takes an AbortSignal and answers with a union; only options that cannot be right throw.
 */

import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import { dumpTable } from '../mrt/table-dump.js';
import type {
  BfdState,
  NextHopStatus,
  PeerStatus,
  RouteDetail,
  RouteTable,
  SpeakerCommand,
  SpeakerEvent,
} from '../speaker/contract.js';
import { NetTransport } from '../speaker/net-transport.js';
import { Speaker as SpeakerShell } from '../speaker/speaker.js';
import { systemClock } from '../speaker/system-clock.js';
import type { Transport } from '../speaker/transport.js';
import { BestRoutes } from './best-routes.js';
import { numberOption, OptionError } from './option-values.js';
import {
  type AnnounceOptions,
  addressOption,
  originatedRoute,
  type PeerOptions,
  peerConfig,
  prefixOption,
  type SpeakerOptions,
  speakerConfig,
} from './options.js';
import { type PeerRangeOptions, peerRangeConfig } from './peer-range.js';
import { peerPolicies } from './policy-options.js';
import { Signalled } from './signalled.js';

export interface Waiting {
  readonly signal?: AbortSignal;
}

export type Listening =
  | {
      readonly kind: 'listening';
      readonly endpoints: readonly { readonly address: string; readonly port: number }[];
    }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'aborted' };

export type EstablishedOutcome =
  | { readonly kind: 'established'; readonly status: PeerStatus }
  /** `info` says what stood in the way last. */
  | { readonly kind: 'aborted'; readonly info: string }
  | { readonly kind: 'removed' };

export interface Peer {
  readonly address: string;
  status(): PeerStatus;
  /** Resolves when the session is Established, at once if it is. */
  established(waiting?: Waiting): Promise<EstablishedOutcome>;
  /**
   * `hard`: the session ends with Cease/Administrative Reset and the message (RFC 9003) and begins anew. `soft-in` asks for the peer's
   * routes again (RFC 2918), `soft-out` tells it ours again.
   */
  clear(how: 'hard' | 'soft-in' | 'soft-out', message?: string): void;
  /** Cease/Administrative Shutdown with the message; down until {@link enable}. */
  shutdown(message?: string): void;
  enable(): void;
  /** The status now and after each change of state, the newest only if the reader is slow. */
  changes(waiting?: Waiting): AsyncIterable<PeerStatus>;
  remove(): void;
}

export interface PeerRange {
  readonly prefix: string;
  /** Those that are there now. */
  peers(): readonly PeerStatus[];
  /** With its peers. */
  remove(): void;
}

export interface Speaker {
  listening(waiting?: Waiting): Promise<Listening>;
  addPeer(options: PeerOptions): Peer;
  /** Peers that make themselves: whoever connects from inside a prefix. The same prefix again changes the range, live for those it has. */
  addPeerRange(options: PeerRangeOptions): PeerRange;
  announce(prefix: string, options?: AnnounceOptions): void;
  withdraw(prefix: string): void;
  /**
   * The whole table in batches, then changes. The next batch is made when it is asked for, so a slow reader sees fewer, larger
   * steps. One reader per family at a time: a second one ends the first.
   */
  bestRoutes(options?: Waiting & { readonly family?: Family }): AsyncIterable<BestRoutes>;
  /** All there are, those of ranges as well. */
  peers(): readonly PeerStatus[];
  /** One page in prefix order; `after` is the last prefix of the page before, `limit` 1 to 1000. */
  routes(query: {
    readonly table?: RouteTable;
    readonly family?: Family;
    readonly prefix?: string;
    readonly after?: string;
    readonly limit?: number;
  }): { readonly routes: readonly RouteDetail[]; readonly more: boolean };
  /** All paths as an MRT file (TABLE_DUMP_V2, RFC 6396), in pieces; each is made when it is asked for. */
  dumpTable(): Generator<Uint8Array>;
  /** What peers say and how their sessions go, as MRT records (BGP4MP_ET), until what it returns is called. One at a time. */
  recordSessions(take: (records: Uint8Array) => void): () => void;
  /** For peers with the option `bfd`: what BFD says of an address. */
  setBfdState(address: string, state: BfdState): void;
  /** Without it every next hop counts as reachable at no cost. */
  setNextHopStatus(nextHops: readonly NextHopStatus[]): void;
  /** Cease/Administrative Shutdown with the message (RFC 9003) to every peer. */
  close(options?: { readonly message?: string }): Promise<void>;
}

/** For tests and simulations: another network, another clock (`margay/bgp/testing`). */
export interface Surroundings {
  readonly transport?: Transport;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly unixMs?: () => number;
  readonly log?: (event: Extract<SpeakerEvent, { kind: 'log' }>) => void;
}

/** @throws OptionError naming the option, its value and what is allowed */
export function createSpeaker(options: SpeakerOptions, surroundings: Surroundings = {}): Speaker {
  return new LibrarySpeaker(options, surroundings);
}

/** Prefixes of a table dump made at a time. */
const DUMP_STRETCH = 1024;

class LibrarySpeaker implements Speaker {
  readonly #shell: SpeakerShell;
  readonly #peers = new Map<string, LibraryPeer>();
  readonly #listening = new Signalled<Listening>();
  readonly #batches = new Map<Family, Signalled<BestRoutes>>();
  #recorded: ((records: Uint8Array) => void) | undefined;
  #closed = false;

  constructor(options: SpeakerOptions, surroundings: Surroundings) {
    const config = speakerConfig(options);
    this.#shell = new SpeakerShell({
      transport: surroundings.transport ?? new NetTransport(),
      clock: surroundings.clock ?? systemClock,
      random: surroundings.random ?? Math.random,
      unixMs: surroundings.unixMs ?? Date.now,
      onEvent: event => this.#onEvent(event, surroundings.log),
    });
    this.#shell.command({ kind: 'configure', config });
    this.#shell.command({ kind: 'configuration-complete' });
  }

  async listening({ signal }: Waiting = {}): Promise<Listening> {
    return (await this.#listening.next(signal)) ?? { kind: 'aborted' };
  }

  addPeer(options: PeerOptions): Peer {
    const config = peerConfig(options);
    const policies = peerPolicies(options);
    this.#mustSecure(options);
    const { key } = config;
    const peer = new LibraryPeer(config.address, {
      live: () => this.#shell.peerStatus(key),
      remove: () => this.#remove(key),
      clear: (how, message) => this.#shell.command({ kind: 'clear-peer', key, how, message }),
      administer: (administrativeState, administrativeMessage) =>
        this.#shell.setPeer({ ...config, administrativeState, administrativeMessage }, policies),
    });
    this.#peers.get(config.key)?.removed();
    this.#peers.set(config.key, peer);
    this.#shell.setPeer(config, policies);
    return peer;
  }

  addPeerRange(options: PeerRangeOptions): PeerRange {
    const range = peerRangeConfig(options);
    this.#mustSecure(options);
    this.#shell.setPeerRange(range, peerPolicies(options));
    return {
      prefix: range.prefix,
      peers: () => this.peers().filter(({ dynamicFrom }) => dynamicFrom === range.key),
      remove: () => this.#shell.command({ kind: 'remove-peer-range', key: range.key }),
    };
  }

  announce(prefix: string, options: AnnounceOptions = {}): void {
    this.#shell.command({ kind: 'originate', routes: [originatedRoute(prefix, options)] });
  }

  withdraw(prefix: string): void {
    this.#shell.command({ kind: 'withdraw', prefixes: [prefixOption('prefix', prefix)] });
  }

  async *bestRoutes(options: Waiting & { readonly family?: Family } = {}): AsyncGenerator<BestRoutes> {
    const family = options.family ?? 'ipv4-unicast';
    const batches = new Signalled<BestRoutes>();
    this.#batches.get(family)?.end();
    this.#batches.set(family, batches);
    for (let sequence = 0; !this.#closed; ) {
      batches.forget();
      this.#shell.command({ kind: 'pull-best-routes', family, sequence });
      const batch = await batches.next(options.signal);
      if (batch === undefined) return;
      sequence = batch.columns.sequence;
      yield batch;
    }
  }

  peers(): readonly PeerStatus[] {
    return this.#shell.peerStatuses();
  }

  routes(query: Parameters<Speaker['routes']>[0]): ReturnType<Speaker['routes']> {
    return this.#shell.rib.routes({
      table: query.table ?? { kind: 'best' },
      family: query.family ?? 'ipv4-unicast',
      prefix: query.prefix === undefined ? undefined : prefixOption('prefix', query.prefix),
      after: query.after === undefined ? undefined : prefixOption('after', query.after),
      limit: numberOption('limit', query.limit ?? 1000, 1, 1000),
    });
  }

  setBfdState(address: string, state: BfdState): void {
    const canonical = addressOption('address', address);
    this.#shell.command({ kind: 'bfd-status', address: canonical, state });
  }

  setNextHopStatus(nextHops: readonly NextHopStatus[]): void {
    this.#shell.command({ kind: 'next-hop-status', nextHops });
  }

  dumpTable(): Generator<Uint8Array> {
    const { rib, speaker } = this.#shell;
    return dumpTable(rib, speaker, this.#shell.unixMs(), DUMP_STRETCH);
  }

  recordSessions(take: (records: Uint8Array) => void): () => void {
    this.#recorded = take;
    this.#shell.command({ kind: 'record-sessions', on: true });
    return () => {
      if (this.#recorded !== take) return;
      this.#shell.command({ kind: 'record-sessions', on: false });
      this.#recorded = undefined;
    };
  }

  async close({ message = '' }: { readonly message?: string } = {}): Promise<void> {
    this.#closed = true;
    this.#shell.command({ kind: 'close', goodbye: 'cease', message });
    for (const peer of this.#peers.values()) peer.removed();
    for (const batches of this.#batches.values()) batches.end();
    this.#listening.end();
  }

  /** @throws OptionError for what the transport cannot do: nobody is let in unsigned who should have signed */
  #mustSecure({ password, ttlSecurityHops }: Pick<PeerOptions, 'password' | 'ttlSecurityHops'>): void {
    if (this.#shell.transport.secures) return;
    const allowed =
      'possible with this transport: it takes one with the socket options of the operating system';
    if (password !== undefined) throw new OptionError('password', '(not shown)', allowed);
    if (ttlSecurityHops !== undefined) throw new OptionError('ttlSecurityHops', ttlSecurityHops, allowed);
  }

  #remove(key: string): void {
    this.#shell.command({ kind: 'remove-peer', key });
    this.#peers.get(key)?.removed();
    this.#peers.delete(key);
  }

  #onEvent(event: SpeakerEvent, log: Surroundings['log']): void {
    switch (event.kind) {
      case 'ready':
        this.#listening.set({ kind: 'listening', endpoints: event.listening });
        return;
      case 'mrt-records':
        this.#recorded?.(event.records);
        return;
      case 'listen-failed':
        this.#listening.set({ kind: 'failed', error: event.error });
        return;
      case 'peer-status':
        this.#peers.get(event.peer.key)?.changed(event.peer);
        return;
      case 'best-routes':
        this.#batches.get(event.batch.family)?.set(new BestRoutes(event.batch));
        return;
      case 'log':
        log?.(event);
        return;
      case 'peer-removed':
      case 'watch-next-hops':
      case 'rib-in-sync':
      case 'answer':
      case 'bmp-stations':
      case 'closed':
        return;
    }
  }
}

type ClearPeer = Extract<SpeakerCommand, { kind: 'clear-peer' }>;

/** What a peer asks of the speaker it belongs to. */
interface PeerControl {
  live(): PeerStatus | undefined;
  remove(): void;
  clear(how: ClearPeer['how'], message: string): void;
  administer(state: 'up' | 'down', message: string): void;
}

class LibraryPeer implements Peer {
  readonly address: string;
  readonly #control: PeerControl;
  #last: PeerStatus | undefined;
  #waiters: Signalled<PeerStatus>[] = [];
  #removed = false;

  constructor(address: string, control: PeerControl) {
    this.address = address;
    this.#control = control;
  }

  status(): PeerStatus {
    return this.#control.live() ?? this.#last!;
  }

  remove(): void {
    this.#control.remove();
  }

  clear(how: ClearPeer['how'], message = ''): void {
    if (!this.#removed) this.#control.clear(how, message);
  }

  shutdown(message = ''): void {
    if (!this.#removed) this.#control.administer('down', message);
  }

  enable(): void {
    if (!this.#removed) this.#control.administer('up', '');
  }

  async established({ signal }: Waiting = {}): Promise<EstablishedOutcome> {
    for await (const status of this.changes(signal === undefined ? {} : { signal })) {
      if (status.state === 'Established') return { kind: 'established', status };
    }
    return this.#removed ? { kind: 'removed' } : { kind: 'aborted', info: this.status().info };
  }

  async *changes({ signal }: Waiting = {}): AsyncGenerator<PeerStatus> {
    const changes = new Signalled<PeerStatus>();
    if (this.#removed) return;
    this.#waiters.push(changes);
    try {
      changes.set(this.status());
      for (;;) {
        const status = await changes.next(signal);
        if (status === undefined) return;
        changes.forget();
        yield status;
      }
    } finally {
      this.#waiters = this.#waiters.filter(waiter => waiter !== changes);
    }
  }

  changed(status: PeerStatus): void {
    this.#last = status;
    for (const waiter of this.#waiters) waiter.set(status);
  }

  removed(): void {
    this.#removed = true;
    for (const waiter of this.#waiters) waiter.end();
  }
}
