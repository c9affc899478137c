/**
 * SHELL: what a peer does while its session is Established: UPDATEs in and out of the RIB, End-of-RIB both ways, refreshes, and what
 * is kept of its routes over a restart (RFC 4271 section 9, RFC 4724).
 */
import type { Clock } from '../../core/clock.js';
import type { IpAddress } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import type { Cause } from '../fsm/cause.js';
import type { Negotiated } from '../fsm/negotiate.js';
import { keepsRoutes, type RetentionTerms } from '../fsm/retention.js';
import type { PeerIndex, Rib, RibPeer, RibPolicies, UpdateOutcome } from '../rib/contract.js';
import { familyNumbers } from '../wire/capabilities.js';
import { BgpMessageError } from '../wire/message-error.js';
import type { RouteRefresh } from '../wire/route-refresh.js';
import { encodeEndOfRib } from '../wire/update.js';
import { familiesWithoutNextHop } from './next-hop-family.js';
import type { PeerRecord } from './peer-status.js';
import { RouteRefreshes } from './route-refreshes.js';
import type { Session } from './session.js';
import { StaleRoutes } from './stale-routes.js';
import { Timers } from './timers.js';

/** What it asks of the peer it belongs to. */
export interface RouteExchangeOwner {
  readonly clock: Clock;
  readonly rib: Rib;
  readonly record: PeerRecord;
  unixMs(): number;
  /** Every peer and own route has been told and selection is not deferred: the RIB's output is the whole truth. */
  mayEndRib(family: Family): boolean;
  requestFlush(): void;
  /** End-of-RIB came. */
  syncChanged(): void;
  /** Routes became long-lived stale ones, or went, without the peer's doing. */
  staleRoutesChanged(count: number, what: string): void;
  /** The peer has told its table again; `removed` were not in it. */
  refreshed(family: Family, removed: number, timedOut: boolean): void;
  /** What the peer did makes no sense; it is ignored. */
  strange(detail: string): void;
  repaired(detail: string): void;
  /** Of these families there are prefixes now that the peer is not told for want of a next hop. */
  nextHopsLack(families: readonly Family[], localAddress: IpAddress): void;
}

/** A peer without graceful restart sends no End-of-RIB; after this long it is taken as having told everything. */
const IMPLIED_END_OF_RIB_SECONDS = 5;
/** It goes through the table: not after every flush of one that changes all the time. */
const NEXT_HOPS_SECONDS = 0.5;

interface Established {
  /** Its place in the RIB. */
  readonly index: PeerIndex;
  readonly negotiated: Negotiated;
  /** Of every family. */
  endOfRibSent: boolean;
  readonly localAddress: IpAddress;
  /** Those that our end of the session is no next hop for; none, usually. */
  readonly foreign: readonly Family[];
  /** Those among them that have prefixes which the peer is therefore not told. */
  lacking: readonly Family[];
}

export class RouteExchange {
  readonly #owner: RouteExchangeOwner;
  readonly #peerKey: string;
  readonly #stale: StaleRoutes;
  readonly #refreshes: RouteRefreshes;
  readonly #timers: Timers<'implied-end-of-rib' | 'next-hops'>;
  #established: Established | undefined;

  constructor(owner: RouteExchangeOwner, peerKey: string) {
    this.#owner = owner;
    this.#peerKey = peerKey;
    this.#stale = new StaleRoutes(owner, peerKey);
    this.#refreshes = new RouteRefreshes(owner);
    this.#timers = new Timers(owner.clock, timer => {
      if (this.#established === undefined) return;
      if (timer === 'next-hops') this.#lookForNextHops(this.#established);
      else for (const family of this.#established.negotiated.families) this.#endOfRib(family);
    });
  }

  /** As helper of a graceful restart: when the peer's stale routes go, milliseconds since the Unix epoch. */
  get staleDeadlineUnixMs(): number | undefined {
    return this.#stale.deadlineUnixMs;
  }

  /** When the last of its long-lived stale routes go. */
  get longLivedDeadlineUnixMs(): number | undefined {
    return this.#stale.longLivedDeadlineUnixMs;
  }

  /** Whether everything the peer had to tell us at start-up has been told. */
  get told(): boolean {
    if (this.#established === undefined) return false;
    const { families } = this.#established.negotiated;
    return families.every(family => this.#owner.record.endOfRibReceived.has(family));
  }

  /** Whether our route selection at start-up waits for it (RFC 4724 section 4.1): one that restarts as well waits for us. */
  get awaited(): boolean {
    return !this.told && this.#established?.negotiated.gracefulRestart?.restarting !== true;
  }

  /** @param staleTimeSeconds how long a peer that came back may take to tell its routes again */
  up(peer: RibPeer, negotiated: Negotiated, staleTimeSeconds: number): void {
    const { rib, record } = this.#owner;
    record.endOfRibReceived.clear();
    record.endOfRibSent.clear();
    this.#stale.keepOnly(negotiated);
    const index = rib.peerUp(peer);
    const { localAddress } = peer;
    const foreign = familiesWithoutNextHop(peer);
    this.#established = { index, negotiated, endOfRibSent: false, localAddress, foreign, lacking: [] };
    this.#refreshes.up(index, negotiated);
    if (negotiated.gracefulRestart === undefined)
      this.#timers.set('implied-end-of-rib', IMPLIED_END_OF_RIB_SECONDS);
    else this.#stale.extend(staleTimeSeconds);
    this.#owner.requestFlush();
  }

  /** @param terms but for what was negotiated, which is known here */
  down(cause: Cause, terms: Omit<RetentionTerms, 'gracefulRestart'>): void {
    const { rib } = this.#owner;
    const was = this.#established;
    this.#established = undefined;
    this.#timers.clearAll();
    if (was === undefined) return;
    this.#refreshes.down();
    const { negotiated } = was;
    if (keepsRoutes(cause, { ...terms, gracefulRestart: negotiated.gracefulRestart })) {
      rib.peerDown(was.index, { keepStale: this.#stale.keep(negotiated) });
      this.#stale.wait(negotiated);
    } else {
      this.#stale.forget();
      rib.peerDown(was.index, 'flush');
    }
    this.#owner.requestFlush();
  }

  /** Of the Established session: families with prefixes that the peer is not told for want of a next hop. */
  get withoutNextHop(): readonly Family[] {
    return this.#established?.lacking ?? [];
  }

  /** Of the Established session. */
  receivedPrefixes(family: Family): number {
    return this.#established === undefined
      ? 0
      : this.#owner.rib.receivedCount(this.#established.index, family);
  }

  /** A live change, also of what a lost session has left. */
  setPolicies(policies: RibPolicies): void {
    const { rib } = this.#owner;
    if (this.#established === undefined) rib.setStalePolicies(this.#peerKey, policies);
    else rib.setPolicies(this.#established.index, policies);
    this.#owner.requestFlush();
  }

  /** The peer is removed for good. */
  flushStale(why: string): void {
    this.#stale.flush(why);
  }

  /** The speaker ends. */
  close(): void {
    this.#timers.clearAll();
    this.#refreshes.down();
    this.#stale.forget();
  }

  /** Whole UPDATEs, one behind the other; an error ends the session. Hot path. */
  updatesReceived(buffer: Uint8Array, start: number, end: number): BgpMessageError | undefined {
    const { rib } = this.#owner;
    for (let at = start; at < end; ) {
      const { outcome, next } = rib.receiveUpdates(this.#established!.index, buffer, at, end);
      const error = outcome.kind === 'ok' ? undefined : this.#unusual(outcome);
      if (error !== undefined) return error;
      at = next;
    }
    return undefined;
  }

  routeRefreshReceived(refresh: RouteRefresh): void {
    this.#refreshes.received(refresh);
  }

  /** By hand: asks for the peer's routes again, or tells it ours. */
  refresh(session: Session, way: 'soft-in' | 'soft-out'): void {
    if (way === 'soft-in') this.#refreshes.ask(session);
    else this.#refreshes.tell(this.#established?.negotiated.families ?? []);
  }

  /** Hands the socket what the RIB has packed, as long as it takes it; returns in how many writes. Hot path. */
  pump(session: Session): number {
    const established = this.#established;
    if (established === undefined || session.connection === undefined) return 0;
    const { rib, record } = this.#owner;
    if (established.foreign.length > 0 && !this.#timers.isRunning('next-hops'))
      this.#timers.set('next-hops', NEXT_HOPS_SECONDS);
    if (established.endOfRibSent && this.#refreshes.idle && !rib.hasOutput(established.index)) return 0;
    this.#refreshes.beforeOutput(session);
    let writes = 0;
    for (;;) {
      const chunk = rib.takeOutput(established.index);
      if (chunk === undefined) break;
      writes++;
      const messages = countMessages(chunk);
      record.counters.updatesSent += messages;
      if (!session.write(chunk, messages)) return writes;
    }
    if (!established.endOfRibSent) this.#sendEndOfRib(session, established);
    this.#refreshes.afterOutput(session);
    return writes;
  }

  #lookForNextHops(established: Established): void {
    const { index, foreign, lacking, localAddress } = established;
    const now = foreign.filter(family => this.#owner.rib.lacksNextHops(index, family));
    if (now.join() === lacking.join()) return;
    established.lacking = now;
    this.#owner.nextHopsLack(now, localAddress);
  }

  #unusual(outcome: Exclude<UpdateOutcome, { kind: 'ok' }>): BgpMessageError | undefined {
    const { counters } = this.#owner.record;
    switch (outcome.kind) {
      case 'repaired':
        counters.treatedAsWithdraw += outcome.treatedAsWithdraw;
        counters.attributesDiscarded += outcome.attributesDiscarded;
        this.#owner.repaired(outcome.detail);
        return undefined;
      case 'end-of-rib':
        this.#endOfRib(outcome.family);
        return undefined;
      case 'error':
        return new BgpMessageError(outcome.code, outcome.subcode, outcome.data, outcome.detail);
    }
  }

  #endOfRib(family: Family): void {
    this.#owner.record.endOfRibReceived.add(family);
    if (this.#stale.endOfRib(family)) this.#owner.requestFlush();
    this.#owner.syncChanged();
  }

  #sendEndOfRib(session: Session, established: Established): void {
    const { index, negotiated } = established;
    const { endOfRibSent } = this.#owner.record;
    for (const family of negotiated.families) {
      if (endOfRibSent.has(family) || !this.#owner.mayEndRib(family)) continue;
      if (!this.#owner.rib.initialTableSent(index, family)) continue;
      const { afi, safi } = familyNumbers(family);
      session.write(encodeEndOfRib(afi, safi), 1);
      endOfRibSent.add(family);
    }
    established.endOfRibSent = negotiated.families.every(family => endOfRibSent.has(family));
  }
}

function countMessages(chunk: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < chunk.length; count++) at += (chunk[at + 16]! << 8) | chunk[at + 17]!;
  return count;
}
