/**
 * The most specific of a few prefixes that covers another: pools, blocks. Pure. Hot path: asked once per route of a table; IPv4 goes
 * by numbers, a look-up per distinct length.
 */
import {
  ipv4PrefixToNumber,
  type Prefix,
  prefixContains,
  prefixFamily,
  prefixLength,
} from '../core/prefix.js';

export class CoveringPrefixes<V> {
  /** By length, longest first: values by network address. */
  readonly #ipv4: (readonly [number, Map<number, V>])[] = [];
  /** Longest first. */
  readonly #ipv6: (readonly [Prefix, V])[];

  constructor(entries: Iterable<readonly [Prefix, V]>) {
    const longestFirst = [...entries].sort(([a], [b]) => prefixLength(b) - prefixLength(a));
    this.#ipv6 = longestFirst.filter(([prefix]) => prefixFamily(prefix) === 'ipv6');
    for (const [prefix, value] of longestFirst) {
      if (prefixFamily(prefix) === 'ipv6') continue;
      const number = ipv4PrefixToNumber(prefix);
      const length = number & 63;
      let ofLength = this.#ipv4.at(-1);
      if (ofLength?.[0] !== length) {
        ofLength = [length, new Map()];
        this.#ipv4.push(ofLength);
      }
      ofLength[1].set((number / 64) | 0, value);
    }
  }

  /** Of the longest prefix that is equal to `inner` or contains it. */
  covering(inner: Prefix): V | undefined {
    if (prefixFamily(inner) === 'ipv6') {
      return this.#ipv6.find(([prefix]) => prefixContains(prefix, inner))?.[1];
    }
    const number = ipv4PrefixToNumber(inner);
    const innerLength = number & 63;
    const address = (number / 64) | 0;
    for (const [length, values] of this.#ipv4) {
      if (length > innerLength) continue;
      // A shift by 32 would be one by 0.
      const found = values.get(length === 0 ? 0 : address & (-1 << (32 - length)));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
