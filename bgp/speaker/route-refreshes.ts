/**
 * Route refresh (RFC 2918), and its beginning and end (RFC 7313), both ways: a peer's whole table again, after which what it did not
 * tell again is gone; and ours to the peer, between BoRR and EoRR where it knows them.
 */
import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import type { Negotiated } from '../fsm/negotiate.js';
import type { PeerIndex, Rib } from '../rib/contract.js';
import { familyNumbers, familyOfNumbers } from '../wire/capabilities.js';
import { encodeRouteRefresh, type RouteRefresh } from '../wire/route-refresh.js';
import type { PeerRecord } from './peer-status.js';
import type { Session } from './session.js';
import { Timers } from './timers.js';

/** RFC 7313 section 4: a peer that has begun must end within this, or what it has not told again by then goes. */
const LONGEST_REFRESH_SECONDS = 360;

const Subtype = { request: 0, beginning: 1, end: 2 } as const;

export interface RouteRefreshOwner {
  readonly clock: Clock;
  readonly rib: Rib;
  readonly record: PeerRecord;
  requestFlush(): void;
  /** Routes went that the peer has not told again. */
  refreshed(family: Family, removed: number, timedOut: boolean): void;
  /** What the peer did makes no sense; it is ignored. */
  strange(detail: string): void;
}

export class RouteRefreshes {
  readonly #owner: RouteRefreshOwner;
  readonly #timers: Timers<Family>;
  #index: PeerIndex | undefined;
  #negotiated: Negotiated | undefined;
  /** Families that the peer is telling again. */
  readonly #incoming = new Set<Family>();
  /** What we were asked to tell again and have not begun, and what we have begun. */
  readonly #asked = new Set<Family>();
  readonly #outgoing = new Set<Family>();

  constructor(owner: RouteRefreshOwner) {
    this.#owner = owner;
    this.#timers = new Timers(owner.clock, family => this.#end(family, true));
  }

  up(index: PeerIndex, negotiated: Negotiated): void {
    this.#index = index;
    this.#negotiated = negotiated;
  }

  down(): void {
    this.#index = undefined;
    this.#timers.clearAll();
    for (const families of [this.#incoming, this.#asked, this.#outgoing]) families.clear();
  }

  /** Asks the peer for all it has. */
  ask(session: Session): void {
    if (this.#negotiated?.routeRefresh !== true) return;
    for (const family of this.#negotiated.families) this.#say(session, family, Subtype.request);
  }

  /** Tells the peer all we have. */
  tell(families: readonly Family[]): void {
    for (const family of families) this.#asked.add(family);
    this.#owner.requestFlush();
  }

  received({ afi, safi, subtype }: RouteRefresh): void {
    const family = familyOfNumbers(afi, safi);
    // RFC 2918 section 4: for a family that was not negotiated it is ignored.
    if (family === undefined || this.#negotiated?.families.includes(family) !== true) return;
    if (subtype === Subtype.request) this.tell([family]);
    // RFC 7313 section 5: unknown subtypes are ignored; so are these where they were not agreed on.
    else if (this.#negotiated.enhancedRouteRefresh && subtype === Subtype.beginning) this.#begin(family);
    else if (this.#negotiated.enhancedRouteRefresh && subtype === Subtype.end) this.#end(family, false);
  }

  /** Nothing of ours is to be told again. */
  get idle(): boolean {
    return this.#asked.size === 0 && this.#outgoing.size === 0;
  }

  /** Before the RIB's output is taken: the beginning stands in front of all that is told again. */
  beforeOutput(session: Session): void {
    if (this.#asked.size === 0 || this.#index === undefined) return;
    for (const family of [...this.#asked]) {
      // RFC 7313 section 4: not before End-of-RIB.
      if (this.#negotiated?.enhancedRouteRefresh === true) {
        if (!this.#owner.record.endOfRibSent.has(family)) continue;
        this.#say(session, family, Subtype.beginning);
        this.#outgoing.add(family);
      }
      this.#asked.delete(family);
      this.#owner.rib.refresh(this.#index, family);
    }
  }

  /** When the RIB has no more output for now. */
  afterOutput(session: Session): void {
    if (this.#index === undefined) return;
    for (const family of this.#outgoing) {
      if (!this.#owner.rib.refreshSent(this.#index, family)) continue;
      this.#outgoing.delete(family);
      this.#say(session, family, Subtype.end);
    }
    // End-of-RIB may have gone out just now.
    for (const family of this.#asked)
      if (this.#owner.record.endOfRibSent.has(family)) this.#owner.requestFlush();
  }

  #begin(family: Family): void {
    // RFC 7313 section 4: before its End-of-RIB a BoRR is an error that is ignored.
    if (this.#negotiated?.gracefulRestart !== undefined && !this.#owner.record.endOfRibReceived.has(family)) {
      this.#owner.strange(`the beginning of a route refresh of ${family} before End-of-RIB`);
      return;
    }
    this.#incoming.add(family);
    this.#timers.clear(family);
    this.#timers.set(family, LONGEST_REFRESH_SECONDS);
    this.#owner.rib.beginRefresh(this.#index!, family);
  }

  #end(family: Family, timedOut: boolean): void {
    if (!this.#incoming.delete(family) || this.#index === undefined) return;
    this.#timers.clear(family);
    const removed = this.#owner.rib.endRefresh(this.#index, family);
    this.#owner.refreshed(family, removed, timedOut);
  }

  #say(session: Session, family: Family, subtype: number): void {
    session.write(encodeRouteRefresh({ ...familyNumbers(family), subtype }), 1);
  }
}
