/**
 * IPv4 prefixes as columns: address (signed host-order word: a small integer to the engine, where an unsigned one may be boxed)
 * and length. Hot path: reads NLRI with one unaligned load and a mask, writes them with one unaligned store.
 *
 *     +---------------------------+
 *     |   Length (1 octet)        |   RFC 4271 section 4.3
 *     +---------------------------+
 *     |   Prefix (0 to 4 octets)  |
 *     +---------------------------+
 */
import { type Ipv4Address, ipv4ToNumber } from '../../core/ip-address.js';
import { ipv4PrefixFromNumber, type Prefix, prefixAddress, prefixLength } from '../../core/prefix.js';
import { viewOf } from '../wire/reader.js';
import { PrefixIndex } from './prefix-index.js';
import type { PrefixRange } from './prefix-range.js';
import { capacityFor, grownInt32, grownUint8, initialCapacity, type PrefixTable } from './prefix-table.js';

/** Netmask by length, signed. */
const MASKS = Int32Array.from({ length: 33 }, (_, length) => (length === 0 ? 0 : -1 << (32 - length)));
/** In the length column: not in use; the address column then holds the next free id. */
const FREE = 255;

export class Ipv4Prefixes implements PrefixTable {
  readonly family = 'ipv4-unicast';
  readonly words = 1;
  end = 1;
  capacity = initialCapacity;
  size = 0;
  packedEnd = 0;
  #addresses = new Int32Array(initialCapacity);
  #lengths = new Uint8Array(initialCapacity);
  readonly #index = new PrefixIndex();
  /** First in, first out: see {@link PrefixTable}. */
  #firstFree = 0;
  #lastFree = 0;

  reserve(count: number): boolean {
    if (this.end + count <= this.capacity) return false;
    this.capacity = capacityFor(this.end + count);
    this.#addresses = grownInt32(this.#addresses, this.capacity);
    this.#lengths = grownUint8(this.#lengths, this.capacity);
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
    const view = viewOf(buffer);
    const shift = buffer.byteOffset;
    const addresses = this.#addresses;
    const lengths = this.#lengths;
    // A load of four octets may reach past the NLRI but not past the memory.
    const lastLoad = view.byteLength - 4;
    let to = from;
    let expected = hint;
    for (let at = start; at < end; ) {
      const length = buffer[at]!;
      if (length > 32) return ~(to - from);
      const next = at + 1 + ((length + 7) >>> 3);
      if (next > end) return ~(to - from);
      const load = shift + at + 1;
      const word = load <= lastLoad ? view.getInt32(load) : loadTail(buffer, at + 1, next);
      const address = word & MASKS[length]!;
      at = next;
      let id = expected;
      // Unused ids look like 0.0.0.0/0, which therefore always goes through the index.
      if (length === 0 || addresses[id] !== address || lengths[id] !== length) {
        id = add ? this.#findOrAdd(address, length) : this.#index.find(addresses, lengths, address, length);
        if (id === 0) continue;
      }
      ids[to++] = id;
      expected = id + 1;
    }
    return to - from;
  }

  #findOrAdd(address: number, length: number): number {
    const free = this.#firstFree;
    if (free === 0) {
      const id = this.#index.findOrAdd(this.#addresses, this.#lengths, address, length, this.end);
      if (id === this.end) {
        this.end++;
        this.size++;
      }
      return id;
    }
    const nextFree = this.#addresses[free]!;
    const id = this.#index.findOrAdd(this.#addresses, this.#lengths, address, length, free);
    if (id === free) {
      this.#firstFree = nextFree;
      this.size++;
    }
    return id;
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
    const addresses = this.#addresses;
    const lengths = this.#lengths;
    let position = from;
    let offset = at;
    for (; position < to; position++) {
      const id = ids[position]!;
      const length = lengths[id]!;
      const next = offset + 1 + ((length + 7) >>> 3);
      if (next > limit) break;
      bytes[offset] = length;
      view.setInt32(offset + 1, addresses[id]!);
      offset = next;
    }
    this.packedEnd = offset;
    return position;
  }

  has(id: number): boolean {
    return id > 0 && id < this.end && this.#lengths[id] !== FREE;
  }

  find(prefix: Prefix): number {
    const address = ipv4ToNumber(prefixAddress(prefix) as Ipv4Address) | 0;
    return this.#index.find(this.#addresses, this.#lengths, address, prefixLength(prefix));
  }

  /** `reserve` has been called. */
  add(prefix: Prefix): number {
    return this.#findOrAdd(ipv4ToNumber(prefixAddress(prefix) as Ipv4Address) | 0, prefixLength(prefix));
  }

  remove(id: number): void {
    this.#index.remove(this.#addresses, this.#lengths, id);
    this.#lengths[id] = FREE;
    this.#addresses[id] = 0;
    if (this.#firstFree === 0) this.#firstFree = id;
    else this.#addresses[this.#lastFree] = id;
    this.#lastFree = id;
    this.size--;
  }

  prefix(id: number): Prefix {
    return ipv4PrefixFromNumber(this.#addresses[id]!, this.#lengths[id]!);
  }

  compare(a: number, b: number): number {
    return (this.#addresses[a]! >>> 0) - (this.#addresses[b]! >>> 0) || this.#lengths[a]! - this.#lengths[b]!;
  }

  matches(id: number, range: PrefixRange): boolean {
    const length = this.#lengths[id]!;
    return (
      range.family === 'ipv4' &&
      length >= range.minLength &&
      length <= range.maxLength &&
      ((this.#addresses[id]! ^ range.words[0]!) & range.masks[0]!) === 0
    );
  }

  writeWords(id: number, into: Int32Array, at: number): void {
    into[at] = this.#addresses[id]!;
  }

  lengthOf(id: number): number {
    return this.#lengths[id]!;
  }
}

/** Up to four octets at the very end of the memory. */
function loadTail(buffer: Uint8Array, start: number, end: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word = (word << 8) | (start + i < end ? buffer[start + i]! : 0);
  return word;
}
