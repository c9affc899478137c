/**
 * In which order a host tries a pool's blocks (pure): each host in another one, the same every time, so that hosts that claim at the same
 * moment seldom want the same block, and one that comes back finds what it had before.
 *
 * The i-th block has the number (start + i * stride) mod n. A pool has a power of two of blocks, so that every odd stride leads through all.
 */
import { addressBits } from '../core/ip-address.js';
import { type Prefix, prefixFamily, prefixLength } from '../core/prefix.js';
import { sha224 } from '../core/sha224.js';
import {
  type AddressRange,
  addressOf,
  intersection,
  isInRanges,
  joined,
  rangeOf,
} from './address-numbers.js';

/** Of a pool most of whose blocks are taken, no more than these are tried. */
const MOST_TRIED = 200_000;

/** Blocks of `blockSize` in the pool that overlap with none of those that are taken, in the host's order. */
export function* freeBlocks(
  pool: Prefix,
  blockSize: number,
  host: string,
  taken: Iterable<Prefix>,
): Generator<Prefix> {
  const count = blockCount(pool, blockSize);
  const takenBlocks = joined([...taken].flatMap(cidr => blockNumbers(pool, blockSize, cidr) ?? []));
  const free = takenBlocks.reduce((left, { first, last }) => left - (last - first + 1n), count);
  const [start, stride] = seeds(`${host} ${pool}`, count);
  let left = free;
  for (let i = 0n; i < count && i < MOST_TRIED && left > 0n; i++) {
    const number = (start + i * stride) % count;
    if (isInRanges(takenBlocks, number)) continue;
    left--;
    yield blockAt(pool, blockSize, number);
  }
}

/** The same walk over things that are there: host-seeded, each once. */
export function hostOrder<T>(things: readonly T[], host: string, nameOf: (thing: T) => string): readonly T[] {
  const keyed = things.map(thing => ({ thing, key: hashNumber(`${host} ${nameOf(thing)}`) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ thing }) => thing);
}

export function blockCount(pool: Prefix, blockSize: number): bigint {
  return 1n << BigInt(blockSize - prefixLength(pool));
}

/** The numbers of the pool's blocks that overlap with `cidr`; undefined: none. */
function blockNumbers(pool: Prefix, blockSize: number, cidr: Prefix): AddressRange | undefined {
  if (prefixFamily(pool) !== prefixFamily(cidr)) return undefined;
  const whole = rangeOf(pool);
  const part = intersection(whole, rangeOf(cidr));
  if (part === undefined) return undefined;
  const shift = BigInt(addressBits(prefixFamily(pool)) - blockSize);
  return { first: (part.first - whole.first) >> shift, last: (part.last - whole.first) >> shift };
}

function blockAt(pool: Prefix, blockSize: number, number: bigint): Prefix {
  const family = prefixFamily(pool);
  const shift = BigInt(addressBits(family) - blockSize);
  return `${addressOf(family, rangeOf(pool).first + (number << shift))}/${blockSize}` as Prefix;
}

function seeds(text: string, count: bigint): readonly [start: bigint, stride: bigint] {
  const number = hashNumber(text);
  return [number % count, ((number >> 112n) % count) | 1n];
}

/** 224 bits. */
function hashNumber(text: string): bigint {
  return sha224(text).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
