/**
 * Which path identifier each told path of a prefix has (RFC 7911 section 3): columns of exported blocks, one for each identifier from 1
 * on, made when the first prefix needs it. A path keeps its identifier as long as it is told; one that takes the place of another takes
 * its identifier, from the same source if it can: the peer then replaces it without being told to withdraw anything.
 */
import { grownInt32 } from './prefix-table.js';

/** Most paths that a prefix is told with. */
export const MAX_PATHS_TOLD = 32;

/** `before` and `after`: numbers of exported blocks, 0 for none. */
export type Change = (id: number, pathId: number, before: number, after: number) => void;

export class ToldPaths {
  #columns: Int32Array[] = [];
  #capacity: number;
  readonly #audienceOf: (block: number) => number;
  readonly #wanted: number[] = [];
  readonly #kept = new Uint8Array(MAX_PATHS_TOLD);

  constructor(capacity: number, audienceOf: (block: number) => number) {
    this.#capacity = capacity;
    this.#audienceOf = audienceOf;
  }

  fit(capacity: number): void {
    this.#capacity = capacity;
    this.#columns = this.#columns.map(column => grownInt32(column, capacity));
  }

  /** The highest path identifier that was ever given. */
  get highest(): number {
    return this.#columns.length;
  }

  /** The block told under an identifier, 0 for none. */
  at(id: number, pathId: number): number {
    return this.#columns[pathId - 1]?.[id] ?? 0;
  }

  /** The blocks of a prefix are these now, best first; `change` is told of each identifier that means another. */
  set(id: number, blocks: readonly number[], change: Change): void {
    const wanted = this.#wanted;
    wanted.length = 0;
    wanted.push(...blocks);
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      const at = columns[i]![id] === 0 ? -1 : wanted.indexOf(columns[i]![id]!);
      this.#kept[i] = at < 0 ? 0 : 1;
      if (at >= 0) wanted.splice(at, 1);
    }
    // First what the same source says now, then whatever else is gone.
    for (const sameAudience of [true, false]) {
      for (let i = 0; i < columns.length && wanted.length > 0; i++) {
        const before = columns[i]![id]!;
        if (before === 0 || this.#kept[i] === 1) continue;
        const audience = this.#audienceOf(before);
        const at = sameAudience ? wanted.findIndex(block => this.#audienceOf(block) === audience) : 0;
        if (at < 0) continue;
        this.#put(i, id, wanted.splice(at, 1)[0]!, change);
      }
    }
    for (let i = 0; wanted.length > 0; i++) {
      if (i === columns.length) columns.push(new Int32Array(this.#capacity));
      if (columns[i]![id] === 0) this.#put(i, id, wanted.shift()!, change);
    }
    for (let i = 0; i < columns.length; i++) {
      if (this.#kept[i] === 0 && columns[i]![id] !== 0) this.#put(i, id, 0, change);
    }
  }

  #put(i: number, id: number, block: number, change: Change): void {
    const before = this.#columns[i]![id]!;
    this.#columns[i]![id] = block;
    this.#kept[i] = 1;
    change(id, i + 1, before, block);
  }
}
