/**
 * SHELL: one configured peer: its configuration, live changes of it, and what people are told of it. Its connections are
 * `session-pair.ts`, its routes `route-exchange.ts`.
 */

import type { Asn } from '../../core/asn.js';
import type { Clock } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import { type Cause, describeCause } from '../fsm/cause.js';
import type { Negotiated } from '../fsm/negotiate.js';
import type { FsmConfig, MessageError } from '../fsm/session-state.js';
import { CeaseError, ErrorCode } from '../iana.js';
import type { Rib, RibPeer, RibPolicies } from '../rib/contract.js';
import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../wire/framer.js';
import { type BgpMessageError, noData } from '../wire/message-error.js';
import { describeNotification, type Notification, shutdownCommunication } from '../wire/notification.js';
import type { Open } from '../wire/open.js';
import type { RouteRefresh } from '../wire/route-refresh.js';
import { connectionTerms, sameTerms } from './connection-terms.js';
import type { BfdState, PeerConfig, PeerState, PeerStatus, SpeakerConfig } from './contract.js';
import { noNextHopWords } from './next-hop-family.js';
import { localOpen, type OwnHistory } from './open-message.js';
import { describePeer, newPeerRecord, notificationStatus, type PeerRecord } from './peer-status.js';
import { PrefixLimits, type PrefixLimitsOwner } from './prefix-limits.js';
import { type HeldBack, heldBackOf, type PeerPolicies, requiredPolicies } from './required-policies.js';
import { RouteExchange, type RouteExchangeOwner } from './route-exchange.js';
import { Session, type SessionOwner } from './session.js';
import type { ObservedPeer, SessionObserver } from './session-observer.js';
import { SessionPair } from './session-pair.js';
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
  bfdState(address: IpAddress): BfdState;
  /** Every peer and own route has been told and selection is not deferred: the RIB's output is the whole truth. */
  mayEndRib(family: Family): boolean;
  requestFlush(): void;
  /** More has been told: what all peers together take of memory is judged. */
  checkLimits(): void;
  /** Undefined while nobody listens in. */
  readonly observer: SessionObserver | undefined;
  /** Our end of a session that is established. */
  speaksFrom(peer: Peer, address: IpAddress): void;
  statusChanged(peer: Peer): void;
  /** End-of-RIB came, or will not; the speaker judges whether it is in sync now. */
  syncChanged(): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, peer: Peer, detail: string): void;
}

interface KnownFsmConfig extends OwnHistory {
  readonly config: PeerConfig;
  readonly speaker: SpeakerConfig;
  readonly value: FsmConfig;
}

export class Peer implements SessionOwner, RouteExchangeOwner, PrefixLimitsOwner, ObservedPeer {
  config: PeerConfig;
  /** The key of the range that it came from; undefined for a configured one. */
  dynamicFrom: string | undefined;
  readonly record: PeerRecord;
  readonly #owner: PeerOwner;
  readonly #sessions: SessionPair;
  readonly #routes: RouteExchange;
  readonly #limits: PrefixLimits;
  #policies: PeerPolicies;
  #fsmConfig: KnownFsmConfig | undefined;
  /** As those who listen in know it. */
  #lastState: PeerState = 'Idle';
  /** Of prefixes without a next hop, in the log. */
  #lackSaid = '';

  /** @param policies instead of those of the configuration: functions, in the library */
  constructor(owner: PeerOwner, config: PeerConfig, policies: PeerPolicies | undefined) {
    this.#owner = owner;
    this.config = config;
    this.#policies = policies ?? config;
    this.record = newPeerRecord(owner.unixMs());
    this.#sessions = new SessionPair(() => new Session(this, this.record.counters));
    this.#routes = new RouteExchange(this, config.key);
    this.#limits = new PrefixLimits(this);
  }

  // ---------------------------------------------------------------- for the speaker

  get main(): Session {
    return this.#sessions.main;
  }

  /** Undefined unless Established. */
  get negotiated(): Negotiated | undefined {
    const { state } = this.main;
    return state.kind === 'Established' ? state.negotiated : undefined;
  }

  /** Undefined if the peer does not heed it. */
  get bfd(): BfdState | undefined {
    return this.config.bfd === undefined ? undefined : this.#owner.bfdState(this.config.address);
  }

  get localAsn(): Asn {
    return this.config.localAsn ?? this.#owner.speaker.asn;
  }

  get opens(): ObservedPeer['opens'] {
    const { openSent: sent, openReceived: received } = this.main;
    return sent === undefined || received === undefined ? undefined : { sent, received };
  }

  get finalNotification(): Notification | undefined {
    return this.main.finalNotification;
  }

  get staleDeadlineUnixMs(): number | undefined {
    return this.#routes.staleDeadlineUnixMs;
  }

  get longLivedDeadlineUnixMs(): number | undefined {
    return this.#routes.longLivedDeadlineUnixMs;
  }

  get prefixExcess(): string {
    return this.#limits.excess;
  }

  get withoutNextHop(): readonly Family[] {
    return this.#routes.withoutNextHop;
  }

  get heldBack(): HeldBack {
    return heldBackOf(this.config, this.#policies, this.#owner.speaker);
  }

  /** Whether everything the peer had to tell us at start-up has been told. */
  get told(): boolean {
    return this.config.administrativeState === 'down' || this.#routes.told;
  }

  /** Whether our route selection at start-up waits for it. */
  get awaited(): boolean {
    return this.config.administrativeState === 'up' && this.#routes.awaited;
  }

  start(): void {
    this.#limits.release();
    const { administrativeState, administrativeMessage } = this.config;
    if (administrativeState === 'down') this.record.info = administrativelyDown(administrativeMessage);
    else if (!this.#bfdAllows()) this.record.info = waitsForBfd(this.bfd);
    else this.main.handle({ kind: 'automatic-start' });
  }

  status(): PeerStatus {
    return describePeer(this, this.#owner.speaker, this.#owner.rib.counts(this.config.key), this.unixMs());
  }

  /** A change that the session need not know of, or a reset with Cease 6 (RFC 4486). */
  reconfigure(config: PeerConfig, policies: PeerPolicies | undefined, reset: boolean): void {
    const before = this.config;
    this.config = config;
    this.#policies = policies ?? config;
    if (config.administrativeState === 'down') {
      this.#shutDown(before);
      return;
    }
    if (!reset) {
      if (!sameTerms(connectionTerms(before), connectionTerms(config))) this.#sessions.renewTerms();
      if (before.keepaliveTimeSeconds !== config.keepaliveTimeSeconds) this.#sessions.keepaliveTimeChanged();
      if (before.bfd?.strict !== config.bfd?.strict) this.#heedBfd();
      this.#routes.setPolicies(this.#ribPolicies());
      if (this.#limits.stopped) this.restart();
      else this.#limits.check();
      return;
    }
    this.#sessions.stop(CeaseError.otherConfigurationChange, 'its configuration changed');
    this.main.abandon();
    this.#routes.setPolicies(this.#ribPolicies());
    this.record.info = '';
    this.start();
    this.#owner.statusChanged(this);
  }

  /** `clear-peer` of the speaker's contract. */
  clear(how: 'hard' | 'soft-in' | 'soft-out', message: string): void {
    if (how !== 'hard') {
      this.#routes.refresh(this.main, how);
      return;
    }
    if (this.config.administrativeState === 'down') return;
    const detail = message === '' ? 'reset by hand' : `reset by hand: ${message}`;
    this.#sessions.stop(CeaseError.administrativeReset, detail, message);
    this.main.abandon();
    this.start();
    this.#owner.statusChanged(this);
  }

  /** BFD says something else of its address than before. */
  bfdChanged(before: BfdState, now: BfdState): void {
    const { bfd } = this.config;
    if (bfd === undefined) return;
    if (now === 'down') this.#bfdDown(before, bfd.strict);
    if (bfd.strict && this.config.administrativeState === 'up') this.#heedBfd();
    this.#owner.statusChanged(this);
  }

  /** For good: Cease, and its routes go. */
  remove(): void {
    this.#sessions.stop(CeaseError.peerDeconfigured, 'peer removed');
    this.main.abandon();
    this.#limits.release();
    this.#routes.flushStale('peer removed');
    this.#routes.close();
  }

  /** The end of this process. Silent where the peer keeps our routes over it. */
  close(goodbye: 'silent' | 'cease', message: string): void {
    const silent = goodbye === 'silent' && this.negotiated?.gracefulRestart !== undefined;
    if (silent) this.main.abandon();
    else this.main.handle({ kind: 'manual-stop', message });
    this.#sessions.abandonSecond();
    this.#limits.release();
    this.#routes.close();
  }

  /** A connection from the peer's address. */
  accept(connection: Connection): void {
    this.#sessions.accept(connection);
  }

  /** The RIB may have something for it. Hot path. */
  pump(): number {
    return this.#routes.pump(this.main);
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
    const { address, port, localAddress } = this.config;
    return { address, port, localAddress, ...connectionTerms(this.config) };
  }

  /** Asked for with every event: made anew only when what it says has changed. */
  fsmConfig(): FsmConfig {
    const { config } = this;
    const { speaker } = this.#owner;
    const history = {
      restarting: this.#owner.restarting(),
      hadSession: this.record.counters.established > 0,
    };
    const known = this.#fsmConfig;
    if (
      known?.config === config &&
      known.speaker === speaker &&
      known.restarting === history.restarting &&
      known.hadSession === history.hadSession
    )
      return known.value;
    const { passive, connectRetrySeconds, idleHoldMaxSeconds, delayOpenSeconds } = config;
    const { sendHoldTimeSeconds, holdExpiryKeeps } = config;
    const local = localOpen(speaker, config, history);
    const value = {
      passive,
      connectRetrySeconds,
      idleHoldMaxSeconds,
      delayOpenSeconds,
      sendHoldTimeSeconds,
      holdExpiryKeeps,
      local,
    };
    this.#fsmConfig = { config, speaker, ...history, value };
    return value;
  }

  get observed(): boolean {
    return this.#owner.observer !== undefined;
  }

  messageReceived({ connection }: Session, buffer: Uint8Array, start: number, end: number): void {
    if (connection !== undefined) this.#owner.observer?.messageReceived(this, connection, buffer, start, end);
  }

  openReceived(session: Session, open: Open): void {
    this.#sessions.openReceived(session, open, this.fsmConfig().local);
  }

  updatesReceived(buffer: Uint8Array, start: number, end: number): BgpMessageError | undefined {
    return this.#routes.updatesReceived(buffer, start, end);
  }

  updatesEnded(): void {
    this.#limits.check();
    this.#owner.checkLimits();
    this.requestFlush();
  }

  routeRefreshReceived(refresh: RouteRefresh): void {
    this.#routes.routeRefreshReceived(refresh);
  }

  up(session: Session, negotiated: Negotiated): void {
    this.#sessions.keep(session);
    this.record.counters.established++;
    this.record.capabilitiesSent = this.fsmConfig().local.open.capabilities;
    const staleTimeSeconds = this.#owner.speaker.gracefulRestart?.staleTimeSeconds ?? 0;
    this.#owner.speaksFrom(this, session.connection!.localAddress);
    this.#owner.observer?.up(this, session.connection!);
    this.#routes.up(this.#ribPeer(session, negotiated), negotiated, staleTimeSeconds);
  }

  down(cause: Cause): void {
    this.#owner.observer?.down(this, cause);
    const { holdExpiryKeeps, bfd } = this.config;
    this.#routes.down(cause, {
      holdExpiryKeeps,
      bfd: bfd === undefined ? undefined : { strict: bfd.strict, up: this.#bfdAllows() },
    });
  }

  changed(session: Session, cause: Cause | undefined): void {
    if (this.#sessions.secondChanged(session)) {
      this.#owner.statusChanged(this);
      return;
    }
    if (session !== this.main) return;
    this.record.sinceUnixMs = this.unixMs();
    this.#observe(session);
    if (session.state.kind === 'Established') {
      this.record.info = '';
      this.record.farewell = '';
      this.#log('info', 'session established', '');
    } else if (cause !== undefined) {
      this.record.info = describeCause(cause);
      const failed = session.state.kind === 'Idle' && cause.kind !== 'collision';
      this.#log(failed ? 'warn' : 'debug', 'session down', this.record.info);
    }
    if (session.state.kind === 'Idle') this.#sessions.succeed();
    this.#owner.statusChanged(this);
    this.#owner.syncChanged();
  }

  notificationSent(notification: MessageError): void {
    this.record.lastNotificationSent = notificationStatus(notification, notification.detail, this.unixMs());
  }

  notificationReceived(notification: Notification): void {
    this.record.lastNotificationReceived = notificationStatus(notification, '', this.unixMs());
    if (shutdownCommunication(notification) !== undefined) {
      this.record.farewell = describeNotification(notification);
    }
  }

  fault(error: unknown): void {
    this.#log(
      'error',
      'internal error',
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  drained(session: Session): void {
    if (session === this.main) this.pump();
  }

  // ---------------------------------------------------------------- for its routes

  get rib(): Rib {
    return this.#owner.rib;
  }

  unixMs(): number {
    return this.#owner.unixMs();
  }

  mayEndRib(family: Family): boolean {
    return this.#owner.mayEndRib(family);
  }

  requestFlush(): void {
    this.#owner.requestFlush();
  }

  syncChanged(): void {
    this.#owner.syncChanged();
  }

  staleRoutesChanged(count: number, what: string): void {
    if (count > 0) this.#log('warn', `${count} stale routes`, what);
    this.requestFlush();
    this.#owner.statusChanged(this);
  }

  refreshed(family: Family, removed: number, timedOut: boolean): void {
    const how = timedOut ? 'the peer did not end it in time' : '';
    this.#log(
      timedOut ? 'warn' : 'info',
      `route refresh of ${family}: ${removed} routes were not told again`,
      how,
    );
    this.requestFlush();
    this.#owner.statusChanged(this);
  }

  strange(detail: string): void {
    this.#log('warn', 'message ignored', detail);
  }

  repaired(detail: string): void {
    this.#log('warn', 'malformed UPDATE repaired (RFC 7606)', detail);
  }

  nextHopsLack(families: readonly Family[], localAddress: IpAddress): void {
    const words = noNextHopWords(families, localAddress);
    // Once, however often such routes come and go.
    if (words !== '' && words !== this.#lackSaid) this.#log('warn', 'prefixes are not told', words);
    if (words !== '') this.#lackSaid = words;
    this.#owner.statusChanged(this);
  }

  // ---------------------------------------------------------------- for its limits

  receivedPrefixes(family: Family): number {
    return this.#routes.receivedPrefixes(family);
  }

  warn(message: string, detail: string): void {
    this.#log('warn', message, detail);
  }

  /** Ends the session, and what would start it again. */
  stop(error: MessageError): void {
    this.#sessions.abandonSecond();
    this.main.handle({ kind: 'message-error', error });
    this.main.handle({ kind: 'automatic-stop', subcode: error.subcode, detail: error.detail });
  }

  restart(): void {
    this.start();
    this.#owner.statusChanged(this);
  }

  /** It takes more of our memory than anybody else, and there is not enough: its routes go, whatever was agreed. */
  outOfResources(detail: string): void {
    const error = { code: ErrorCode.cease, subcode: CeaseError.outOfResources, data: noData, detail };
    this.main.handle({ kind: 'message-error', error });
    this.#routes.flushStale(detail);
  }

  // ---------------------------------------------------------------- within

  #observe({ state, connection }: Session): void {
    const before = this.#lastState;
    this.#lastState = state.kind;
    if (before !== state.kind) this.#owner.observer?.stateChanged(this, connection, before, state.kind);
  }

  /** RFC 9003; its routes go, also those that a restart had left. Of one that is down already only the words change. */
  #shutDown({ administrativeState }: PeerConfig): void {
    const { administrativeMessage } = this.config;
    if (administrativeState === 'up') {
      this.#sessions.shutDown(administrativeMessage);
      this.main.abandon();
      this.#routes.flushStale('administratively down');
      this.record.sinceUnixMs = this.unixMs();
    }
    this.start();
    this.#owner.statusChanged(this);
    this.#owner.syncChanged();
  }

  /** Strict: BFD must be up, or switched off by somebody on purpose (RFC 5882 section 4.3). */
  #bfdAllows(): boolean {
    return this.config.bfd?.strict !== true || this.bfd === 'up' || this.bfd === 'admin-down';
  }

  /** RFC 5882 section 4.3, RFC 9384: a session ends; without one, only strict does not trust graceful restart any more. */
  #bfdDown(before: BfdState, strict: boolean): void {
    if (this.main.state.kind === 'Established') {
      // Not strict: one that never came up says nothing.
      if (strict || before === 'up') this.#sessions.stop(CeaseError.bfdDown, 'BFD down');
    } else if (strict) this.#routes.flushStale('BFD is down');
  }

  /** A session that has come to nothing yet waits for BFD, or waits no longer. */
  #heedBfd(): void {
    const { kind } = this.main.state;
    if (!this.#bfdAllows()) {
      if (kind === 'Established') return;
      this.#sessions.abandonSecond();
      this.main.abandon();
      this.record.info = waitsForBfd(this.bfd);
    } else if (kind === 'Idle') this.start();
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', message: string, detail: string): void {
    this.#owner.log(level, message, this, detail);
  }

  #ribPolicies(): RibPolicies {
    const { nextHopMode, sharedSubnets, linkLocalAddress, routeReflectorClient, addPath } = this.config;
    const { importPolicy, exportPolicy } = requiredPolicies(this.config, this.#policies, this.#owner.speaker);
    const { ownAsnsAllowed, enforceFirstAs, removePrivateAsns } = this.config;
    const { gracefulShutdown, honourGracefulShutdown } = this.config;
    return {
      nextHopMode,
      sharedSubnets,
      linkLocalAddress,
      pathsPerPrefix: Math.max(1, addPath.send),
      routeReflectorClient,
      importPolicy,
      exportPolicy,
      ownAsnsAllowed,
      enforceFirstAs,
      removePrivateAsns,
      gracefulShutdown,
      honourGracefulShutdown,
    };
  }

  #ribPeer(session: Session, negotiated: Negotiated): RibPeer {
    const { key, asn, address, role } = this.config;
    return {
      key,
      asn,
      localAsn: this.localAsn,
      remoteRouterId: negotiated.remoteRouterId,
      address,
      localAddress: session.connection!.localAddress,
      families: negotiated.families,
      fourOctetAs: negotiated.fourOctetAs,
      addPath: negotiated.addPath,
      extendedNextHop: negotiated.extendedNextHop,
      maxMessageLength: negotiated.extendedMessages.send ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH,
      interface: this.config.interface,
      role: asn === this.localAsn ? undefined : role,
      takesLongLived: negotiated.takesLongLived,
      ...this.#ribPolicies(),
    };
  }
}

function administrativelyDown(message: string): string {
  return message === '' ? 'administratively down' : `administratively down: ${message}`;
}

function waitsForBfd(state: BfdState | undefined): string {
  return `waits for BFD (strict), which is ${state === 'unknown' ? 'not there yet' : state}`;
}
