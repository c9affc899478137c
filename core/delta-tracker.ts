/**
 * What should be against what is, for one kind of object: routes, links, addresses, chains, BGP peers.
 *
 * Both sides are told in any order and as often as one likes; the difference is kept up to date in O(1) per call.
 * `setDesired`/`deleteDesired` come from the calculators, `setActual`/`deleteActual` from reading the world back and
 * from what a driver has done to it. Idempotent on both sides.
 *
 * Hot path for whole routing tables: one map, one record per object, and a driver that holds a record needs no look-up.
 */

/** One object: what it should be, and what it is. The tracker's own record; it changes as the tracker is told. */
export interface Tracked<K, V> {
  readonly key: K;
  readonly desired: V | undefined;
  readonly actual: V | undefined;
}

interface Entry<K, V> {
  readonly key: K;
  desired: V | undefined;
  actual: V | undefined;
  /** Bits of {@link State}. */
  state: number;
}

const State = {
  toUpdate: 1,
  toDelete: 2,
  /** It has a place in the list of pending updates, still pending or not; the same for deletions. */
  inUpdates: 4,
  inDeletions: 8,
  /** Nothing is known of it any more: the map may hold another record for its key. */
  dropped: 16,
} as const;

export class DeltaTracker<K, V> {
  readonly #equal: (desired: V, actual: V) => boolean;
  readonly #entries = new Map<K, Entry<K, V>>();
  /** Everything that is pending, and what no longer is until somebody walks the list. */
  #updates: Entry<K, V>[] = [];
  #deletions: Entry<K, V>[] = [];
  #updateCount = 0;
  #deletionCount = 0;
  #desiredCount = 0;
  #actualCount = 0;

  /** `equal` says whether an object found needs no change to be the desired one. */
  constructor(equal: (desired: V, actual: V) => boolean) {
    this.#equal = equal;
  }

  setDesired(key: K, value: V): void {
    const entry = this.#entry(key);
    if (entry.desired === undefined) this.#desiredCount++;
    entry.desired = value;
    this.#compare(entry);
  }

  deleteDesired(key: K): void {
    const entry = this.#entries.get(key);
    if (entry?.desired === undefined) return;
    entry.desired = undefined;
    this.#desiredCount--;
    this.#compare(entry);
  }

  setActual(key: K, value: V): void {
    this.#setActual(this.#entry(key), value);
  }

  deleteActual(key: K): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#deleteActual(entry);
  }

  /** A driver has made the object what it was to be; `made` is what was desired when it began, undefined: it is gone. */
  applied(tracked: Tracked<K, V>, made: V | undefined): void {
    const entry = tracked as Entry<K, V>;
    const dropped = (entry.state & State.dropped) !== 0;
    if (made !== undefined) this.#setActual(dropped ? this.#entry(entry.key) : entry, made);
    else if (!dropped) this.#deleteActual(entry);
  }

  /** A full read-back: whatever is not among `entries` is gone. */
  replaceActual(entries: Iterable<readonly [K, V]>): void {
    const found = new Map(entries);
    for (const [key, entry] of this.#entries) if (!found.has(key)) this.#deleteActual(entry);
    for (const [key, value] of found) this.setActual(key, value);
  }

  desired(key: K): V | undefined {
    return this.#entries.get(key)?.desired;
  }

  actual(key: K): V | undefined {
    return this.#entries.get(key)?.actual;
  }

  /** Desired objects that are missing or differ. The tracker may change meanwhile: what becomes pending is visited too. */
  *pendingUpdates(): Generator<Tracked<K, V> & { readonly desired: V }> {
    this.#updates = pruned(this.#updates, State.toUpdate, State.inUpdates);
    for (const entry of this.#updates) {
      if ((entry.state & State.toUpdate) !== 0) yield entry as Entry<K, V> & { desired: V };
    }
  }

  /** Actual objects that nobody desires. The tracker may change meanwhile: what becomes pending is visited too. */
  *pendingDeletions(): Generator<Tracked<K, V> & { readonly actual: V }> {
    this.#deletions = pruned(this.#deletions, State.toDelete, State.inDeletions);
    for (const entry of this.#deletions) {
      if ((entry.state & State.toDelete) !== 0) yield entry as Entry<K, V> & { actual: V };
    }
  }

  get pendingUpdateCount(): number {
    return this.#updateCount;
  }

  get pendingDeletionCount(): number {
    return this.#deletionCount;
  }

  isPending(key: K): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && (entry.state & (State.toUpdate | State.toDelete)) !== 0;
  }

  get desiredCount(): number {
    return this.#desiredCount;
  }

  get actualCount(): number {
    return this.#actualCount;
  }

  get inSync(): boolean {
    return this.#updateCount === 0 && this.#deletionCount === 0;
  }

  #entry(key: K): Entry<K, V> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, desired: undefined, actual: undefined, state: 0 };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #setActual(entry: Entry<K, V>, value: V): void {
    if (entry.actual === undefined) this.#actualCount++;
    entry.actual = value;
    this.#compare(entry);
  }

  #deleteActual(entry: Entry<K, V>): void {
    if (entry.actual === undefined) return;
    entry.actual = undefined;
    this.#actualCount--;
    this.#compare(entry);
  }

  #compare(entry: Entry<K, V>): void {
    const { desired, actual, state } = entry;
    const toUpdate = desired !== undefined && (actual === undefined || !this.#equal(desired, actual));
    const toDelete = desired === undefined && actual !== undefined;
    if (toUpdate !== ((state & State.toUpdate) !== 0)) {
      entry.state ^= State.toUpdate;
      this.#updateCount += toUpdate ? 1 : -1;
      if (toUpdate && (state & State.inUpdates) === 0) {
        entry.state |= State.inUpdates;
        this.#updates.push(entry);
      }
    }
    if (toDelete !== ((state & State.toDelete) !== 0)) {
      entry.state ^= State.toDelete;
      this.#deletionCount += toDelete ? 1 : -1;
      if (toDelete && (state & State.inDeletions) === 0) {
        entry.state |= State.inDeletions;
        this.#deletions.push(entry);
      }
    }
    if (desired === undefined && actual === undefined) {
      entry.state |= State.dropped;
      this.#entries.delete(entry.key);
    }
  }
}

/** What is still pending; a walk that is under way goes on over the old list. */
function pruned<K, V>(list: Entry<K, V>[], pending: number, listed: number): Entry<K, V>[] {
  const kept: Entry<K, V>[] = [];
  for (const entry of list) {
    if ((entry.state & pending) !== 0) kept.push(entry);
    else entry.state &= ~listed;
  }
  return kept;
}
