import test from 'ava';
import fc from 'fast-check';
import { type IpAddress, ipv4FromNumber, parseIpAddress } from '../../core/ip-address.js';
import {
  comparePrefixes,
  hostPrefix,
  ipv4PrefixFromNumber,
  isPrefix,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixContainsAddress,
  prefixesOverlap,
  prefixOf,
} from '../../core/prefix.js';

const prefix = (text: string) => text as Prefix;

test('a prefix with host bits is refused with the network it probably meant', t => {
  t.deepEqual(parsePrefix('10.244.1.7/24'), { kind: 'host-bits-set', network: prefix('10.244.1.0/24') });
  t.deepEqual(parsePrefix('2001:db8::1/64'), { kind: 'host-bits-set', network: prefix('2001:db8::/64') });
});

test('malformed prefixes are refused', t => {
  for (const bad of [
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    'x/8',
    '10.0.0/8',
  ]) {
    t.deepEqual(parsePrefix(bad), { kind: 'malformed' }, bad);
  }
});

test('prefixes are canonical text', t => {
  t.is<unknown, unknown>(parsePrefix('2001:DB8:0::/48'), '2001:db8::/48');
  t.is<unknown, unknown>(parsePrefix('0.0.0.0/0'), '0.0.0.0/0');
  t.is<unknown, unknown>(ipv4PrefixFromNumber(0x0af40100 | 0, 24), '10.244.1.0/24');
  t.is<unknown, unknown>(hostPrefix(parseIpAddress('::1') as IpAddress), '::1/128');
});

test('containment agrees with masking both addresses bit by bit', t => {
  const address = fc.integer({ min: 0, max: 0xffffffff });
  const length = fc.integer({ min: 0, max: 32 });
  fc.assert(
    fc.property(address, length, address, length, fc.boolean(), (a, aLength, b, bLength, related) => {
      const outer = prefixOf(ipv4FromNumber(a), aLength);
      const inner = prefixOf(ipv4FromNumber(related ? a : b), bLength);
      const bits = (value: number) => value.toString(2).padStart(32, '0').slice(0, aLength);
      const expected = bLength >= aLength && bits(a) === bits(related ? a : b);
      return isPrefix(parsePrefix(outer)) && prefixContains(outer, inner) === expected;
    }),
  );
  t.true(prefixContainsAddress(prefix('10.0.0.0/8'), ipv4FromNumber(0x0a010203)));
  t.false(prefixContains(prefix('0.0.0.0/0'), prefix('::/0')));
  t.true(prefixesOverlap(prefix('10.0.0.0/24'), prefix('10.0.0.0/8')));
  t.false(prefixesOverlap(prefix('10.0.0.0/24'), prefix('10.0.1.0/24')));
});

test('prefixes order by address, then shorter first', t => {
  const ordered = ['0.0.0.0/0', '9.0.0.0/8', '10.0.0.0/8', '10.0.0.0/24', '10.0.1.0/24', '::/0'].map(prefix);
  t.deepEqual([...ordered].reverse().sort(comparePrefixes), ordered);
});
