/**
 * What is kept of a peer's routes over its restart (RFC 4724 section 4.2): which families, and until when. They go when the peer has
 * told everything again, when it has lost what it forwarded by, or at the deadline; with long-lived graceful restart (RFC 9494) they
 * live on after that as the least preferred there are, until a deadline of their own.
 */
import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import type { LongLivedFamily, Negotiated } from '../fsm/negotiate.js';
import type { Rib } from '../rib/contract.js';
import { Timers } from './timers.js';

interface Owner {
  readonly clock: Clock;
  readonly rib: Rib;
  unixMs(): number;
  /** Routes became long-lived stale ones, or went, without the peer's doing. */
  staleRoutesChanged(count: number, what: string): void;
}

type LongLivedTimer = `long-lived ${Family}`;

export class StaleRoutes {
  readonly #owner: Owner;
  readonly #peerKey: string;
  readonly #timers: Timers<'deadline' | LongLivedTimer>;
  /** Kept by graceful restart: until the deadline. */
  #families: readonly Family[] = [];
  #deadlineUnixMs: number | undefined;
  /** What is agreed for the time after it. */
  #next: ReadonlyMap<Family, LongLivedFamily> = new Map();
  /** Long-lived ones, with the end of each, milliseconds since the Unix epoch. */
  readonly #longLived = new Map<Family, number>();

  constructor(owner: Owner, peerKey: string) {
    this.#owner = owner;
    this.#peerKey = peerKey;
    this.#timers = new Timers(owner.clock, timer => {
      if (timer === 'deadline') this.#restartTimeOver();
      else this.#longLivedTimeOver(timer.slice('long-lived '.length) as Family);
    });
  }

  /** When graceful restart's end, milliseconds since the Unix epoch; undefined if there are none. */
  get deadlineUnixMs(): number | undefined {
    return this.#deadlineUnixMs;
  }

  /** When the last long-lived ones go, milliseconds since the Unix epoch; undefined if there are none. */
  get longLivedDeadlineUnixMs(): number | undefined {
    return this.#longLived.size === 0 ? undefined : Math.max(...this.#longLived.values());
  }

  /** The session ended in a way that keeps routes: the peer has its restart time to come back. Returns the families that are kept. */
  keep({ gracefulRestart, families, longLived }: Negotiated): readonly Family[] {
    const byRestart = (gracefulRestart?.families ?? []).filter(family => families.includes(family));
    // RFC 9494 section 4.2: for a family of which graceful restart does not speak its restart time is 0.
    const atOnce = [...longLived.keys()].filter(
      family => families.includes(family) && !byRestart.includes(family),
    );
    this.forget();
    this.#next = longLived;
    this.#setFamilies([...byRestart, ...atOnce]);
    return this.#families;
  }

  /** After {@link keep}, when the RIB has marked them. @param seconds the peer's restart time */
  wait({ gracefulRestart }: Negotiated): void {
    const atOnce = this.#families.filter(family => gracefulRestart?.families.includes(family) !== true);
    for (const family of atOnce) this.#expire(family);
    if (this.#families.length > 0) this.#setDeadline(gracefulRestart?.restartTimeSeconds ?? 0);
  }

  /** It is back: it has `seconds` to tell everything again. Long-lived ones keep the end that they have. */
  extend(seconds: number): void {
    if (this.#families.length > 0) this.#setDeadline(seconds);
  }

  /** The F bits of the new OPEN: without, the peer has lost what it forwarded by. */
  keepOnly({ gracefulRestart, longLived }: Negotiated): void {
    const stays = (family: Family) => gracefulRestart?.forwarding.includes(family) === true;
    for (const family of this.#families) if (!stays(family)) this.#remove(family);
    this.#setFamilies(this.#families.filter(stays));
    for (const family of [...this.#longLived.keys()]) {
      if (longLived.get(family)?.forwarding === true) continue;
      this.#remove(family);
      this.#endLongLived(family);
    }
    // It tells everything again: what it does not tell in time goes.
    this.#next = new Map();
  }

  /** It has told all of `family`; true if stale ones of it were left. */
  endOfRib(family: Family): boolean {
    if (!this.#families.includes(family) && !this.#longLived.has(family)) return false;
    this.#remove(family);
    this.#setFamilies(this.#families.filter(stale => stale !== family));
    this.#endLongLived(family);
    return true;
  }

  flush(why: string): void {
    const families = [...this.#families, ...this.#longLived.keys()];
    if (families.length === 0) return;
    let count = 0;
    for (const family of families) count += this.#remove(family);
    this.forget();
    this.#owner.staleRoutesChanged(count, `removed: ${why}`);
  }

  /** The RIB has removed them in another way, or the speaker ends. */
  forget(): void {
    this.#setFamilies([]);
    for (const family of [...this.#longLived.keys()]) this.#endLongLived(family);
  }

  #restartTimeOver(): void {
    for (const family of [...this.#families]) this.#expire(family);
  }

  /** Graceful restart has ended for the family: on to the long-lived time, or gone. */
  #expire(family: Family): void {
    this.#setFamilies(this.#families.filter(other => other !== family));
    const seconds = this.#next.get(family)?.staleSeconds ?? 0;
    if (seconds === 0) {
      this.#owner.staleRoutesChanged(this.#remove(family), 'removed: they were not announced again in time');
      return;
    }
    const removed = this.#owner.rib.beginLongLived(this.#peerKey, family);
    this.#longLived.set(family, this.#owner.unixMs() + seconds * 1000);
    this.#timers.set(`long-lived ${family}`, seconds);
    this.#owner.staleRoutesChanged(removed, 'removed: NO_LLGR, the others are long-lived now');
  }

  #longLivedTimeOver(family: Family): void {
    const count = this.#remove(family);
    this.#endLongLived(family);
    this.#owner.staleRoutesChanged(count, 'removed: their long-lived time is over');
  }

  #endLongLived(family: Family): void {
    this.#longLived.delete(family);
    this.#timers.clear(`long-lived ${family}`);
  }

  #remove(family: Family): number {
    return this.#owner.rib.flushStale(this.#peerKey, family);
  }

  #setFamilies(families: readonly Family[]): void {
    this.#families = families;
    if (families.length > 0) return;
    this.#deadlineUnixMs = undefined;
    this.#timers.clear('deadline');
  }

  #setDeadline(seconds: number): void {
    this.#deadlineUnixMs = this.#owner.unixMs() + seconds * 1000;
    this.#timers.clear('deadline');
    this.#timers.set('deadline', seconds);
  }
}
