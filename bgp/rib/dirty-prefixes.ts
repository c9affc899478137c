/** The prefixes that have to be decided, each once, in the order in which they became so. Hot loops write the columns themselves. */
import { grownInt32, grownUint8, initialCapacity } from './prefix-table.js';

export class DirtyPrefixes {
  /** By id: 1 if it stands in `list[0, count)`. */
  marks = new Uint8Array(initialCapacity);
  list = new Int32Array(initialCapacity);
  count = 0;

  /** Each prefix stands in the list once: there is room for all of them. */
  fit(capacity: number): void {
    this.marks = grownUint8(this.marks, capacity);
    this.list = grownInt32(this.list, capacity);
  }

  add(id: number): void {
    if (this.marks[id] !== 0) return;
    this.marks[id] = 1;
    this.list[this.count++] = id;
  }
}
