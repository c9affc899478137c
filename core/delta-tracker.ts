/**
 * What should be against what is, for one kind of object: routes, links, addresses, chains, BGP peers.
 *
 * Both sides are told in any order and as often as one likes; the difference is kept up to date in O(1) per call.
 * `setDesired`/`deleteDesired` come from the calculators, `setActual`/`deleteActual` from reading the world back and
 * from what a driver has done to it. Idempotent on both sides.
 */
export class DeltaTracker<K, V> {
  readonly #equal: (desired: V, actual: V) => boolean;
  readonly #desired = new Map<K, V>();
  readonly #actual = new Map<K, V>();
  readonly #pendingUpdates = new Map<K, V>();
  readonly #pendingDeletions = new Map<K, V>();

  /** `equal` says whether an object found needs no change to be the desired one. */
  constructor(equal: (desired: V, actual: V) => boolean) {
    this.#equal = equal;
  }

  setDesired(key: K, value: V): void {
    this.#desired.set(key, value);
    this.#compare(key);
  }

  deleteDesired(key: K): void {
    this.#desired.delete(key);
    this.#compare(key);
  }

  setActual(key: K, value: V): void {
    this.#actual.set(key, value);
    this.#compare(key);
  }

  deleteActual(key: K): void {
    this.#actual.delete(key);
    this.#compare(key);
  }

  /** A full read-back: whatever is not among `entries` is gone. */
  replaceActual(entries: Iterable<readonly [K, V]>): void {
    const found = new Map(entries);
    for (const key of [...this.#actual.keys()]) if (!found.has(key)) this.deleteActual(key);
    for (const [key, value] of found) this.setActual(key, value);
  }

  desired(key: K): V | undefined {
    return this.#desired.get(key);
  }

  actual(key: K): V | undefined {
    return this.#actual.get(key);
  }

  /** Desired objects that are missing or differ. Safe to change the tracker while iterating. */
  get pendingUpdates(): ReadonlyMap<K, V> {
    return this.#pendingUpdates;
  }

  /** Actual objects that nobody desires, with the value that was found. */
  get pendingDeletions(): ReadonlyMap<K, V> {
    return this.#pendingDeletions;
  }

  get desiredEntries(): ReadonlyMap<K, V> {
    return this.#desired;
  }

  get actualEntries(): ReadonlyMap<K, V> {
    return this.#actual;
  }

  get inSync(): boolean {
    return this.#pendingUpdates.size === 0 && this.#pendingDeletions.size === 0;
  }

  #compare(key: K): void {
    const desired = this.#desired.get(key);
    const actual = this.#actual.get(key);
    if (desired !== undefined && (actual === undefined || !this.#equal(desired, actual))) {
      this.#pendingUpdates.set(key, desired);
    } else {
      this.#pendingUpdates.delete(key);
    }
    if (desired === undefined && actual !== undefined) this.#pendingDeletions.set(key, actual);
    else this.#pendingDeletions.delete(key);
  }
}
