/** RFC 6793 section 4.2.3: by example, and against a slow twin that works on single hops. */
import { deepEqual } from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import type { AsPath } from '../../../../bgp/wire/attributes/as-path.js';
import { mergeAs4Path } from '../../../../bgp/wire/attributes/as4-merge.js';
import { decodeAttributes, encodeAttributes } from '../../../../bgp/wire/attributes/codec.js';
import { hex } from '../../../support/hex.js';
import { asPath } from '../../../support/wire-arbitraries.js';

const sequence = (...asns: number[]) => ({ type: 'sequence', asns }) as const;
const set = (...asns: number[]) => ({ type: 'set', asns }) as const;

const examples: readonly (readonly [string, AsPath, AsPath, AsPath])[] = [
  [
    'the path passed two old speakers at its end',
    [sequence(65001, 23456, 23456)],
    [sequence(200000, 200001)],
    [sequence(65001, 200000, 200001)],
  ],
  ['both are as long: AS4_PATH', [sequence(23456, 23456)], [sequence(200000, 1)], [sequence(200000, 1)]],
  ['AS_PATH is the shorter one: AS_PATH', [sequence(23456)], [sequence(1, 2)], [sequence(23456)]],
  [
    'a set counts as one and goes over whole',
    [set(65001, 65002), sequence(65003, 23456)],
    [sequence(200000)],
    [set(65001, 65002), sequence(65003, 200000)],
  ],
  [
    'a set in AS4_PATH stands for one hop',
    [sequence(65001, 65002), set(23456, 23456)],
    [set(200000, 200001)],
    [sequence(65001, 65002), set(200000, 200001)],
  ],
  [
    'segments of AS4_PATH stay as they are',
    [sequence(23456, 23456)],
    [sequence(200000), sequence(200001)],
    [sequence(200000), sequence(200001)],
  ],
];

for (const [name, path, as4Path, expected] of examples) {
  test(`${name}`, t => {
    t.deepEqual(mergeAs4Path(path, as4Path), expected);
  });
}

/** One entry for each hop: a number, or a set. */
function hops(path: AsPath): readonly (number | readonly number[])[] {
  return path.flatMap<number | readonly number[]>(({ type, asns }) => (type === 'set' ? [asns] : asns));
}

function slowMerge(path: AsPath, as4Path: AsPath): readonly (number | readonly number[])[] {
  const all = hops(path);
  const real = hops(as4Path);
  return all.length < real.length ? all : [...all.slice(0, all.length - real.length), ...real];
}

test('any two paths merge hop by hop as the slow twin does it, and fit the wire', t => {
  fc.assert(
    fc.property(asPath, asPath, (path, as4Path) => {
      const merged = mergeAs4Path(path, as4Path);
      deepEqual(hops(merged), slowMerge(path, as4Path));
      return merged.every(({ asns }) => asns.length > 0 && asns.length <= 255);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('any path comes through old speakers that prepend', t => {
  const old = { fourOctetAs: false, ibgp: false };
  fc.assert(
    fc.property(asPath, fc.array(fc.integer({ min: 1, max: 65535 }), { maxLength: 4 }), (path, prepended) => {
      const sent = encodeAttributes({ asPath: path }, old);
      const before = hex(prepended.map(each => `0201${each.toString(16).padStart(4, '0')}`).join(''));
      const received = prependToAsPath(sent, before);
      const { attributes } = decodeAttributes(received, 0, received.length, old);
      deepEqual(hops(attributes.asPath ?? []), [...prepended, ...hops(path)]);
    }),
  );
  t.pass();
});

/** Puts segments at the beginning of the AS_PATH, which is the first attribute. */
function prependToAsPath(attributes: Uint8Array, segments: Uint8Array): Uint8Array {
  const extended = (attributes[0]! & 0x10) !== 0;
  const value = extended ? 4 : 3;
  const length = (extended ? (attributes[2]! << 8) | attributes[3]! : attributes[2]!) + segments.length;
  return Uint8Array.of(0x50, 2, length >>> 8, length & 255, ...segments, ...attributes.subarray(value));
}

const old = { fourOctetAs: false, ibgp: false };

test('AGGREGATOR with AS_TRANS takes its number from AS4_AGGREGATOR', t => {
  const bytes = hex('c0 07 06 5ba0 0a000001 c0 12 08 00030d40 0a000002');
  t.deepEqual(decodeAttributes(bytes, 0, bytes.length, old).attributes, {
    aggregator: { asn: 200000, address: 0x0a000002 },
  });
});

test('AGGREGATOR with a real number makes AS4_AGGREGATOR and AS4_PATH outdated', t => {
  const bytes = hex(
    '40 02 04 02 01 5ba0 c0 07 06 fde9 0a000001 c0 11 06 02 01 00030d40 c0 12 08 00030d40 0a000002',
  );
  t.deepEqual(decodeAttributes(bytes, 0, bytes.length, old).attributes, {
    asPath: [sequence(23456)],
    aggregator: { asn: 65001, address: 0x0a000001 },
  });
});

test('AGGREGATOR with a real number and no AS4_AGGREGATOR leaves AS4_PATH in force', t => {
  const bytes = hex('40 02 04 02 01 5ba0 c0 07 06 fde9 0a000001 c0 11 06 02 01 00030d40');
  t.deepEqual(decodeAttributes(bytes, 0, bytes.length, old).attributes.asPath, [sequence(200000)]);
});

test('confederation segments in AS4_PATH are dropped, the rest stands (RFC 6793 section 6)', t => {
  const bytes = hex('40 02 06 02 02 fde9 5ba0 c0 11 0c 03 01 0000fdea 02 01 00030d40');
  t.deepEqual(decodeAttributes(bytes, 0, bytes.length, old).attributes.asPath, [sequence(65001, 200000)]);
});
