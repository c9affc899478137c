/**
 * SHELL: who may connect. A connection belongs to a configured peer of its source address, or may become a dynamic peer of the range that
 * holds it; all others are strangers.
 */
import type { Clock } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { PeerConfig, PeerRangeConfig, SpeakerConfig, SpeakerEvent } from './contract.js';
import { DynamicPeers, type DynamicPeersOwner } from './dynamic-peers.js';
import type { Peer } from './peer.js';
import type { PeerDirectory } from './peer-directory.js';
import { PeerGuards } from './peer-guards.js';
import type { PeerPolicies } from './required-policies.js';
import { StrangerLog } from './stranger-log.js';
import type { Connection, Transport } from './transport.js';

export interface AdmissionOwner {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly speaker: SpeakerConfig;
  readonly peers: PeerDirectory<Peer>;
  unixMs(): number;
  addDynamic(config: PeerConfig, range: string, policies: PeerPolicies | undefined): Peer;
  changePeer(peer: Peer, config: PeerConfig, policies: PeerPolicies | undefined): void;
  removePeer(key: string): void;
  syncChanged(): void;
  emit(event: SpeakerEvent): void;
}

export class Admission implements DynamicPeersOwner {
  readonly #owner: AdmissionOwner;
  readonly #guards: PeerGuards;
  readonly #dynamic: DynamicPeers;
  readonly #strangers = new StrangerLog();

  constructor(owner: AdmissionOwner) {
    this.#owner = owner;
    this.#guards = new PeerGuards({
      transport: owner.transport,
      guardFailed: (key, prefix, words) => this.#guardFailed(key, prefix, words),
    });
    this.#dynamic = new DynamicPeers(this);
  }

  // ---------------------------------------------------------------- for the speaker

  /** Every peer that may still come back after our restart has. */
  get settled(): boolean {
    return this.#dynamic.settled;
  }

  /** A configured peer, new or changed; before it begins. */
  peerSet(config: PeerConfig): void {
    this.#dynamic.giveWay(config.address);
    this.#guards.setPeer(config);
  }

  peerRemoved(key: string): void {
    this.#guards.removePeer(key);
    this.#dynamic.forget(key);
  }

  setRange(range: PeerRangeConfig, policies: PeerPolicies | undefined): void {
    this.#guards.setRange(range.key, range.prefix, range.template);
    this.#dynamic.setRange(range, policies);
  }

  removeRange(key: string): void {
    this.#dynamic.removeRange(key);
    this.#guards.removeRange(key);
  }

  statusChanged(peer: Peer): void {
    this.#dynamic.statusChanged(peer);
  }

  /** Among several peers of one address it is the first one's that has no session. */
  accepted(connection: Connection): void {
    const address = connection.remoteAddress;
    if (this.#guards.isUnsafe(address)) {
      this.#refuse(connection, 'connection refused', 'its password could not be set on the listener');
      return;
    }
    const all = this.#owner.peers.at(address);
    const peers = all.filter(({ config }) => config.administrativeState === 'up');
    const peer = peers.find(one => one.main.state.kind === 'Active') ?? peers[0];
    if (peer !== undefined) peer.accept(connection);
    else if (all.length > 0 || !this.#dynamic.accept(connection))
      this.#refuse(connection, 'connection from an address that is no peer refused', '');
  }

  close(): void {
    this.#dynamic.close();
    this.#guards.clear();
  }

  // ---------------------------------------------------------------- for dynamic peers

  get clock(): Clock {
    return this.#owner.clock;
  }

  get speaker(): SpeakerConfig {
    return this.#owner.speaker;
  }

  unixMs(): number {
    return this.#owner.unixMs();
  }

  hasPeerAt(address: IpAddress): boolean {
    return this.#owner.peers.at(address).length > 0;
  }

  addPeer(...peer: Parameters<AdmissionOwner['addDynamic']>): Peer {
    return this.#owner.addDynamic(...peer);
  }

  changePeer(...change: Parameters<AdmissionOwner['changePeer']>): void {
    this.#owner.changePeer(...change);
  }

  removePeer(key: string): void {
    this.#owner.removePeer(key);
  }

  refused(address: IpAddress, message: string, detail: string): void {
    if (!this.#strangers.isNews(address, this.clock.now())) return;
    const level = detail === '' ? 'info' : 'warn';
    this.#owner.emit({ kind: 'log', level, message, fields: { address, ...(detail && { detail }) } });
  }

  syncChanged(): void {
    this.#owner.syncChanged();
  }

  // ---------------------------------------------------------------- within

  #refuse(connection: Connection, message: string, detail: string): void {
    connection.destroy();
    this.refused(connection.remoteAddress, message, detail);
  }

  #guardFailed(key: string, prefix: Prefix, words: string): void {
    const message = 'what the peer must show could not be set on the listeners';
    this.#owner.emit({ kind: 'log', level: 'error', message, fields: { peer: key, prefix, detail: words } });
  }
}
