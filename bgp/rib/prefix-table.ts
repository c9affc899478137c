/**
 * The prefixes of one family as columns behind dense ids. Everything above this line (paths, selection, output) speaks of
 * prefixes by id only, so that a family is one more implementation of this interface and nothing else.
 *
 * Ids begin at 1; 0 says "none". An id is given out again, in the order in which ids were freed, once `remove` has been called:
 * a peer that repeats its order then still finds its prefixes at consecutive ids.
 */
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import type { PrefixRange } from './prefix-range.js';

export interface PrefixTable {
  readonly family: Family;
  /** Ids in use are below this one. */
  readonly end: number;
  /** Length that columns indexed by id must have. */
  readonly capacity: number;
  /** Prefixes in the table. */
  readonly size: number;

  /** Makes room for `count` more; true if `capacity` grew, so that every column has to follow. */
  reserve(count: number): boolean;
  /**
   * Reads NLRI in `buffer[start, end)` into `ids` from place `from` on and returns how many; `~n` if they are malformed (RFC 7606
   * section 5.3) after `n` of them. Unknown prefixes are added if `add`, else left out. `hint` is the id that the first one probably
   * has. Hot path.
   */
  readNlri(
    buffer: Uint8Array,
    start: number,
    end: number,
    ids: Int32Array,
    from: number,
    hint: number,
    add: boolean,
  ): number;
  /**
   * Writes the NLRI of `ids[from, to)` at `at`, as many as fit below `limit`, and returns the position in `ids` it came to.
   * `packedEnd` then says where the bytes end. `bytes` has {@link PACK_SLACK} more octets than `limit`. Hot path.
   */
  packNlri(
    ids: Int32Array,
    from: number,
    to: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    limit: number,
  ): number;
  readonly packedEnd: number;

  has(id: number): boolean;
  find(prefix: Prefix): number;
  add(prefix: Prefix): number;
  remove(id: number): void;
  prefix(id: number): Prefix;
  /** Address and length order. */
  compare(a: number, b: number): number;
  matches(id: number, range: PrefixRange): boolean;
  /** The address words of a prefix into a best-route batch. */
  writeWords(id: number, into: Int32Array, at: number): void;
  lengthOf(id: number): number;
  /** Words of an address: 1 or 4. */
  readonly words: number;
}

/** Octets past the limit that a packer may write and then take back. */
export const PACK_SLACK = 32;

/**
 * Column lengths. The third one is for millions: its pages cost nothing until they are touched, so a table that has outgrown a
 * small one never stops to copy a large one. Small tables (a test, a simulated host) stay small.
 */
const capacities = [1 << 10, 1 << 16, 1 << 22];

export const initialCapacity = capacities[0]!;

export function capacityFor(needed: number): number {
  for (const capacity of capacities) if (needed <= capacity) return capacity;
  let capacity = capacities.at(-1)!;
  while (capacity < needed) capacity *= 2;
  return capacity;
}

export function grownInt32(column: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(capacity);
  grown.set(column);
  return grown;
}

export function grownUint8(column: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(capacity);
  grown.set(column);
  return grown;
}

export function grownUint16(column: Uint16Array, capacity: number): Uint16Array<ArrayBuffer> {
  const grown = new Uint16Array(capacity);
  grown.set(column);
  return grown;
}
