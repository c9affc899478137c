/**
 * IPv6 prefixes: four words and a length per id, found through a Map on the 17 octets as text. Simple, and slower than the IPv4
 * columns by a factor of ten; nothing above it knows the difference.
 */
import { addressFromBytes, addressToBytes } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import type { PrefixRange } from './prefix-range.js';
import { capacityFor, grownUint8, initialCapacity, type PrefixTable } from './prefix-table.js';

const FREE = 255;

export class Ipv6Prefixes implements PrefixTable {
  readonly family = 'ipv6-unicast';
  readonly words = 4;
  end = 1;
  capacity = initialCapacity;
  packedEnd = 0;
  /** Sixteen octets per id, network order. */
  #octets = new Uint8Array(16 * initialCapacity);
  #lengths = new Uint8Array(initialCapacity);
  readonly #ids = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #scratch = new Uint8Array(16);

  get size(): number {
    return this.#ids.size;
  }

  reserve(count: number): boolean {
    if (this.end + count <= this.capacity) return false;
    this.capacity = capacityFor(this.end + count);
    this.#octets = grownUint8(this.#octets, 16 * this.capacity);
    this.#lengths = grownUint8(this.#lengths, this.capacity);
    return true;
  }

  readNlri(
    buffer: Uint8Array,
    start: number,
    end: number,
    ids: Int32Array,
    from: number,
    _hint: number,
    add: boolean,
  ): number {
    let to = from;
    for (let at = start; at < end; ) {
      const length = buffer[at]!;
      const next = at + 1 + ((length + 7) >>> 3);
      if (length > 128 || next > end) return ~(to - from);
      this.#scratch.fill(0);
      this.#scratch.set(buffer.subarray(at + 1, next));
      if ((length & 7) !== 0) this.#scratch[length >>> 3]! &= 0xff00 >>> (length & 7);
      const id = this.#lookUp(length, add);
      if (id !== 0) ids[to++] = id;
      at = next;
    }
    return to - from;
  }

  /** The prefix of `length` whose octets stand in the scratch space. */
  #lookUp(length: number, add: boolean): number {
    const key = String.fromCharCode(length, ...this.#scratch);
    const known = this.#ids.get(key);
    if (known !== undefined || !add) return known ?? 0;
    const id = this.#free.pop() ?? this.end++;
    this.#octets.set(this.#scratch, 16 * id);
    this.#lengths[id] = length;
    this.#ids.set(key, id);
    return id;
  }

  packNlri(
    ids: Int32Array,
    from: number,
    to: number,
    bytes: Uint8Array,
    _view: DataView,
    at: number,
    limit: number,
  ): number {
    let position = from;
    let offset = at;
    for (; position < to; position++) {
      const id = ids[position]!;
      const octets = (this.#lengths[id]! + 7) >>> 3;
      if (offset + 1 + octets > limit) break;
      bytes[offset] = this.#lengths[id]!;
      bytes.set(this.#octets.subarray(16 * id, 16 * id + octets), offset + 1);
      offset += 1 + octets;
    }
    this.packedEnd = offset;
    return position;
  }

  has(id: number): boolean {
    return id > 0 && id < this.end && this.#lengths[id] !== FREE;
  }

  find(prefix: Prefix): number {
    this.#scratch.set(addressToBytes(prefixAddress(prefix)));
    return this.#lookUp(prefixLength(prefix), false);
  }

  /** `reserve` has been called. */
  add(prefix: Prefix): number {
    this.#scratch.set(addressToBytes(prefixAddress(prefix)));
    return this.#lookUp(prefixLength(prefix), true);
  }

  remove(id: number): void {
    this.#ids.delete(
      String.fromCharCode(this.#lengths[id]!, ...this.#octets.subarray(16 * id, 16 * id + 16)),
    );
    this.#lengths[id] = FREE;
    this.#free.push(id);
  }

  prefix(id: number): Prefix {
    return prefixOf(addressFromBytes('ipv6', this.#octets, 16 * id), this.#lengths[id]!);
  }

  compare(a: number, b: number): number {
    for (let i = 0; i < 16; i++) {
      const difference = this.#octets[16 * a + i]! - this.#octets[16 * b + i]!;
      if (difference !== 0) return difference;
    }
    return this.#lengths[a]! - this.#lengths[b]!;
  }

  matches(id: number, range: PrefixRange): boolean {
    const length = this.#lengths[id]!;
    if (range.family !== 'ipv6' || length < range.minLength || length > range.maxLength) return false;
    for (let i = 0; i < 4; i++) {
      if (((this.#word(id, i) ^ range.words[i]!) & range.masks[i]!) !== 0) return false;
    }
    return true;
  }

  writeWords(id: number, into: Int32Array, at: number): void {
    for (let i = 0; i < 4; i++) into[at + i] = this.#word(id, i);
  }

  lengthOf(id: number): number {
    return this.#lengths[id]!;
  }

  #word(id: number, i: number): number {
    const at = 16 * id + 4 * i;
    const octets = this.#octets;
    return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
  }
}
