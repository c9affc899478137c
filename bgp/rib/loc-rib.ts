/**
 * Loc-RIB (RFC 4271 section 3.2): the selected path of each prefix, 0 for none. Decides what is dirty and tells what changed.
 * Hot path: a prefix with one path, which most are, is decided by one look at a column.
 */
import type { AdjRibIn } from './adj-rib-in.js';
import { selectBest } from './decision.js';
import type { DirtyPrefixes } from './dirty-prefixes.js';
import type { Path, PathStore } from './path-store.js';
import { grownInt32, initialCapacity } from './prefix-table.js';

export class LocRib {
  readonly #paths: PathStore;
  readonly #adjRibIn: AdjRibIn;
  selected = new Int32Array(initialCapacity);
  /** The prefixes the last `decide` changed, and those that were decided without having any path. */
  changed = new Int32Array(initialCapacity);
  changedCount = 0;
  empty = new Int32Array(initialCapacity);
  emptyCount = 0;
  readonly #candidates: Path[] = [];

  constructor(paths: PathStore, adjRibIn: AdjRibIn) {
    this.#paths = paths;
    this.#adjRibIn = adjRibIn;
  }

  fit(capacity: number): void {
    this.selected = grownInt32(this.selected, capacity);
    this.changed = new Int32Array(capacity);
    this.empty = new Int32Array(capacity);
  }

  /** Decides `dirty` and leaves it empty. */
  decide(dirty: DirtyPrefixes): void {
    const { selected, changed, empty } = this;
    const { first, next } = this.#adjRibIn;
    const { usable } = this.#paths;
    const { list, marks, count } = dirty;
    let changedCount = 0;
    let emptyCount = 0;
    for (let i = 0; i < count; i++) {
      const id = list[i]!;
      marks[id] = 0;
      const head = first[id]!;
      let best = 0;
      if (next[id] !== 0) best = this.#decideAmong(id);
      else if (usable[head] === 1) best = head;
      if (head === 0) empty[emptyCount++] = id;
      if (best === selected[id]) continue;
      selected[id] = best;
      changed[changedCount++] = id;
    }
    dirty.count = 0;
    this.changedCount = changedCount;
    this.emptyCount = emptyCount;
  }

  #decideAmong(id: number): number {
    const candidates = this.#candidates;
    candidates.length = 0;
    this.#adjRibIn.collect(id, candidates);
    keepUsable(candidates, this.#paths, this.#adjRibIn);
    return candidates.length === 0 ? 0 : selectBest(candidates).number;
  }
}

/** Of collected paths those that may be selected, each once. */
export function keepUsable(candidates: Path[], paths: PathStore, { hasPathIds }: AdjRibIn): void {
  let count = 0;
  for (const path of candidates) {
    if (paths.usable[path.number] !== 1) continue;
    if (hasPathIds && count > 0 && candidates.lastIndexOf(path, count - 1) >= 0) continue;
    candidates[count++] = path;
  }
  candidates.length = count;
}
