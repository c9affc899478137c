/** The IPv4 columns and their index against a Map, on sequences of additions, look-ups and removals. */
import test from 'ava';
import fc from 'fast-check';
import { Ipv4Prefixes } from '../../../bgp/rib/ipv4-prefixes.js';
import { PACK_SLACK } from '../../../bgp/rib/prefix-table.js';
import { encodeNlri, Writer } from '../../../bgp/wire/index.js';
import { ipv4FromNumber } from '../../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../../core/prefix.js';
import { prefix, prefixRange } from './wire-peer.js';

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

// Few addresses and neighbours, so that prefixes come back, collide and are removed from full lines.
const anyPrefix = fc
  .tuple(fc.integer({ min: 0, max: 300 }), fc.constantFrom(0, 1, 8, 20, 24, 24, 24, 25, 31, 32), fc.boolean())
  .map(([n, length, far]) => prefixOf(ipv4FromNumber(far ? n * 0x00d1e5f7 : 0x0a000000 + n * 256), length));

const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'find', 'remove'),
  prefixes: fc.array(anyPrefix, { maxLength: 60 }),
  hint: fc.nat(40),
});

test('ids are those of a Map, whatever is added, removed and hinted', t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const table = new Ipv4Prefixes();
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
        const count = table.readNlri(bytes, 0, bytes.length, into, 0, hint, kind === 'add');
        const expected = kind === 'add' ? prefixes : prefixes.filter(each => ids.has(each));
        if (count !== expected.length) return false;
        for (const [i, each] of expected.entries()) {
          const id = into[i]!;
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

test('what was freed is given out again in the same order', t => {
  const table = new Ipv4Prefixes();
  const first = prefixRange('20.0.0.0', 24, 100);
  table.reserve(1000);
  const ids = first.map(each => table.add(each));
  for (const id of ids) table.remove(id);
  t.deepEqual(
    prefixRange('30.0.0.0', 24, 100).map(each => table.add(each)),
    ids,
  );
  t.is(table.find(first[0]!), 0);
});

test('grows past its first capacity without losing a prefix', t => {
  const table = new Ipv4Prefixes();
  const prefixes = prefixRange('20.0.0.0', 28, 70_000);
  for (const each of prefixes) {
    table.reserve(1);
    table.add(each);
  }
  t.true(prefixes.every((each, i) => table.find(each) === i + 1));
});

test('packs what it read, as much as fits', t => {
  const table = new Ipv4Prefixes();
  const prefixes = [
    '0.0.0.0/0',
    '128.0.0.0/1',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.2.0/23',
    '10.1.2.3/32',
  ].map(prefix);
  const bytes = nlriOf(prefixes);
  const ids = new Int32Array(16);
  table.reserve(bytes.length);
  const count = table.readNlri(bytes, 0, bytes.length, ids, 0, 0, true);
  for (let limit = 0; limit <= bytes.length; limit++) {
    const out = new Uint8Array(limit + PACK_SLACK);
    const view = new DataView(out.buffer);
    const packed = table.packNlri(ids, 0, count, out, view, 0, limit);
    t.deepEqual(out.slice(0, table.packedEnd), nlriOf(prefixes.slice(0, packed)));
    t.true(table.packedEnd <= limit);
  }
  t.is(table.packNlri(ids, 0, count, new Uint8Array(64), new DataView(new ArrayBuffer(64)), 0, 64), count);
});

test('a truncated prefix or one longer than 32 bits is malformed, and how many came before is said', t => {
  const table = new Ipv4Prefixes();
  const ids = new Int32Array(16);
  table.reserve(16);
  for (const [before, bytes] of [
    [0, [33, 1, 2, 3, 4, 5]],
    [0, [24, 1, 2]],
    [1, [8, 10, 32, 1, 2, 3]],
    [0, [1]],
  ] as const) {
    t.is(table.readNlri(Uint8Array.from(bytes), 0, bytes.length, ids, 0, 0, true), ~before);
  }
});
