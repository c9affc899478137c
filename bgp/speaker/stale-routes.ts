/**
 * What is kept of a peer's routes over its restart (RFC 4724 section 4.2): which families, and until when. They go when the peer has
 * told everything again, when it has lost what it forwarded by, or at the deadline.
 */
import type { Clock } from '../../core/clock.js';
import type { Family } from '../family.js';
import type { Rib } from '../rib/contract.js';
import { Timers } from './timers.js';

interface Owner {
  readonly clock: Clock;
  readonly rib: Rib;
  unixMs(): number;
}

export class StaleRoutes {
  readonly #owner: Owner;
  readonly #peerKey: string;
  readonly #removed: (count: number, why: string) => void;
  readonly #timers: Timers<'deadline'>;
  #families: readonly Family[] = [];
  #deadlineUnixMs: number | undefined;

  /** @param removed told when they went before the peer had told them again */
  constructor(owner: Owner, peerKey: string, removed: (count: number, why: string) => void) {
    this.#owner = owner;
    this.#peerKey = peerKey;
    this.#removed = removed;
    this.#timers = new Timers(owner.clock, () =>
      this.flush('its stale routes were not announced again in time'),
    );
  }

  /** Milliseconds since the Unix epoch; undefined if there are none. */
  get deadlineUnixMs(): number | undefined {
    return this.#deadlineUnixMs;
  }

  /** The session ended in a way that keeps routes: the peer has `seconds` to come back. */
  keep(families: readonly Family[], seconds: number): void {
    this.#setFamilies(families);
    this.extend(seconds);
  }

  /** It is back: it has `seconds` to tell everything again. */
  extend(seconds: number): void {
    if (this.#families.length > 0) this.#setDeadline(seconds);
  }

  keepOnly(families: readonly Family[]): void {
    for (const family of this.#families) {
      if (!families.includes(family)) this.#owner.rib.flushStale(this.#peerKey, family);
    }
    this.#setFamilies(this.#families.filter(family => families.includes(family)));
  }

  /** It has told all of `family`; true if stale ones of it were left. */
  endOfRib(family: Family): boolean {
    if (!this.#families.includes(family)) return false;
    this.#owner.rib.flushStale(this.#peerKey, family);
    this.#setFamilies(this.#families.filter(stale => stale !== family));
    return true;
  }

  flush(why: string): void {
    if (this.#families.length === 0) return;
    let count = 0;
    for (const family of this.#families) count += this.#owner.rib.flushStale(this.#peerKey, family);
    this.forget();
    this.#removed(count, why);
  }

  /** The RIB has removed them in another way, or the speaker ends. */
  forget(): void {
    this.#setFamilies([]);
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
