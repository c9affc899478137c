/** A clock that moves only when told to. Timers run in the order of their times, those of one time in the order they were set. */
import type { Clock, Timer } from '../../core/clock.js';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class FakeClock implements Clock {
  #now = 0;
  #orders = 0;
  /** A binary heap by (at, order). */
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#now;
  }

  schedule(milliseconds: number, callback: () => void): Timer {
    const entry: Entry = {
      at: this.#now + Math.max(0, milliseconds),
      order: this.#orders++,
      callback,
      cancelled: false,
    };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Runs everything that is due within `milliseconds` from now, also what it sets off. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds;
    while (this.#heap.length > 0 && this.#heap[0]!.at <= until) {
      const entry = this.#pop();
      if (entry.cancelled) continue;
      this.#now = Math.max(this.#now, entry.at);
      entry.callback();
    }
    this.#now = until;
  }

  /** Runs what is due now. */
  settle(): void {
    this.advance(0);
  }

  #before(a: Entry, b: Entry): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(heap[at]!, heap[parent]!)) break;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.#before(heap[child]!, heap[least]!)) least = child;
      }
      if (least === at) return top;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}
