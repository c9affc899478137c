/**
 * Best routes for the one consumer that makes kernel routes of them: pulled in batches of columns, newest state wins. Begins when
 * the consumer first asks, with a walk over the whole table; what changes behind the walk is queued, what changes ahead of it the
 * walk will meet.
 */
import { type BestRouteBatch, MAX_BATCH_ROUTES, type NextHopSet, NO_ROUTE } from '../speaker/contract.js';
import type { Path, PathStore } from './path-store.js';
import { PendingPrefixes } from './pending-prefixes.js';
import type { PrefixTable } from './prefix-table.js';

const ids = new Int32Array(MAX_BATCH_ROUTES);

export class BestRouteFeed {
  readonly #prefixes: PrefixTable;
  readonly #paths: PathStore;
  #pending = new PendingPrefixes();
  /** Next id of the walk; undefined before the consumer has come. */
  #walk: number | undefined;
  #tableTold = false;
  #sequence = 0;

  constructor(prefixes: PrefixTable, paths: PathStore) {
    this.#prefixes = prefixes;
    this.#paths = paths;
  }

  /** The selected paths of `changed[0, count)` are others now, or became stale. */
  note(changed: Int32Array, count: number): void {
    const walk = this.#walk;
    if (walk === undefined) return;
    for (let i = 0; i < count; i++) if (changed[i]! < walk) this.#pending.add(changed[i]!);
  }

  get holdsAny(): boolean {
    return this.#pending.size > 0;
  }

  holds(id: number): boolean {
    return this.#pending.has(id);
  }

  /** `release` is told of each id that this feed may have held. */
  take(selected: Int32Array, restart: boolean, release: (id: number) => void): BestRouteBatch | undefined {
    if (restart || this.#walk === undefined) this.#begin(release);
    const queued = this.#pending.take(ids, MAX_BATCH_ROUTES);
    let count = queued;
    const { end } = this.#prefixes;
    let walk = this.#walk!;
    for (; walk < end && count < MAX_BATCH_ROUTES; walk++) if (selected[walk] !== 0) ids[count++] = walk;
    this.#walk = walk;
    const endOfTable = !this.#tableTold && walk >= end;
    if (endOfTable) this.#tableTold = true;
    // Past the table new ids are announced as changes.
    if (this.#tableTold) this.#walk = Number.POSITIVE_INFINITY;
    if (count === 0 && !endOfTable) return undefined;
    const batch = this.#batch(selected, count, endOfTable);
    for (let i = 0; i < queued; i++) release(ids[i]!);
    return batch;
  }

  #begin(release: (id: number) => void): void {
    const old = this.#pending;
    this.#pending = new PendingPrefixes();
    for (let count = old.take(ids, ids.length); count > 0; count = old.take(ids, ids.length)) {
      for (let i = 0; i < count; i++) release(ids[i]!);
    }
    this.#walk = 1;
    this.#tableTold = false;
  }

  #batch(selected: Int32Array, count: number, endOfTable: boolean): BestRouteBatch {
    const prefixes = this.#prefixes;
    const { words } = prefixes;
    const addresses = new Int32Array(words * count);
    const lengths = new Uint8Array(count);
    const nextHopSet = new Uint32Array(count);
    const sets: NextHopSet[] = [];
    const numbers = new Map<string, number>();
    let lastPath = 0;
    let lastSet = NO_ROUTE;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      prefixes.writeWords(id, addresses, words * i);
      lengths[i] = prefixes.lengthOf(id);
      const path = selected[id]!;
      if (path !== lastPath) {
        lastPath = path;
        lastSet = path === 0 ? NO_ROUTE : setNumber(nextHopSetOf(this.#paths.at(path)), sets, numbers);
      }
      nextHopSet[i] = lastSet;
    }
    return {
      family: prefixes.family,
      sequence: ++this.#sequence,
      count,
      addresses,
      lengths,
      nextHopSet,
      nextHopSets: sets,
      endOfTable,
    };
  }
}

function setNumber(set: NextHopSet, sets: NextHopSet[], numbers: Map<string, number>): number {
  const key = `${set.nextHops.join()} ${set.origin} ${set.stale}`;
  let number = numbers.get(key);
  if (number === undefined) {
    number = sets.push(set) - 1;
    numbers.set(key, number);
  }
  return number;
}

function nextHopSetOf(path: Path): NextHopSet {
  const { session, block, nextHop } = path;
  const address = nextHop?.address ?? block.nextHop;
  if (path.nextHopSet?.stale !== session.stale) {
    path.nextHopSet = {
      nextHops: address === undefined ? [] : [address],
      origin: session.kind,
      stale: session.stale,
    };
  }
  return path.nextHopSet!;
}
