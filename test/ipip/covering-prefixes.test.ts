import test from 'ava';
import fc from 'fast-check';
import { type IpAddress, ipv4FromNumber } from '../../core/ip-address.js';
import { type Prefix, prefixContains, prefixLength, prefixOf } from '../../core/prefix.js';
import { CoveringPrefixes } from '../../ipip/covering-prefixes.js';

/** Few bits vary, so that prefixes meet. */
const ipv4 = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.constantFrom(0, 1, 8, 28, 29, 30, 31, 32))
  .map(([bits, length]) => prefixOf(ipv4FromNumber(((bits >> 2) << 30) | (bits & 3)), length));
const ipv6 = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.constantFrom(0, 1, 64, 124, 126, 128))
  .map(([bits, length]) => prefixOf(`${bits & 8 ? 'fd' : '20'}00::${bits & 7}` as IpAddress, length));
const anyPrefix = fc.oneof(ipv4, ipv6);

test('the longest covering prefix is the one that a walk over all of them finds', t => {
  fc.assert(
    fc.property(fc.array(anyPrefix, { maxLength: 8 }), anyPrefix, (prefixes, inner) => {
      let expected: Prefix | undefined;
      for (const prefix of prefixes) {
        if (!prefixContains(prefix, inner)) continue;
        if (expected === undefined || prefixLength(prefix) > prefixLength(expected)) expected = prefix;
      }
      const covering = new CoveringPrefixes(prefixes.map(prefix => [prefix, prefix]));
      t.is(covering.covering(inner), expected);
    }),
    { numRuns: 2000 },
  );
});
