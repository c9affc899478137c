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
}

export class DeltaTracker<K, V> {
  readonly #equal: (desired: V, actual: V) => boolean;
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #pendingUpdates = new Set<Entry<K, V>>();
  readonly #pendingDeletions = new Set<Entry<K, V>>();
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
    // A record that was dropped meanwhile is not this one's.
    const entry = this.#entries.get(tracked.key) === tracked ? (tracked as Entry<K, V>) : undefined;
    if (made === undefined) {
      if (entry !== undefined) this.#deleteActual(entry);
    } else this.#setActual(entry ?? this.#entry(tracked.key), made);
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

  /** Desired objects that are missing or differ. Safe to change the tracker while iterating. */
  get pendingUpdates(): ReadonlySet<Tracked<K, V> & { readonly desired: V }> {
    return this.#pendingUpdates as ReadonlySet<Tracked<K, V> & { readonly desired: V }>;
  }

  /** Actual objects that nobody desires. Safe to change the tracker while iterating. */
  get pendingDeletions(): ReadonlySet<Tracked<K, V> & { readonly actual: V }> {
    return this.#pendingDeletions as ReadonlySet<Tracked<K, V> & { readonly actual: V }>;
  }

  isPending(key: K): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && (this.#pendingUpdates.has(entry) || this.#pendingDeletions.has(entry));
  }

  get desiredCount(): number {
    return this.#desiredCount;
  }

  get actualCount(): number {
    return this.#actualCount;
  }

  get inSync(): boolean {
    return this.#pendingUpdates.size === 0 && this.#pendingDeletions.size === 0;
  }

  #entry(key: K): Entry<K, V> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, desired: undefined, actual: undefined };
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
    const { desired, actual } = entry;
    if (desired === undefined) {
      this.#pendingUpdates.delete(entry);
      if (actual !== undefined) this.#pendingDeletions.add(entry);
      else {
        this.#pendingDeletions.delete(entry);
        this.#entries.delete(entry.key);
      }
      return;
    }
    this.#pendingDeletions.delete(entry);
    if (actual === undefined || !this.#equal(desired, actual)) this.#pendingUpdates.add(entry);
    else this.#pendingUpdates.delete(entry);
  }
}
