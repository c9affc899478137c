/** The columns of each family and their index against a Map, on sequences of additions, look-ups and removals. */
import test from 'ava';
import fc from 'fast-check';
import { Ipv4Prefixes } from '../../../bgp/rib/ipv4-prefixes.js';
import { Ipv6Prefixes } from '../../../bgp/rib/ipv6-prefixes.js';
import { PACK_SLACK, type PrefixTable } from '../../../bgp/rib/prefix-table.js';
import { encodeNlri, Writer } from '../../../bgp/wire/index.js';
import { addressFromBytes, ipv4FromNumber } from '../../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../../core/prefix.js';
import { Random } from '../../support/random.js';
import { prefix } from './wire-peer.js';

function nlriOf(prefixes: readonly Prefix[], bitsBeyond = 0): Uint8Array {
  const writer = new Writer();
  encodeNlri(writer, prefixes);
  const bytes = writer.finish();
  for (let at = 0; at < bytes.length; at += 1 + ((bytes[at]! + 7) >>> 3)) {
    const length = bytes[at]!;
    if ((length & 7) !== 0) bytes[at + ((length + 7) >>> 3)]! |= bitsBeyond & (0xff >>> (length & 7));
  }
  return bytes;
}

/** The IPv6 prefix whose first words these are. */
function prefix6(length: number, ...words: readonly number[]): Prefix {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word);
  return prefixOf(addressFromBytes('ipv6', bytes, 0), length);
}

interface FamilyUnderTest {
  readonly newTable: () => PrefixTable;
  /** Few and neighbours, so that prefixes come back, collide and are removed from full lines. */
  readonly any: fc.Arbitrary<Prefix>;
  /** `count` in a row, apart from those of another `base`. */
  readonly row: (base: number, count: number) => Prefix[];
  /** In order. */
  readonly samples: readonly Prefix[];
  /** How many are read before the field is found to be malformed, and its octets. */
  readonly malformed: readonly (readonly [number, readonly number[]])[];
}

const families: Readonly<Record<string, FamilyUnderTest>> = {
  IPv4: {
    newTable: () => new Ipv4Prefixes(),
    any: fc
      .tuple(
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 1, 8, 20, 24, 24, 24, 25, 31, 32),
        fc.boolean(),
      )
      .map(([n, length, far]) =>
        prefixOf(ipv4FromNumber(far ? n * 0x00d1e5f7 : 0x0a000000 + n * 256), length),
      ),
    row: (base, count) =>
      Array.from({ length: count }, (_, i) => prefixOf(ipv4FromNumber(base * 2 ** 24 + i * 16), 28)),
    samples: ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/23', '10.1.2.3/32', '128.0.0.0/1'].map(
      prefix,
    ),
    malformed: [
      [0, [33, 1, 2, 3, 4, 5]],
      [0, [24, 1, 2]],
      [1, [8, 10, 32, 1, 2, 3]],
      [0, [1]],
    ],
  },
  IPv6: {
    newTable: () => new Ipv6Prefixes(),
    any: fc
      .tuple(
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 1, 16, 32, 33, 48, 48, 48, 64, 65, 96, 127, 128),
        fc.nat(2),
      )
      .map(([n, length, where]) =>
        prefix6(length, 0x20010db8, where === 0 ? n << 16 : 0, where === 1 ? n : 0, where === 2 ? n : 0),
      ),
    row: (base, count) => Array.from({ length: count }, (_, i) => prefix6(64, base * 2 ** 24, i)),
    samples: [
      '::/0',
      '2001:db8::/32',
      '2001:db8:8000::/33',
      '8000::/1',
      'fd00::5/128',
      'fd00:1:2:3::/64',
    ].map(prefix),
    malformed: [
      [0, [129, ...Array.from({ length: 17 }, () => 1)]],
      [0, [48, 1, 2, 3, 4, 5]],
      [1, [16, 0x20, 1, 128, 1, 2, 3]],
      [0, [1]],
    ],
  },
};

for (const [name, { newTable, any, row, samples, malformed }] of Object.entries(families)) {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'find', 'remove'),
    prefixes: fc.array(any, { maxLength: 60 }),
    hint: fc.nat(40),
  });

  test(`${name}: ids are those of a Map, whatever is added, removed and hinted`, t => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), steps => {
        const table = newTable();
        const ids = new Map<Prefix, number>();
        const into = new Int32Array(64);
        for (const { kind, prefixes, hint } of steps) {
          if (kind === 'remove') {
            for (const each of prefixes) {
              const id = ids.get(each);
              if (id !== undefined) table.remove(id);
              ids.delete(each);
            }
            continue;
          }
          const bytes = nlriOf(prefixes, 0xff);
          table.reserve(bytes.length);
          const count = table.readNlri(bytes, 0, bytes.length, into, 3, hint, kind === 'add');
          const expected = kind === 'add' ? prefixes : prefixes.filter(each => ids.has(each));
          if (count !== expected.length) return false;
          for (const [i, each] of expected.entries()) {
            const id = into[3 + i]!;
            if ((ids.get(each) ?? id) !== id || table.prefix(id) !== each) return false;
            ids.set(each, id);
          }
        }
        if (table.size !== ids.size || new Set(ids.values()).size !== ids.size) return false;
        return [...ids].every(([each, id]) => table.find(each) === id && table.has(id));
      }),
      { numRuns: 500 },
    );
    t.pass();
  });

  test(`${name}: what was freed is given out again in the same order`, t => {
    const table = newTable();
    const first = row(20, 100);
    table.reserve(1000);
    const ids = first.map(each => table.add(each));
    for (const id of ids) table.remove(id);
    t.deepEqual(
      row(30, 100).map(each => table.add(each)),
      ids,
    );
    t.is(table.find(first[0]!), 0);
  });

  test(`${name}: grows past its first capacity without losing a prefix`, t => {
    const table = newTable();
    const prefixes = row(20, 70_000);
    for (const each of prefixes) {
      table.reserve(1);
      table.add(each);
    }
    t.true(prefixes.every((each, i) => table.find(each) === i + 1));
  });

  test(`${name}: packs what it read, as much as fits`, t => {
    const table = newTable();
    const bytes = nlriOf(samples);
    const ids = new Int32Array(16);
    table.reserve(bytes.length);
    const count = table.readNlri(bytes, 0, bytes.length, ids, 0, 0, true);
    for (let limit = 0; limit <= bytes.length; limit++) {
      const out = new Uint8Array(limit + PACK_SLACK);
      const view = new DataView(out.buffer);
      const packed = table.packNlri(ids, 0, count, out, view, 0, limit);
      t.deepEqual(out.slice(0, table.packedEnd), nlriOf(samples.slice(0, packed)));
      t.true(table.packedEnd <= limit);
    }
    t.is(table.packNlri(ids, 0, count, new Uint8Array(96), new DataView(new ArrayBuffer(96)), 0, 64), count);
  });

  test(`${name}: prefixes compare by address, then by length`, t => {
    const table = newTable();
    table.reserve(samples.length);
    const reversed = [...samples].reverse();
    t.deepEqual(
      reversed.sort((a, b) => table.compare(table.add(a), table.add(b))),
      samples,
    );
  });

  test(`${name}: a truncated prefix or one that is too long is malformed, and how many came before is said`, t => {
    const table = newTable();
    const ids = new Int32Array(16);
    table.reserve(16);
    for (const [before, bytes] of malformed) {
      t.is(table.readNlri(Uint8Array.from(bytes), 0, bytes.length, ids, 0, 0, true), ~before);
    }
  });
}

test('IPv6: prefixes of one hash are told apart', t => {
  // Of so many some dozens share their 32 bits with another one.
  const random = new Random(1);
  const prefixes = Array.from({ length: 300_000 }, () =>
    prefix6(64, 0x20010000 + random.below(0x10000), random.below(2 ** 32)),
  );
  const table = new Ipv6Prefixes();
  table.reserve(prefixes.length);
  const ids = new Map(prefixes.map(each => [each, table.add(each)]));
  t.is(table.size, ids.size);
  let odd = false;
  for (const [each, id] of ids) {
    odd = !odd;
    if (!odd) continue;
    table.remove(id);
    ids.delete(each);
  }
  t.true([...ids].every(([each, id]) => table.find(each) === id && table.prefix(id) === each));
  t.true(prefixes.every(each => ids.has(each) || table.find(each) === 0));
});
