/**
 * Finds the id of an IPv4 prefix: open addressing with linear probing over 256 segments that grow on their own, so that the
 * longest pause is the rehash of 1/256 of the table. A slot is an id; the key is read from the columns the id points to.
 * Deletion shifts back (Knuth, volume 3, 6.4 R): there are no tombstones to sweep.
 */
const SEGMENTS = 256;
const INITIAL_SLOTS = 8;

export class PrefixIndex {
  readonly #segments: Int32Array[] = [];
  readonly #counts = new Int32Array(SEGMENTS);

  constructor() {
    for (let i = 0; i < SEGMENTS; i++) this.#segments.push(new Int32Array(INITIAL_SLOTS));
  }

  /** The id of (address, length), or 0. */
  find(addresses: Int32Array, lengths: Uint8Array, address: number, length: number): number {
    const hash = hashOf(address, length);
    const slots = this.#segments[hash >>> 24]!;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]!;
      if (id === 0 || (addresses[id] === address && lengths[id] === length)) return id;
    }
  }

  /** As `find`, but if there is none, writes the key to the columns of `fresh`, takes it in and returns it. */
  findOrAdd(
    addresses: Int32Array,
    lengths: Uint8Array,
    address: number,
    length: number,
    fresh: number,
  ): number {
    const hash = hashOf(address, length);
    const segment = hash >>> 24;
    const slots = this.#segments[segment]!;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]!;
      if (id === 0) {
        slots[slot] = fresh;
        addresses[fresh] = address;
        lengths[fresh] = length;
        // Three quarters full: past that linear probing degrades.
        if (4 * ++this.#counts[segment]! > 3 * slots.length) this.#grow(segment, addresses, lengths);
        return fresh;
      }
      if (addresses[id] === address && lengths[id] === length) return id;
    }
  }

  /** Takes out an id whose columns still hold its key. */
  remove(addresses: Int32Array, lengths: Uint8Array, id: number): void {
    const hash = hashOf(addresses[id]!, lengths[id]!);
    const slots = this.#segments[hash >>> 24]!;
    const mask = slots.length - 1;
    let hole = hash & mask;
    while (slots[hole] !== id) hole = (hole + 1) & mask;
    this.#counts[hash >>> 24]!--;
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const moved = slots[slot]!;
      if (moved === 0) break;
      const home = hashOf(addresses[moved]!, lengths[moved]!) & mask;
      // It may fill the hole unless its home lies between the hole and where it is.
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = moved;
        hole = slot;
      }
    }
    slots[hole] = 0;
  }

  #grow(segment: number, addresses: Int32Array, lengths: Uint8Array): void {
    const old = this.#segments[segment]!;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length - 1;
    for (const id of old) {
      if (id === 0) continue;
      let slot = hashOf(addresses[id]!, lengths[id]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#segments[segment] = slots;
  }
}

/** Spreads runs of neighbouring prefixes over segments (the high octet) and slots (the low bits). */
function hashOf(address: number, length: number): number {
  let hash = Math.imul(address ^ (length << 3), 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
