/**
 * SHELL: what a peer does while its session is Established: UPDATEs in and out of the RIB, End-of-RIB both ways, and what is kept of
 * its routes over a restart (RFC 4271 section 9, RFC 4724).
 */
import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import { type Cause, keepsRoutes } from '../fsm/cause.js';
import type { Negotiated } from '../fsm/negotiate.js';
import type { PeerIndex, Rib, RibPeer, RibPolicies, UpdateOutcome } from '../rib/contract.js';
import { familyNumbers, familyOfNumbers } from '../wire/capabilities.js';
import { BgpMessageError } from '../wire/message-error.js';
import { encodeRouteRefresh, type RouteRefresh } from '../wire/route-refresh.js';
import { encodeEndOfRib } from '../wire/update.js';
import type { PeerRecord } from './peer-status.js';
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
  staleRoutesRemoved(count: number, why: string): void;
  repaired(detail: string): void;
}

/** A peer without graceful restart sends no End-of-RIB; after this long it is taken as having told everything. */
const IMPLIED_END_OF_RIB_SECONDS = 5;

interface Established {
  /** Its place in the RIB. */
  readonly index: PeerIndex;
  readonly negotiated: Negotiated;
  /** Of every family. */
  endOfRibSent: boolean;
}

export class RouteExchange {
  readonly #owner: RouteExchangeOwner;
  readonly #stale: StaleRoutes;
  readonly #timers: Timers<'implied-end-of-rib'>;
  #established: Established | undefined;

  constructor(owner: RouteExchangeOwner, peerKey: string) {
    this.#owner = owner;
    this.#stale = new StaleRoutes(owner, peerKey, (count, why) => owner.staleRoutesRemoved(count, why));
    this.#timers = new Timers(owner.clock, () => {
      for (const family of this.#established?.negotiated.families ?? []) this.#endOfRib(family);
    });
  }

  /** As helper of a graceful restart: when the peer's stale routes go, milliseconds since the Unix epoch. */
  get staleDeadlineUnixMs(): number | undefined {
    return this.#stale.deadlineUnixMs;
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
    // RFC 4724 section 4.2: without the F bit in the new OPEN the peer has lost what it forwarded by.
    this.#stale.keepOnly(negotiated.gracefulRestart?.forwarding ?? []);
    this.#established = { index: rib.peerUp(peer), negotiated, endOfRibSent: false };
    if (negotiated.gracefulRestart === undefined)
      this.#timers.set('implied-end-of-rib', IMPLIED_END_OF_RIB_SECONDS);
    else this.#stale.extend(staleTimeSeconds);
    this.#owner.requestFlush();
  }

  down(cause: Cause): void {
    const { rib } = this.#owner;
    const was = this.#established;
    this.#established = undefined;
    this.#timers.clear('implied-end-of-rib');
    if (was === undefined) return;
    const { gracefulRestart, families } = was.negotiated;
    if (gracefulRestart !== undefined && keepsRoutes(cause)) {
      const kept = gracefulRestart.families.filter(family => families.includes(family));
      rib.peerDown(was.index, { keepStale: kept });
      this.#stale.keep(kept, gracefulRestart.restartTimeSeconds);
    } else {
      this.#stale.forget();
      rib.peerDown(was.index, 'flush');
    }
    this.#owner.requestFlush();
  }

  /** Of the Established session. */
  receivedPrefixes(family: Family): number {
    return this.#established === undefined
      ? 0
      : this.#owner.rib.receivedCount(this.#established.index, family);
  }

  /** A live change. */
  setPolicies(policies: RibPolicies): void {
    if (this.#established === undefined) return;
    this.#owner.rib.setPolicies(this.#established.index, policies);
    this.#owner.requestFlush();
  }

  /** The peer is removed for good. */
  flushStale(why: string): void {
    this.#stale.flush(why);
  }

  /** The speaker ends. */
  close(): void {
    this.#timers.clearAll();
    this.#stale.forget();
  }

  /** A whole UPDATE; an error ends the session. Hot path. */
  updateReceived(buffer: Uint8Array, start: number, end: number): BgpMessageError | undefined {
    const outcome = this.#owner.rib.receiveUpdate(this.#established!.index, buffer, start, end);
    return outcome.kind === 'ok' ? undefined : this.#unusual(outcome);
  }

  routeRefreshReceived(refresh: RouteRefresh): void {
    const family = familyOfNumbers(refresh.afi, refresh.safi);
    // RFC 2918 section 4: for a family that was not negotiated it is ignored; so are the subtypes of RFC 7313.
    if (family === undefined || refresh.subtype !== 0 || this.#established === undefined) return;
    this.#owner.rib.refresh(this.#established.index, family);
    this.#owner.requestFlush();
  }

  /** By hand: asks for the peer's routes again, or tells it ours (RFC 2918). */
  refresh(session: Session, way: 'soft-in' | 'soft-out'): void {
    const established = this.#established;
    if (established === undefined) return;
    const { index, negotiated } = established;
    for (const family of negotiated.families) {
      if (way === 'soft-out') this.#owner.rib.refresh(index, family);
      else if (negotiated.routeRefresh) {
        session.write(encodeRouteRefresh({ ...familyNumbers(family), subtype: 0 }), 1);
      }
    }
    this.#owner.requestFlush();
  }

  /** Hands the socket what the RIB has packed, as long as it takes it; returns in how many writes. Hot path. */
  pump(session: Session): number {
    const established = this.#established;
    if (established === undefined || session.connection === undefined) return 0;
    const { rib, record } = this.#owner;
    if (established.endOfRibSent && !rib.hasOutput(established.index)) return 0;
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
    return writes;
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
