/**
 * SHELL: one configured peer. Owns its session, a second one while a collision is undecided, and its place in the RIB.
 */
import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import { type Cause, describeCause, keepsRoutes } from '../fsm/cause.js';
import { resolveCollision } from '../fsm/collision.js';
import { type Negotiated, negotiate, remoteAsnOf } from '../fsm/negotiate.js';
import type { FsmConfig, MessageError } from '../fsm/session-state.js';
import { CeaseError } from '../iana.js';
import type { PeerIndex, Rib, RibPeer, UpdateOutcome } from '../rib/contract.js';
import { familyNumbers, familyOfNumbers } from '../wire/capabilities.js';
import { BgpMessageError } from '../wire/message-error.js';
import type { Notification } from '../wire/notification.js';
import type { Open } from '../wire/open.js';
import type { RouteRefresh } from '../wire/route-refresh.js';
import { encodeEndOfRib } from '../wire/update.js';
import type { PeerConfig, PeerStatus, SpeakerConfig } from './contract.js';
import { localOpen } from './open-message.js';
import { describePeer, notificationStatus, type PeerRecord } from './peer-status.js';
import { Session, type SessionOwner } from './session.js';
import { StaleRoutes } from './stale-routes.js';
import { Timers } from './timers.js';
import type { Connection, DialTarget, Transport } from './transport.js';

/** What a peer asks of the speaker it belongs to. */
export interface PeerOwner {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly rib: Rib;
  readonly speaker: SpeakerConfig;
  /** 0 to 1. */
  random(): number;
  unixMs(): number;
  /** The Restart State bit still stands (RFC 4724 section 4.1). */
  restarting(): boolean;
  /** Every peer and own route has been told and selection is not deferred: the RIB's output is the whole truth. */
  mayEndRib(family: Family): boolean;
  requestFlush(): void;
  statusChanged(peer: Peer): void;
  /** End-of-RIB came, or will not; the speaker judges whether it is in sync now. */
  syncChanged(): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, peer: Peer, detail: string): void;
}

export interface PeerPolicies {
  readonly importPolicy: RibPeer['importPolicy'];
  readonly exportPolicy: RibPeer['exportPolicy'];
}

interface KnownFsmConfig {
  readonly config: PeerConfig;
  readonly speaker: SpeakerConfig;
  readonly restarting: boolean;
  readonly value: FsmConfig;
}

/** A peer without graceful restart sends no End-of-RIB; after this long it is taken as having told everything. */
const IMPLIED_END_OF_RIB_SECONDS = 5;

export class Peer implements SessionOwner {
  config: PeerConfig;
  readonly record: PeerRecord;
  readonly #owner: PeerOwner;
  #policies: PeerPolicies;
  #main: Session;
  #incoming: Session | undefined;
  /** Its place in the RIB while Established. */
  #index: PeerIndex | undefined;
  #fsmConfig: KnownFsmConfig | undefined;
  readonly #stale: StaleRoutes;
  readonly #timers: Timers<'implied-end-of-rib'>;

  constructor(owner: PeerOwner, config: PeerConfig, policies: PeerPolicies | undefined) {
    this.#owner = owner;
    this.config = config;
    this.#policies = policies ?? config;
    this.record = {
      sinceUnixMs: owner.unixMs(),
      info: '',
      counters: {
        established: 0,
        messagesReceived: 0,
        messagesSent: 0,
        updatesReceived: 0,
        updatesSent: 0,
        bytesReceived: 0,
        bytesSent: 0,
        treatedAsWithdraw: 0,
        attributesDiscarded: 0,
      },
      endOfRibReceived: new Set(),
      endOfRibSent: new Set(),
    };
    this.#main = this.#newSession();
    this.#stale = new StaleRoutes(owner, config.key, {
      flushed: (count, why) => {
        if (count > 0) owner.log('warn', `${count} stale routes removed`, this, why);
        owner.requestFlush();
        owner.statusChanged(this);
      },
    });
    this.#timers = new Timers(owner.clock, () => {
      for (const family of this.config.families) this.#endOfRib(family);
    });
  }

  // ---------------------------------------------------------------- for the speaker

  /** As helper of a graceful restart: when its stale routes go, milliseconds since the Unix epoch. */
  get staleDeadlineUnixMs(): number | undefined {
    return this.#stale.deadlineUnixMs;
  }

  get main(): Session {
    return this.#main;
  }

  /** Undefined unless Established. */
  get negotiated(): Negotiated | undefined {
    return this.#main.state.kind === 'Established' ? this.#main.state.negotiated : undefined;
  }

  start(): void {
    if (this.config.administrativeState === 'up') this.#main.handle({ kind: 'automatic-start' });
    else this.record.info = 'administratively down';
  }

  status(): PeerStatus {
    return describePeer(this, this.#owner.speaker, this.#owner.rib.counts(this.config.key));
  }

  /** A change that the session need not know of, or a reset with Cease 6 (RFC 4486). */
  reconfigure(config: PeerConfig, policies: PeerPolicies | undefined, reset: boolean): void {
    this.config = config;
    this.#policies = policies ?? config;
    if (reset) {
      this.#end(CeaseError.otherConfigurationChange, 'its configuration changed');
      this.#main.abandon();
      this.record.info = '';
      this.start();
      this.#owner.statusChanged(this);
    } else if (this.#index !== undefined) {
      this.#owner.rib.setPolicies(this.#index, this.#policies.importPolicy, this.#policies.exportPolicy);
      this.#owner.requestFlush();
    }
  }

  /** For good: Cease, and its routes go. */
  remove(): void {
    this.#end(CeaseError.peerDeconfigured, 'peer removed');
    this.#main.abandon();
    this.#timers.clearAll();
    this.#stale.flush('peer removed');
  }

  /** The end of this process. Silent where the peer keeps our routes over it. */
  close(goodbye: 'silent' | 'cease', message: string): void {
    const silent = goodbye === 'silent' && this.negotiated?.gracefulRestart !== undefined;
    if (silent) this.#main.abandon();
    else this.#main.handle({ kind: 'manual-stop', message });
    this.#incoming?.abandon();
    this.#timers.clearAll();
    this.#stale.forget();
  }

  /** A connection from the peer's address. */
  accept(connection: Connection): void {
    const { state } = this.#main;
    if (state.kind === 'Idle') {
      connection.destroy();
      return;
    }
    if (state.kind === 'Active' && this.#main.connection === undefined) {
      this.#main.accept(connection);
      return;
    }
    // The peer dials once at a time: an older attempt that has not come to anything is dead.
    this.#incoming?.abandon();
    this.#incoming = this.#newSession();
    this.#incoming.state = {
      kind: 'Active',
      connectRetryCounter: state.connectRetryCounter,
      delayingOpen: false,
    };
    this.#incoming.accept(connection);
  }

  /** Hands the socket what the RIB has packed, as long as it takes it. Hot path. */
  pump(): void {
    const index = this.#index;
    if (index === undefined || this.#main.connection === undefined) return;
    const { rib } = this.#owner;
    for (;;) {
      const chunk = rib.takeOutput(index);
      if (chunk === undefined) break;
      const messages = countMessages(chunk);
      this.record.counters.updatesSent += messages;
      if (!this.#main.write(chunk, messages)) return;
    }
    this.#sendEndOfRib(index);
  }

  /** Whether everything the peer had to tell us at start-up has been told (RFC 4724 section 4.1). */
  get told(): boolean {
    if (this.config.administrativeState === 'down') return true;
    const negotiated = this.negotiated;
    if (negotiated === undefined) return false;
    // A peer that restarts as well waits for us.
    if (negotiated.gracefulRestart?.restarting === true) return true;
    return negotiated.families.every(family => this.record.endOfRibReceived.has(family));
  }

  // ---------------------------------------------------------------- for its sessions

  get clock(): Clock {
    return this.#owner.clock;
  }

  get transport(): Transport {
    return this.#owner.transport;
  }

  jitter(): number {
    return 0.75 + 0.25 * this.#owner.random();
  }

  dialTarget(): DialTarget {
    const { address, port, localAddress, ttl } = this.config;
    return { address, port, localAddress, ttl };
  }

  /** Asked for with every event: made anew only when what it says has changed. */
  fsmConfig(): FsmConfig {
    const { config } = this;
    const { speaker } = this.#owner;
    const restarting = this.#owner.restarting();
    const known = this.#fsmConfig;
    if (known?.config === config && known.speaker === speaker && known.restarting === restarting)
      return known.value;
    const { passive, connectRetrySeconds, idleHoldMaxSeconds, delayOpenSeconds } = config;
    const local = localOpen(speaker, config, restarting);
    const value = { passive, connectRetrySeconds, idleHoldMaxSeconds, delayOpenSeconds, local };
    this.#fsmConfig = { config, speaker, restarting, value };
    return value;
  }

  openReceived(session: Session, open: Open): void {
    const other = session === this.#main ? this.#incoming : this.#main;
    const { local } = this.fsmConfig();
    // One that is to be refused anyway must not cost the other connection.
    if (other !== undefined && negotiate(local, open).kind === 'agreed') {
      const outcome = resolveCollision({
        initiatedBy: session.initiatedBy,
        other: other.state,
        otherInitiatedBy: other.initiatedBy,
        localRouterId: this.#owner.speaker.routerId,
        localAsn: local.asn,
        remoteRouterId: open.routerId,
        remoteAsn: remoteAsnOf(open),
      });
      if (outcome === 'close-this') {
        session.handle({ kind: 'open-collision-dump' });
        this.#keepOne(other);
        return;
      }
      if (outcome === 'peer-restarted') other.handle({ kind: 'peer-restarted' });
      else other.handle({ kind: 'open-collision-dump' });
      this.#keepOne(session);
    }
    session.handle({ kind: 'open-received', open });
  }

  updateReceived(
    _session: Session,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): BgpMessageError | undefined {
    const outcome = this.#owner.rib.receiveUpdate(this.#index!, buffer, start, end);
    return outcome.kind === 'ok' ? undefined : this.#unusual(outcome);
  }

  updatesEnded(): void {
    this.#owner.requestFlush();
  }

  routeRefreshReceived(_session: Session, refresh: RouteRefresh): void {
    const family = familyOfNumbers(refresh.afi, refresh.safi);
    // RFC 2918 section 4: for a family that was not negotiated it is ignored; so are the subtypes of RFC 7313.
    if (family === undefined || refresh.subtype !== 0 || this.#index === undefined) return;
    this.#owner.rib.refresh(this.#index, family);
    this.#owner.requestFlush();
  }

  up(session: Session, negotiated: Negotiated): void {
    this.#keepOne(session);
    const { record } = this;
    record.counters.established++;
    record.endOfRibReceived.clear();
    record.endOfRibSent.clear();
    // RFC 4724 section 4.2: without the F bit in the new OPEN the peer has lost what it forwarded by.
    this.#stale.keepOnly(negotiated.gracefulRestart?.forwarding ?? []);
    this.#index = this.#owner.rib.peerUp(this.#ribPeer(session, negotiated));
    if (negotiated.gracefulRestart === undefined)
      this.#timers.set('implied-end-of-rib', IMPLIED_END_OF_RIB_SECONDS);
    else this.#stale.extend(this.#owner.speaker.gracefulRestart?.staleTimeSeconds ?? 0);
    this.#owner.requestFlush();
  }

  down(_session: Session, cause: Cause): void {
    const { rib } = this.#owner;
    const state = this.#previous;
    const index = this.#index;
    this.#index = undefined;
    this.#previous = undefined;
    this.#timers.clear('implied-end-of-rib');
    if (index === undefined) return;
    const restart = state?.gracefulRestart;
    if (restart !== undefined && keepsRoutes(cause)) {
      const families = restart.families.filter(family => state?.families.includes(family));
      rib.peerDown(index, { keepStale: families });
      this.#stale.keep(families, restart.restartTimeSeconds);
    } else {
      this.#stale.forget();
      rib.peerDown(index, 'flush');
    }
    this.#owner.requestFlush();
  }

  changed(session: Session, cause: Cause | undefined): void {
    if (session === this.#incoming) {
      if (session.state.kind === 'Idle' || session.connection === undefined) {
        session.abandon();
        this.#incoming = undefined;
      } else if (session.state.kind === 'OpenConfirm' && !isOpen(this.#main)) this.#keepOne(session);
      this.#owner.statusChanged(this);
      return;
    }
    if (session !== this.#main) return;
    this.record.sinceUnixMs = this.#owner.unixMs();
    if (session.state.kind === 'Established') {
      this.record.info = '';
      this.#owner.log('info', 'session established', this, '');
    } else if (cause !== undefined) {
      this.record.info = describeCause(cause);
      const failed = session.state.kind === 'Idle' && cause.kind !== 'collision';
      this.#owner.log(failed ? 'warn' : 'debug', 'session down', this, this.record.info);
    }
    if (session.state.kind === 'Idle' && this.#incoming !== undefined) this.#keepOne(this.#incoming);
    this.#owner.statusChanged(this);
    this.#owner.syncChanged();
  }

  notificationSent(notification: MessageError): void {
    this.record.lastNotificationSent = notificationStatus(
      notification,
      notification.detail,
      this.#owner.unixMs(),
    );
  }

  notificationReceived(notification: Notification): void {
    this.record.lastNotificationReceived = notificationStatus(notification, '', this.#owner.unixMs());
  }

  fault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#owner.log('error', 'internal error', this, text);
  }

  drained(session: Session): void {
    if (session === this.#main) this.pump();
  }

  // ---------------------------------------------------------------- within

  /** What was negotiated in the session that `down` is about to speak of. */
  #previous: Negotiated | undefined;

  #newSession(): Session {
    return new Session(this, this.record.counters);
  }

  /** The other session, if any, is over; `session` is the peer's own from now on. */
  #keepOne(session: Session): void {
    const loser = session === this.#main ? this.#incoming : this.#main;
    this.#main = session;
    this.#incoming = undefined;
    loser?.abandon();
    this.record.sinceUnixMs = this.#owner.unixMs();
  }

  #ribPeer(session: Session, negotiated: Negotiated): RibPeer {
    const { config } = this;
    this.#previous = negotiated;
    return {
      key: config.key,
      asn: config.asn,
      localAsn: config.localAsn ?? this.#owner.speaker.asn,
      remoteRouterId: negotiated.remoteRouterId,
      address: config.address,
      localAddress: session.connection!.localAddress,
      families: negotiated.families,
      fourOctetAs: negotiated.fourOctetAs,
      nextHopMode: config.nextHopMode,
      sharedSubnets: config.sharedSubnets,
      importPolicy: this.#policies.importPolicy,
      exportPolicy: this.#policies.exportPolicy,
    };
  }

  #unusual(outcome: Exclude<UpdateOutcome, { kind: 'ok' }>): BgpMessageError | undefined {
    switch (outcome.kind) {
      case 'repaired':
        this.record.counters.treatedAsWithdraw += outcome.treatedAsWithdraw;
        this.record.counters.attributesDiscarded += outcome.attributesDiscarded;
        this.#owner.log('warn', 'malformed UPDATE repaired (RFC 7606)', this, outcome.detail);
        return undefined;
      case 'end-of-rib':
        this.#endOfRib(outcome.family);
        return undefined;
      case 'error':
        return new BgpMessageError(outcome.code, outcome.subcode, outcome.data, outcome.detail);
    }
  }

  #endOfRib(family: Family): void {
    this.record.endOfRibReceived.add(family);
    if (this.#stale.endOfRib(family)) this.#owner.requestFlush();
    this.#owner.syncChanged();
  }

  #sendEndOfRib(index: PeerIndex): void {
    const { endOfRibSent } = this.record;
    for (const family of this.negotiated?.families ?? []) {
      if (endOfRibSent.has(family) || !this.#owner.mayEndRib(family)) continue;
      if (!this.#owner.rib.initialTableSent(index, family)) continue;
      const { afi, safi } = familyNumbers(family);
      this.#main.write(encodeEndOfRib(afi, safi), 1);
      endOfRibSent.add(family);
    }
  }

  #end(subcode: number, detail: string): void {
    this.#incoming?.handle({ kind: 'automatic-stop', subcode, detail });
    this.#main.handle({ kind: 'automatic-stop', subcode, detail });
  }
}

function isOpen(session: Session): boolean {
  const { kind } = session.state;
  return kind === 'OpenSent' || kind === 'OpenConfirm' || kind === 'Established';
}

function countMessages(chunk: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < chunk.length; count++) at += (chunk[at + 16]! << 8) | chunk[at + 17]!;
  return count;
}
