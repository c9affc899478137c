/**
 * Which addresses of a block are given out next (pure): those that never were, from the first on, then those that were released, the
 * longest free first, once their cooldown is over.
 */
import type { IpAddress } from '../core/ip-address.js';
import { prefixFamily } from '../core/prefix.js';
import type { IPAMBlockResource } from '../core/resources/cluster-documents.js';
import {
  type AddressRange,
  addressNumber,
  addressOf,
  gaps,
  isInRanges,
  joined,
  rangeOf,
} from './address-numbers.js';

type Block = IPAMBlockResource['spec'];

export interface FreeRules {
  readonly nowUnixMs: number;
  readonly cooldownMs: number;
  /** Reserved, or in a block of somebody else's inside this one; as `joined` makes them. */
  readonly excluded: readonly AddressRange[];
  /** Without an allocation: a document says that somebody has it. */
  readonly isUsed: (address: IpAddress) => boolean;
}

/** Released addresses that a block remembers; a large one gives them out again before all others have been used once. */
export const MOST_RELEASED = 4096;

/** At most `count`, in the order in which they are to be taken. */
export function freeAddresses(block: Block, count: number, rules: FreeRules): readonly IpAddress[] {
  const again = () => releasedAddresses(block, rules);
  if (block.released.length >= MOST_RELEASED) {
    const first = take(again(), count);
    return [...first, ...take(freshAddresses(block, rules), count - first.length)];
  }
  const fresh = take(freshAddresses(block, rules), count);
  return fresh.length === count ? fresh : [...fresh, ...take(again(), count - fresh.length)];
}

function* freshAddresses(block: Block, { excluded, isUsed }: FreeRules): Generator<IpAddress> {
  const family = prefixFamily(block.cidr);
  const known = [...block.allocations, ...block.released].map(({ address }) => single(address));
  for (const { first, last } of gaps(rangeOf(block.cidr), joined([...known, ...excluded]))) {
    for (let value = first; value <= last; value++) {
      const address = addressOf(family, value);
      if (!isUsed(address)) yield address;
    }
  }
}

function* releasedAddresses(
  block: Block,
  { nowUnixMs, cooldownMs, excluded, isUsed }: FreeRules,
): Generator<IpAddress> {
  for (const { address, releasedUnixMs } of block.released) {
    if (!isCool(releasedUnixMs, nowUnixMs, cooldownMs)) continue;
    if (!isInRanges(excluded, addressNumber(address)) && !isUsed(address)) yield address;
  }
}

/** A time to come is of a clock that was wrong: it must not keep an address back for ever. */
function isCool(releasedUnixMs: number, nowUnixMs: number, cooldownMs: number): boolean {
  return Math.abs(nowUnixMs - releasedUnixMs) >= cooldownMs;
}

function single(address: IpAddress): AddressRange {
  const value = addressNumber(address);
  return { first: value, last: value };
}

function take<T>(from: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  if (count <= 0) return taken;
  for (const each of from) {
    taken.push(each);
    if (taken.length === count) break;
  }
  return taken;
}
