/**
 * Addresses as numbers (pure): blocks may be of any size, an IPv6 pool may have more of them than a `number` counts. Ranges are of
 * addresses, both ends included.
 */
import {
  type AddressFamily,
  addressBits,
  addressFromBytes,
  addressToBytes,
  type IpAddress,
} from '../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../core/prefix.js';

export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

export function addressNumber(address: IpAddress): bigint {
  let value = 0n;
  for (const byte of addressToBytes(address)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The inverse of {@link addressNumber}. */
export function addressOf(family: AddressFamily, value: bigint): IpAddress {
  const bytes = new Uint8Array(addressBits(family) / 8);
  for (let i = bytes.length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return addressFromBytes(family, bytes);
}

export function rangeOf(prefix: Prefix): AddressRange {
  const first = addressNumber(prefixAddress(prefix));
  return { first, last: first + addressCount(prefix) - 1n };
}

export function addressCount(prefix: Prefix): bigint {
  return 1n << BigInt(addressBits(prefixFamily(prefix)) - prefixLength(prefix));
}

/** What both have; undefined: nothing. */
export function intersection(a: AddressRange, b: AddressRange): AddressRange | undefined {
  const { first } = a.first > b.first ? a : b;
  const { last } = a.last < b.last ? a : b;
  return first <= last ? { first, last } : undefined;
}

/** In order, overlapping and neighbouring ones joined. */
export function joined(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const result: AddressRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = result.at(-1);
    if (before === undefined || range.first > before.last + 1n) result.push(range);
    else if (range.last > before.last) result[result.length - 1] = { first: before.first, last: range.last };
  }
  return result;
}

/** What of `whole` is in none of the ranges. @param taken as {@link joined} makes them */
export function* gaps(whole: AddressRange, taken: readonly AddressRange[]): Generator<AddressRange> {
  let next = whole.first;
  for (const { first, last } of taken) {
    if (last < next) continue;
    if (first > whole.last) break;
    if (first > next) yield { first: next, last: first - 1n };
    next = last + 1n;
  }
  if (next <= whole.last) yield { first: next, last: whole.last };
}

/** @param ranges as {@link joined} makes them */
export function isInRanges(ranges: readonly AddressRange[], value: bigint): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle] as AddressRange).last < value) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found.first <= value;
}
