/**
 * IPv6 prefixes as columns: four words (signed, network order) and a length. They are found by a hash of both in the index that IPv4
 * prefixes are found in by themselves; prefixes of one hash stand in a list. Hot path.
 *
 *     +---------------------------+
 *     |   Length (1 octet)        |   RFC 4760 section 5
 *     +---------------------------+
 *     |   Prefix (0 to 16 octets) |
 *     +---------------------------+
 */
import { addressFromBytes, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import { viewOf } from '../wire/reader.js';
import { PrefixIndex } from './prefix-index.js';
import type { PrefixRange } from './prefix-range.js';
import { capacityFor, grownInt32, grownUint8, initialCapacity, type PrefixTable } from './prefix-table.js';

const BITS = 128;
const OCTETS = 16;
/** Netmask by length, four words each. */
const MASKS = Int32Array.from({ length: 4 * (BITS + 1) }, (_, i) => {
  const bits = Math.min(32, Math.max(0, (i >>> 2) - 32 * (i & 3)));
  return bits === 0 ? 0 : -1 << (32 - bits);
});
/** In the length column: not in use; the list column then holds the next free id. */
const FREE = 255;
/** To the index a hash is a host route: all of its bits count. */
const HASH_LENGTH = 32;

export class Ipv6Prefixes implements PrefixTable {
  readonly family = 'ipv6-unicast';
  readonly words = 4;
  end = 1;
  capacity = initialCapacity;
  size = 0;
  packedEnd = 0;
  #words = new Int32Array(4 * initialCapacity);
  #lengths = new Uint8Array(initialCapacity);
  readonly #index = new PrefixIndex();
  #hashes = new Int32Array(initialCapacity);
  #hashLengths = new Uint8Array(initialCapacity).fill(HASH_LENGTH);
  /** Another prefix of the same hash; the index knows the first. */
  #next = new Int32Array(initialCapacity);
  /** First in, first out: see {@link PrefixTable}. */
  #firstFree = 0;
  #lastFree = 0;
  /** The prefix that is looked for. */
  readonly #sought = new Int32Array(4);
  readonly #tail = new Uint8Array(OCTETS);

  reserve(count: number): boolean {
    if (this.end + count <= this.capacity) return false;
    this.capacity = capacityFor(this.end + count);
    this.#words = grownInt32(this.#words, 4 * this.capacity);
    this.#lengths = grownUint8(this.#lengths, this.capacity);
    this.#hashes = grownInt32(this.#hashes, this.capacity);
    this.#hashLengths = new Uint8Array(this.capacity).fill(HASH_LENGTH);
    this.#next = grownInt32(this.#next, this.capacity);
    return true;
  }

  readNlri(
    buffer: Uint8Array,
    start: number,
    end: number,
    ids: Int32Array,
    from: number,
    hint: number,
    add: boolean,
  ): number {
    let to = from;
    let expected = hint;
    for (let at = start; at < end; ) {
      const length = buffer[at]!;
      const next = at + 1 + ((length + 7) >>> 3);
      if (length > BITS || next > end) return ~(to - from);
      this.#seek(buffer, at + 1, next, length);
      at = next;
      let id = expected;
      // Unused ids look like ::/0, which therefore always goes through the index.
      if (length === 0 || this.#lengths[id] !== length || !this.#isSought(id)) {
        id = this.#lookUp(length, add);
        if (id === 0) continue;
      }
      ids[to++] = id;
      expected = id + 1;
    }
    return to - from;
  }

  /** The prefix in `buffer[start, end)`, its bits past the length cleared. */
  #seek(buffer: Uint8Array, start: number, end: number, length: number): void {
    const sought = this.#sought;
    let view = viewOf(buffer);
    let at = buffer.byteOffset + start;
    // A load of sixteen octets may reach past the NLRI but not past the memory.
    if (at + OCTETS > view.byteLength) {
      this.#tail.fill(0);
      this.#tail.set(buffer.subarray(start, end));
      view = new DataView(this.#tail.buffer);
      at = 0;
    }
    const mask = 4 * length;
    sought[0] = view.getInt32(at) & MASKS[mask]!;
    sought[1] = view.getInt32(at + 4) & MASKS[mask + 1]!;
    sought[2] = view.getInt32(at + 8) & MASKS[mask + 2]!;
    sought[3] = view.getInt32(at + 12) & MASKS[mask + 3]!;
  }

  #isSought(id: number): boolean {
    const [words, sought, at] = [this.#words, this.#sought, 4 * id];
    return (
      words[at] === sought[0] &&
      words[at + 1] === sought[1] &&
      words[at + 2] === sought[2] &&
      words[at + 3] === sought[3]
    );
  }

  /** The prefix that is sought, of `length`; 0 if it is not there and is not to be added. */
  #lookUp(length: number, add: boolean): number {
    const hash = this.#hashOfSought(length);
    const first = this.#index.find(this.#hashes, this.#hashLengths, hash, HASH_LENGTH);
    for (let id = first; id !== 0; id = this.#next[id]!) {
      if (this.#lengths[id] === length && this.#isSought(id)) return id;
    }
    return add ? this.#add(length, hash, first) : 0;
  }

  #add(length: number, hash: number, first: number): number {
    const id = this.#takeId();
    this.#words.set(this.#sought, 4 * id);
    this.#lengths[id] = length;
    this.#hashes[id] = hash;
    if (first === 0) {
      this.#next[id] = 0;
      this.#index.findOrAdd(this.#hashes, this.#hashLengths, hash, HASH_LENGTH, id);
    } else {
      this.#next[id] = this.#next[first]!;
      this.#next[first] = id;
    }
    this.size++;
    return id;
  }

  #takeId(): number {
    const free = this.#firstFree;
    if (free === 0) return this.end++;
    this.#firstFree = this.#next[free]!;
    return free;
  }

  /** Neighbours differ in the low four bits: the index lets those share a cache line. */
  #hashOfSought(length: number): number {
    const sought = this.#sought;
    const last = length === 0 ? 0 : (length - 1) >>> 5;
    const shift = 31 - ((length - 1) & 31);
    const low = (sought[last]! >>> shift) & 15;
    let hash = length;
    for (let i = 0; i < 4; i++) {
      const word = i === last ? sought[i]! & ~(15 << shift) : sought[i]!;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return ((hash ^ (hash >>> 13)) & ~15) | low;
  }

  packNlri(
    ids: Int32Array,
    from: number,
    to: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    limit: number,
  ): number {
    const words = this.#words;
    let position = from;
    let offset = at;
    for (; position < to; position++) {
      const id = ids[position]!;
      const length = this.#lengths[id]!;
      const next = offset + 1 + ((length + 7) >>> 3);
      if (next > limit) break;
      bytes[offset] = length;
      for (let i = 0; 32 * i < length; i++) view.setInt32(offset + 1 + 4 * i, words[4 * id + i]!);
      offset = next;
    }
    this.packedEnd = offset;
    return position;
  }

  has(id: number): boolean {
    return id > 0 && id < this.end && this.#lengths[id] !== FREE;
  }

  find(prefix: Prefix): number {
    return this.#lookUp(this.#seekPrefix(prefix), false);
  }

  /** `reserve` has been called. */
  add(prefix: Prefix): number {
    return this.#lookUp(this.#seekPrefix(prefix), true);
  }

  #seekPrefix(prefix: Prefix): number {
    const length = prefixLength(prefix);
    this.#seek(addressToBytes(prefixAddress(prefix)), 0, OCTETS, length);
    return length;
  }

  remove(id: number): void {
    const first = this.#index.find(this.#hashes, this.#hashLengths, this.#hashes[id]!, HASH_LENGTH);
    if (first !== id) {
      let before = first;
      while (this.#next[before] !== id) before = this.#next[before]!;
      this.#next[before] = this.#next[id]!;
    } else if (this.#next[id] === 0) {
      this.#index.remove(this.#hashes, this.#hashLengths, id);
    } else {
      this.#index.replace(this.#hashes, this.#hashLengths, id, this.#next[id]!);
    }
    this.#lengths[id] = FREE;
    this.#next[id] = 0;
    if (this.#firstFree === 0) this.#firstFree = id;
    else this.#next[this.#lastFree] = id;
    this.#lastFree = id;
    this.size--;
  }

  prefix(id: number): Prefix {
    return prefixOf(this.#address(id), this.#lengths[id]!);
  }

  #address(id: number): IpAddress {
    const bytes = new Uint8Array(OCTETS);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4; i++) view.setInt32(4 * i, this.#words[4 * id + i]!);
    return addressFromBytes('ipv6', bytes, 0);
  }

  compare(a: number, b: number): number {
    for (let i = 0; i < 4; i++) {
      const difference = (this.#words[4 * a + i]! >>> 0) - (this.#words[4 * b + i]! >>> 0);
      if (difference !== 0) return difference;
    }
    return this.#lengths[a]! - this.#lengths[b]!;
  }

  matches(id: number, range: PrefixRange): boolean {
    const length = this.#lengths[id]!;
    if (range.family !== 'ipv6' || length < range.minLength || length > range.maxLength) return false;
    for (let i = 0; i < 4; i++) {
      if (((this.#words[4 * id + i]! ^ range.words[i]!) & range.masks[i]!) !== 0) return false;
    }
    return true;
  }

  writeWords(id: number, into: Int32Array, at: number): void {
    for (let i = 0; i < 4; i++) into[at + i] = this.#words[4 * id + i]!;
  }

  lengthOf(id: number): number {
    return this.#lengths[id]!;
  }
}
