/**
 * The prefixes a slow peer has still to be told of, each once, first come first served: what it would have read, without the
 * bytes. It is told their state at the time it can take it, so the newest wins and memory is bounded by the table.
 */
import { grownInt32, grownUint8 } from './prefix-table.js';

export class PendingPrefixes {
  #bits = new Uint8Array(128);
  #queue = new Int32Array(256);
  #head = 0;
  #tail = 0;

  get size(): number {
    return this.#tail - this.#head;
  }

  has(id: number): boolean {
    return ((this.#bits[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0;
  }

  add(id: number): void {
    if (this.has(id)) return;
    if (id >>> 3 >= this.#bits.length) this.#bits = grownUint8(this.#bits, 2 * (id >>> 3));
    this.#bits[id >>> 3]! |= 1 << (id & 7);
    if (this.#tail === this.#queue.length) this.#makeRoom();
    this.#queue[this.#tail++] = id;
  }

  /** Takes up to `max` prefixes into `into`; returns how many. */
  take(into: Int32Array, max: number): number {
    const count = Math.min(max, this.size);
    for (let i = 0; i < count; i++) {
      const id = this.#queue[this.#head++]!;
      into[i] = id;
      this.#bits[id >>> 3]! &= ~(1 << (id & 7));
    }
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    }
    return count;
  }

  #makeRoom(): void {
    if (2 * this.#head > this.#queue.length) {
      this.#queue.copyWithin(0, this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    } else {
      this.#queue = grownInt32(this.#queue, 2 * this.#queue.length);
    }
  }
}
