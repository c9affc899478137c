/**
 * SHELL: peers that make themselves: a connection from inside a range becomes a peer when its OPEN has said which AS it is, and is one
 * until some time after its session. What such a peer is, `peer-ranges.ts` says.
 */
import type { Asn } from '../../core/asn.js';
import type { Clock, Timer } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import { remoteAsnOf } from '../fsm/negotiate.js';
import { CeaseError, ErrorCode, OpenError } from '../iana.js';
import { noData } from '../wire/message-error.js';
import type { Open } from '../wire/open.js';
import { connectionTerms } from './connection-terms.js';
import type { PeerConfig, PeerRangeConfig, SpeakerConfig } from './contract.js';
import { Greetings, refuse } from './greetings.js';
import type { Peer } from './peer.js';
import { admits, describeAsns, dynamicPeer, PeerRanges } from './peer-ranges.js';
import type { PeerPolicies } from './required-policies.js';
import type { Connection } from './transport.js';

export interface DynamicPeersOwner {
  readonly clock: Clock;
  readonly speaker: SpeakerConfig;
  unixMs(): number;
  hasPeerAt(address: IpAddress): boolean;
  addPeer(config: PeerConfig, range: string, policies: PeerPolicies | undefined): Peer;
  changePeer(peer: Peer, config: PeerConfig, policies: PeerPolicies | undefined): void;
  removePeer(key: string): void;
  /** To the peers of its address. */
  accepted(connection: Connection): void;
  /** Bounded by the owner: whoever can connect must not fill a disk. */
  refused(address: IpAddress, message: string, detail: string): void;
  syncChanged(): void;
}

interface Dynamic {
  readonly peer: Peer;
  range: PeerRangeConfig;
  removal: Timer | undefined;
}

/** After a restart nobody knows who will come back: this long without a new one says that all are there. */
const SETTLED_AFTER_MS = 20_000;

export class DynamicPeers {
  readonly #owner: DynamicPeersOwner;
  readonly #ranges = new PeerRanges();
  /** Functions of the library's user, by range. */
  readonly #policies = new Map<string, PeerPolicies>();
  readonly #peers = new Map<string, Dynamic>();
  readonly #counts = new Map<string, number>();
  readonly #greetings: Greetings;
  #settling: Timer | undefined;

  constructor(owner: DynamicPeersOwner) {
    this.#owner = owner;
    this.#greetings = new Greetings(owner.clock, {
      opened: (connection, open) => this.#opened(connection, open),
      failed: (address, detail) => owner.refused(address, 'connection came to nothing', detail),
    });
  }

  /** False while peers of whom nobody knows may still come back. */
  get settled(): boolean {
    return this.#settling === undefined;
  }

  /** Those it has are told, if they may stay. */
  setRange(range: PeerRangeConfig, policies: PeerPolicies | undefined): void {
    if (this.#ranges.size === 0) this.#settle();
    this.#ranges.set(range);
    if (policies === undefined) this.#policies.delete(range.key);
    else this.#policies.set(range.key, policies);
    for (const dynamic of [...this.#peers.values()]) this.#judgeAgain(dynamic);
  }

  removeRange(key: string): void {
    this.#ranges.delete(key);
    this.#policies.delete(key);
    for (const { peer, range } of [...this.#peers.values()])
      if (range.key === key) this.#owner.removePeer(peer.config.key);
  }

  /** A connection from where no peer is. False if it is in no range either. */
  accept(connection: Connection): boolean {
    const range = this.#ranges.of(connection.remoteAddress);
    if (range === undefined || range.template.administrativeState === 'down') return false;
    connection.apply(connectionTerms(range.template));
    this.#greetings.add(connection);
    return true;
  }

  /** A configured peer takes the address. */
  giveWay(address: IpAddress): void {
    for (const { peer } of [...this.#peers.values()])
      if (peer.config.address === address) this.#owner.removePeer(peer.config.key);
  }

  statusChanged(peer: Peer): void {
    const dynamic = this.#peers.get(peer.config.key);
    if (dynamic === undefined) return;
    if (peer.main.state.kind !== 'Established') {
      if (dynamic.removal === undefined) this.#removeAfter(dynamic, dynamic.range.idleRemovalSeconds * 1000);
      return;
    }
    dynamic.removal?.cancel();
    dynamic.removal = undefined;
  }

  /** It has been removed. */
  forget(key: string): void {
    const dynamic = this.#peers.get(key);
    if (dynamic === undefined) return;
    this.#peers.delete(key);
    dynamic.removal?.cancel();
    this.#count(dynamic.range, -1);
  }

  close(): void {
    this.#greetings.close();
    this.#settling?.cancel();
    for (const { removal } of this.#peers.values()) removal?.cancel();
  }

  #opened(connection: Connection, open: Open): void {
    const address = connection.remoteAddress;
    if (this.#owner.hasPeerAt(address)) {
      this.#owner.accepted(connection);
      return;
    }
    const range = this.#ranges.of(address);
    if (range === undefined) {
      connection.destroy();
      return;
    }
    const asn = remoteAsnOf(open);
    const ownAsn = this.#owner.speaker.asn;
    if (!admits(range, asn, ownAsn)) {
      refuse(connection, { code: ErrorCode.open, subcode: OpenError.badPeerAs, data: noData });
      const detail = `AS ${asn}; range ${range.key} takes ${describeAsns(range, ownAsn)}`;
      this.#owner.refused(address, 'dynamic peer refused', detail);
      return;
    }
    if (this.#size(range) >= range.limit) {
      refuse(connection, { code: ErrorCode.cease, subcode: CeaseError.connectionRejected, data: noData });
      const detail = `range ${range.key} has its ${range.limit} peers: raise its limit`;
      this.#owner.refused(address, 'dynamic peer refused', detail);
      return;
    }
    this.#add(range, dynamicPeer(range, address, asn as Asn)).accept(connection);
  }

  #add(range: PeerRangeConfig, config: PeerConfig): Peer {
    const peer = this.#owner.addPeer(config, range.key, this.#policies.get(range.key));
    this.#peers.set(config.key, { peer, range, removal: undefined });
    this.#count(range, 1);
    this.statusChanged(peer);
    if (!this.settled) this.#settle();
    return peer;
  }

  #judgeAgain(dynamic: Dynamic): void {
    const { peer, range: before } = dynamic;
    const { key, address, asn } = peer.config;
    const range = this.#ranges.of(address);
    if (range === undefined || !admits(range, asn, this.#owner.speaker.asn)) {
      this.#owner.removePeer(key);
      return;
    }
    if (range === before) return;
    this.#count(before, -1);
    this.#count(range, 1);
    dynamic.range = range;
    peer.dynamicFrom = range.key;
    this.#owner.changePeer(peer, dynamicPeer(range, address, asn), this.#policies.get(range.key));
  }

  #removeAfter(dynamic: Dynamic, milliseconds: number): void {
    const { peer } = dynamic;
    dynamic.removal = this.#owner.clock.schedule(milliseconds, () => {
      dynamic.removal = undefined;
      // Its stale routes end with it, long-lived ones as well.
      const deadlineUnixMs = peer.longLivedDeadlineUnixMs ?? peer.staleDeadlineUnixMs;
      if (deadlineUnixMs !== undefined)
        this.#removeAfter(dynamic, Math.max(1000, deadlineUnixMs - this.#owner.unixMs()));
      else if (peer.main.connection !== undefined) this.#removeAfter(dynamic, milliseconds);
      else this.#owner.removePeer(peer.config.key);
    });
  }

  /** Only a restarting speaker waits for anybody (RFC 4724 section 4.1). */
  #settle(): void {
    this.#settling?.cancel();
    if (!this.#owner.speaker.restarting) return;
    this.#settling = this.#owner.clock.schedule(SETTLED_AFTER_MS, () => {
      this.#settling = undefined;
      this.#owner.syncChanged();
    });
  }

  #size({ key }: PeerRangeConfig): number {
    return this.#counts.get(key) ?? 0;
  }

  #count({ key }: PeerRangeConfig, change: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
