/**
 * SHELL: the speaker. Commands in, events out (`contract.ts`); between them the peers, the RIB and the listeners. The same class runs
 * in the agent's worker, in the main thread, and under a fake clock over a network in memory.
 */

import { assertNever } from '../../core/assert-never.js';
import type { Clock } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import { FAMILIES, type Family } from '../family.js';
import type { Rib } from '../rib/contract.js';
import { describeOveruse } from '../rib/memory.js';
import { createRib } from '../rib/rib.js';
import { Admission, type AdmissionOwner } from './admission.js';
import { BestRoutePull } from './best-route-pull.js';
import type {
  BfdState,
  PeerConfig,
  PeerRangeConfig,
  PeerStatus,
  SpeakerAnswer,
  SpeakerCommand,
  SpeakerConfig,
  SpeakerEvent,
  SpeakerQuery,
} from './contract.js';
import { FlushScheduler } from './flush-scheduler.js';
import { Listeners } from './listeners.js';
import { type MonitoredSpeaker, Monitors } from './monitors.js';
import { OwnAddresses } from './own-addresses.js';
import { Peer, type PeerOwner } from './peer.js';
import { needsReset } from './peer-change.js';
import { PeerDirectory } from './peer-directory.js';
import type { PeerPolicies } from './required-policies.js';
import type { SessionObserver } from './session-observer.js';
import { StartupSync } from './startup-sync.js';
import type { Connection, Transport } from './transport.js';

export interface SpeakerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** 0 to 1, as `Math.random`. */
  readonly random: () => number;
  /** The time of day, milliseconds since the Unix epoch. */
  readonly unixMs: () => number;
  readonly onEvent: (event: SpeakerEvent) => void;
}

export class Speaker implements PeerOwner, AdmissionOwner, MonitoredSpeaker {
  readonly #options: SpeakerOptions;
  readonly #peers = new PeerDirectory<Peer>();
  readonly #admission: Admission;
  readonly #own = new OwnAddresses();
  readonly #flushes: FlushScheduler;
  readonly #listeners: Listeners;
  readonly #pull: BestRoutePull;
  /** Whoever hears of it asks for the whole table, and must not find one that waits to be decided: told after the next flush. */
  readonly #inSyncUntold: SpeakerEvent[] = [];
  readonly #sync: StartupSync;
  /** By address, also of those that are no peers yet. */
  readonly #bfd = new Map<IpAddress, BfdState>();
  readonly #monitors = new Monitors(this);
  #config: SpeakerConfig | undefined;
  #rib: Rib | undefined;
  #closed = false;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.#flushes = new FlushScheduler(options.clock, () => this.#flush());
    this.#admission = new Admission(this);
    this.#listeners = new Listeners(options, connection => this.#admission.accepted(connection));
    this.#pull = new BestRoutePull(options.onEvent);
    this.#sync = new StartupSync({
      clock: options.clock,
      selectable: () => this.#admission.settled && this.#everyPeer(peer => !peer.awaited),
      told: () => this.#admission.settled && this.#everyPeer(peer => peer.told),
      selection: family => this.#select(family),
      inSync: (family, timedOut) => this.#inSync(family, timedOut),
    });
  }

  /** @throws Error if the first command is not `configure`: the owner's defect */
  command(command: SpeakerCommand): void {
    if (this.#closed) return;
    switch (command.kind) {
      case 'configure':
        this.#configure(command.config);
        return;
      case 'set-peer':
        this.setPeer(command.peer);
        return;
      case 'remove-peer':
        this.removePeer(command.key);
        return;
      case 'clear-peer':
        this.#peers.get(command.key)?.clear(command.how, command.message);
        return;
      case 'bfd-status':
        this.#bfdStatus(command.address, command.state);
        return;
      case 'set-peer-range':
        this.setPeerRange(command.range);
        return;
      case 'remove-peer-range':
        this.#admission.removeRange(command.key);
        return;
      case 'originate':
        this.rib.originate(command.routes);
        this.requestFlush();
        return;
      case 'withdraw':
        this.rib.withdrawOriginated(command.prefixes);
        this.requestFlush();
        return;
      case 'own-addresses':
        this.#own.tell(command.addresses);
        this.rib.setOwnAddresses(this.#own.all);
        this.requestFlush();
        return;
      case 'configuration-complete':
        this.#sync.begin(this.speaker);
        this.requestFlush();
        return;
      case 'next-hop-status':
        this.rib.setNextHopStatus(command.nextHops);
        this.requestFlush();
        return;
      case 'pull-best-routes':
        this.#pull.ask(command.family, command.sequence);
        this.#pull.answer(this.rib);
        return;
      case 'record-sessions':
        this.#monitors.record(command.on);
        return;
      case 'query':
        this.emit({ kind: 'answer', id: command.id, answer: this.#answer(command.query) });
        return;
      case 'close':
        this.#close(command.goodbye, command.message);
        return;
      default:
        assertNever(command);
    }
  }

  /** Adds or changes a peer; `policies` replace those of its configuration (functions, in the library). */
  setPeer(config: PeerConfig, policies?: PeerPolicies): void {
    this.#admission.peerSet(config);
    const peer = this.#peers.get(config.key);
    if (peer === undefined) this.#add(new Peer(this, config, policies));
    else this.changePeer(peer, config, policies);
  }

  /** Adds or changes a range of dynamic peers; `policies` as with {@link setPeer}. */
  setPeerRange(range: PeerRangeConfig, policies?: PeerPolicies): void {
    this.#admission.setRange(range, policies);
  }

  /** As they are now, in the order in which they came. */
  peerStatuses(): readonly PeerStatus[] {
    return [...this.#peers.values()].map(peer => peer.status());
  }

  /** As it is now; undefined if there is no such peer. */
  peerStatus(key: string): PeerStatus | undefined {
    return this.#peers.get(key)?.status();
  }

  // ---------------------------------------------------------------- for those who may connect

  get peers(): PeerDirectory<Peer> {
    return this.#peers;
  }

  changePeer(peer: Peer, config: PeerConfig, policies: PeerPolicies | undefined): void {
    const before = peer.config;
    peer.reconfigure(config, policies, needsReset(before, config));
    if (before.address !== config.address) this.#peers.readdressed();
  }

  addDynamic(config: PeerConfig, range: string, policies: PeerPolicies | undefined): Peer {
    const peer = new Peer(this, config, policies);
    peer.dynamicFrom = range;
    this.#add(peer);
    return peer;
  }

  removePeer(key: string): void {
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    this.#peers.delete(key);
    this.#admission.peerRemoved(key);
    peer.remove();
    if (this.#own.forget(key)) this.rib.setOwnAddresses(this.#own.all);
    this.emit({ kind: 'peer-removed', key });
    this.syncChanged();
  }

  // ---------------------------------------------------------------- for the peers

  get clock(): Clock {
    return this.#options.clock;
  }

  get transport(): Transport {
    return this.#options.transport;
  }

  get rib(): Rib {
    if (this.#rib === undefined) throw new Error('the first command must be "configure"');
    return this.#rib;
  }

  get speaker(): SpeakerConfig {
    if (this.#config === undefined) throw new Error('the first command must be "configure"');
    return this.#config;
  }

  random(): number {
    return this.#options.random();
  }

  unixMs(): number {
    return this.#options.unixMs();
  }

  restarting(): boolean {
    return this.speaker.restarting && this.#sync.deferring;
  }

  mayEndRib(family: Family): boolean {
    return this.#sync.begun && !(this.speaker.restarting && this.#sync.defers(family));
  }

  bfdState(address: IpAddress): BfdState {
    return this.#bfd.get(address) ?? 'unknown';
  }

  requestFlush(): void {
    this.#flushes.request();
  }

  checkLimits(): void {
    const overuse = this.rib.overuse(this.speaker.limits);
    if (overuse !== undefined) this.#peers.get(overuse.key)?.outOfResources(describeOveruse(overuse));
  }

  statusChanged(peer: Peer): void {
    if (this.#peers.get(peer.config.key) !== peer) return;
    this.#admission.statusChanged(peer);
    this.emit({ kind: 'peer-status', peer: peer.status() });
  }

  speaksFrom(peer: Peer, address: IpAddress): void {
    if (this.#own.ofSession(peer.config.key, address)) this.rib.setOwnAddresses(this.#own.all);
  }

  get observer(): SessionObserver | undefined {
    return this.#monitors.observer;
  }

  syncChanged(): void {
    this.#sync.check();
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, peer: Peer, detail: string): void {
    const { key, address } = peer.config;
    this.emit({ kind: 'log', level, message, fields: { peer: key, address, ...(detail && { detail }) } });
  }

  // ---------------------------------------------------------------- for those who listen in

  *establishedPeers(): Generator<{ readonly peer: Peer; readonly connection: Connection }> {
    for (const peer of this.#peers.values()) {
      const { connection } = peer.main;
      if (peer.negotiated !== undefined && connection !== undefined) yield { peer, connection };
    }
  }

  treatedAsWithdraw(key: string): number {
    return this.#peers.get(key)?.record.counters.treatedAsWithdraw ?? 0;
  }

  emit(event: SpeakerEvent): void {
    this.#options.onEvent(event);
  }

  #configure(config: SpeakerConfig): void {
    const first = this.#rib === undefined;
    this.#config = config;
    if (first) {
      this.#rib = createRib({ asn: config.asn, routerId: config.routerId, clusterId: config.clusterId });
      for (const family of FAMILIES) this.rib.holdSelection(family, config.restarting);
    } else {
      this.rib.setClusterId(config.clusterId ?? config.routerId);
      this.requestFlush();
    }
    this.#listeners.set(config.listen);
    this.#monitors.setStations(config.bmpStations);
  }

  #bfdStatus(address: IpAddress, state: BfdState): void {
    const before = this.bfdState(address);
    if (before === state) return;
    if (state === 'unknown') this.#bfd.delete(address);
    else this.#bfd.set(address, state);
    for (const peer of this.#peers.at(address)) peer.bfdChanged(before, state);
  }

  #add(peer: Peer): void {
    this.#peers.add(peer);
    peer.start();
    this.statusChanged(peer);
  }

  /** Returns how many writes it made. */
  #flush(): number {
    if (this.#closed) return 0;
    const { rib } = this;
    rib.flush();
    let writes = 0;
    for (const peer of this.#peers.values()) writes += peer.pump();
    this.#pull.answer(rib);
    const nextHops = rib.takeWatchedNextHops();
    if (nextHops !== undefined) this.emit({ kind: 'watch-next-hops', nextHops });
    for (const event of this.#inSyncUntold.splice(0)) this.emit(event);
    return writes;
  }

  #everyPeer(holds: (peer: Peer) => boolean): boolean {
    for (const peer of this.#peers.values()) if (!holds(peer)) return false;
    return true;
  }

  #select(family: Family): void {
    this.rib.holdSelection(family, false);
    this.requestFlush();
  }

  #inSync(family: Family, timedOut: boolean): void {
    this.#inSyncUntold.push({ kind: 'rib-in-sync', family, timedOut });
    this.requestFlush();
  }

  #answer(query: SpeakerQuery): SpeakerAnswer {
    switch (query.kind) {
      case 'peers':
        return { kind: 'peers', peers: this.peerStatuses() };
      case 'dependence': {
        const going = { ending: new Set(query.ending), relays: new Set(query.relays) };
        return { kind: 'dependence', dependence: this.rib.dependence(going) };
      }
      case 'routes': {
        const { table } = query;
        if ('peer' in table && !this.#peers.has(table.peer)) {
          return { kind: 'error', message: `no peer ${table.peer}` };
        }
        return { kind: 'routes', ...this.rib.routes(query) };
      }
      case 'mrt-peers':
      case 'mrt-routes':
        return this.#monitors.answer(query);
    }
  }

  #close(goodbye: 'silent' | 'cease', message: string): void {
    this.#closed = true;
    this.#listeners.set([]);
    this.#admission.close();
    this.#sync.cancel();
    for (const peer of this.#peers.values()) peer.close(goodbye, message);
    this.#monitors.close(message);
    this.emit({ kind: 'closed' });
  }
}
