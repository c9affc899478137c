/**
 * Prefixes sorted by what they are to be packed under (a block of exported attributes, an audience): runs of neighbours with the
 * same key, chained by key in order of appearance. For a full table with one key this is one run. Hot path.
 */
import { grownInt32 } from './prefix-table.js';

export class OutRuns {
  ids = new Int32Array(1024);
  count = 0;
  /** Keys in order of appearance. */
  keys: number[] = [];
  #runStart = new Int32Array(256);
  #runNext = new Int32Array(256);
  #runs = 0;
  /** By key: run number + 1. */
  #first = new Int32Array(256);
  #last = new Int32Array(256);
  #currentKey = -1;

  /** Room for `count` prefixes; nothing in it. */
  begin(count: number): void {
    if (this.ids.length < count) this.ids = new Int32Array(2 * count);
    // A full table once packed is no reason to keep its size for ever.
    else if (this.ids.length > 1 << 16 && count < 1 << 12) this.ids = new Int32Array(1 << 12);
    for (const key of this.keys) this.#first[key] = 0;
    this.keys = [];
    this.count = 0;
    this.#runs = 0;
    this.#currentKey = -1;
  }

  add(id: number, key: number): void {
    if (key !== this.#currentKey) this.#openRun(key);
    this.ids[this.count++] = id;
  }

  #openRun(key: number): void {
    const run = this.#runs++;
    if (run + 1 >= this.#runStart.length) {
      this.#runStart = grownInt32(this.#runStart, 2 * run + 2);
      this.#runNext = grownInt32(this.#runNext, 2 * run + 2);
    }
    if (key >= this.#first.length) {
      this.#first = grownInt32(this.#first, 2 * key);
      this.#last = grownInt32(this.#last, 2 * key);
    }
    this.#runStart[run] = this.count;
    this.#runNext[run] = 0;
    if (this.#first[key] === 0) {
      this.#first[key] = run + 1;
      this.keys.push(key);
    } else {
      this.#runNext[this.#last[key]! - 1] = run + 1;
    }
    this.#last[key] = run + 1;
    this.#currentKey = key;
  }

  /** Call `take(ids, from, to)` for each run of a key. */
  eachRun(key: number, take: (ids: Int32Array, from: number, to: number) => void): void {
    for (let run = this.#first[key]!; run !== 0; run = this.#runNext[run - 1]!) {
      const to = run === this.#runs ? this.count : this.#runStart[run]!;
      take(this.ids, this.#runStart[run - 1]!, to);
    }
  }
}
