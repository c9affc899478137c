/** The prefixes that a policy rule speaks of, as words and masks: one for IPv4, four for IPv6. */
import { type AddressFamily, addressBits, addressToBytes } from '../../core/ip-address.js';
import { prefixAddress, prefixFamily, prefixLength } from '../../core/prefix.js';
import type { RoutePolicyRule } from '../speaker/route-policy.js';

/** Prefixes inside another one, with lengths from and to. */
export interface PrefixRange {
  readonly family: AddressFamily;
  readonly words: Int32Array;
  readonly masks: Int32Array;
  readonly minLength: number;
  readonly maxLength: number;
  /** The rule speaks of all the others. */
  readonly negated: boolean;
}

export function rangeOf(within: NonNullable<RoutePolicyRule['within']>): PrefixRange {
  const family = prefixFamily(within.prefix);
  const bytes = addressToBytes(prefixAddress(within.prefix));
  const view = new DataView(bytes.buffer);
  const length = prefixLength(within.prefix);
  const count = addressBits(family) / 32;
  const words = new Int32Array(count);
  const masks = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const bits = Math.min(32, Math.max(0, length - 32 * i));
    words[i] = view.getInt32(4 * i);
    masks[i] = bits === 0 ? 0 : -1 << (32 - bits);
  }
  return {
    family,
    words,
    masks,
    minLength: Math.max(length, within.minLength),
    maxLength: within.maxLength,
    negated: within.negated === true,
  };
}
