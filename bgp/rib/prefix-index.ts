/**
 * Finds the id of an IPv4 prefix, or of anything else that has 32 bits: open addressing over 256 segments that grow on their own, so that the longest pause is the
 * rehash of 1/256 of the table. A slot is an id; the key is read from the columns the id points to.
 *
 * Prefixes mostly come in order, so sixteen neighbours (the low bits of the network number) share one cache line of slots; the
 * line and the arrangement within it are hashed. The probe step goes to the next line: runs of full lines would otherwise be
 * probed slot by slot. It is odd, so that it reaches every slot. Deletion shifts back (Knuth, volume 3, 6.4 R) in the order of
 * probing: there are no tombstones to sweep.
 */
const SEGMENTS = 256;
const INITIAL_SLOTS = 16;
const NEIGHBOURS_BITS = 4;
const NEIGHBOURS = (1 << NEIGHBOURS_BITS) - 1;
const STEP = 17;
/** STEP times this is 1 modulo 2^32: it turns a distance in slots into one in probes. */
const PROBES_PER_SLOT = 0xf0f0f0f1 | 0;

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
    for (let slot = hash & mask; ; slot = (slot + STEP) & mask) {
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
    for (let slot = hash & mask; ; slot = (slot + STEP) & mask) {
      const id = slots[slot]!;
      if (id === 0) {
        slots[slot] = fresh;
        addresses[fresh] = address;
        lengths[fresh] = length;
        // Five eighths full: past that probes get long.
        if (8 * ++this.#counts[segment]! > 5 * slots.length) this.#grow(segment, addresses, lengths);
        return fresh;
      }
      if (addresses[id] === address && lengths[id] === length) return id;
    }
  }

  /** An id of the same key in the place of another. */
  replace(addresses: Int32Array, lengths: Uint8Array, id: number, by: number): void {
    const hash = hashOf(addresses[id]!, lengths[id]!);
    const slots = this.#segments[hash >>> 24]!;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== id) slot = (slot + STEP) & mask;
    slots[slot] = by;
  }

  /** Takes out an id whose columns still hold its key. */
  remove(addresses: Int32Array, lengths: Uint8Array, id: number): void {
    const hash = hashOf(addresses[id]!, lengths[id]!);
    const slots = this.#segments[hash >>> 24]!;
    const mask = slots.length - 1;
    let hole = hash & mask;
    while (slots[hole] !== id) hole = (hole + STEP) & mask;
    this.#counts[hash >>> 24]!--;
    for (let slot = (hole + STEP) & mask; ; slot = (slot + STEP) & mask) {
      const moved = slots[slot]!;
      if (moved === 0) break;
      const home = hashOf(addresses[moved]!, lengths[moved]!) & mask;
      // It may fill the hole unless its home lies between the hole and where it is.
      const fromHome = Math.imul(slot - home, PROBES_PER_SLOT) & mask;
      const fromHole = Math.imul(slot - hole, PROBES_PER_SLOT) & mask;
      if (fromHome >= fromHole) {
        slots[hole] = moved;
        hole = slot;
      }
    }
    slots[hole] = 0;
  }

  #grow(segment: number, addresses: Int32Array, lengths: Uint8Array): void {
    const old = this.#segments[segment]!;
    const slots = new Int32Array((old.length < 1024 ? 4 : 2) * old.length);
    const mask = slots.length - 1;
    for (let i = 0; i < old.length; i++) {
      const id = old[i]!;
      if (id === 0) continue;
      let slot = hashOf(addresses[id]!, lengths[id]!) & mask;
      while (slots[slot] !== 0) slot = (slot + STEP) & mask;
      slots[slot] = id;
    }
    this.#segments[segment] = slots;
  }
}

/** The high octet names the segment, the low bits the slot. */
function hashOf(address: number, length: number): number {
  const network = length === 0 ? 0 : address >>> (32 - length);
  let hash = Math.imul((network >>> NEIGHBOURS_BITS) ^ (length << 26), 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13) ^ (network & NEIGHBOURS);
}
