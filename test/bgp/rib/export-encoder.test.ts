/** The octet-patching encoder against `exportPath` and `encodeAttributes`, on random attributes. */
import test from 'ava';
import fc from 'fast-check';
import { AttributeStore } from '../../../bgp/rib/attribute-store.js';
import { ExportEncoder } from '../../../bgp/rib/export-encoder.js';
import { exportPath, exportViewOf } from '../../../bgp/rib/export-view.js';
import { NextHops } from '../../../bgp/rib/next-hops.js';
import { PathStore } from '../../../bgp/rib/path-store.js';
import { newSession, Sources } from '../../../bgp/rib/sources.js';
import { decodeAttributes, encodeAttributes, type PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { contextOf, prefix, ribPeer } from './wire-peer.js';

const u32 = fc.integer({ min: 1, max: 0xffffffff });
const optionally = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const segment = fc.record({
  type: fc.constantFrom('sequence' as const, 'set' as const),
  asns: fc.oneof(
    fc.array(u32, { minLength: 1, maxLength: 4 }),
    fc.array(u32, { minLength: 60, maxLength: 255 }),
  ),
});
const community = fc.oneof(u32, fc.constantFrom(0xffffff01, 0xffffff02, 0xffffff03, 0xffff0000));

const anyAttributes = fc.record({
  origin: fc.constantFrom(0, 1, 2),
  asPath: fc.array(segment, { maxLength: 3 }),
  nextHop: fc.constantFrom(0xc0000201, 0x0a000009),
  multiExitDisc: optionally(u32),
  localPref: optionally(u32),
  atomicAggregate: optionally(fc.constant(true as const)),
  aggregator: optionally(fc.record({ asn: u32, address: u32 })),
  communities: optionally(
    fc.oneof(
      fc.array(community, { minLength: 1, maxLength: 2 }),
      fc.array(u32, { minLength: 1, maxLength: 100 }),
    ),
  ),
  originatorId: optionally(u32),
  clusterList: optionally(fc.array(u32, { minLength: 1, maxLength: 3 })),
  largeCommunities: optionally(fc.array(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 3 })),
  unknown: optionally(
    fc
      .tuple(fc.constantFrom(0xc0, 0xe0), fc.constantFrom(3 + 100, 200), fc.uint8Array({ maxLength: 300 }))
      .map(([flags, type, value]) => [{ flags, type, value }]),
  ),
});

function withoutAbsent(attributes: object): PathAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

test('the fast encoder says what the slow one says', t => {
  const asn = 64512 as Asn;
  const blocks = new AttributeStore();
  const sources = new Sources();
  const shared = { sharedSubnets: [prefix('10.0.0.0/24')] };
  const from = [ribPeer('i', 64512, '10.0.0.1'), ribPeer('e', 65001, '10.0.0.2')];
  const to = [ribPeer('ti', 64512, '10.0.0.3'), ribPeer('te', 65002, '10.0.0.4', shared)];
  let told = 0;
  fc.assert(
    fc.property(
      anyAttributes,
      fc.constantFrom(...from),
      fc.constantFrom(...to),
      (attributes, source, target) => {
        const paths = new PathStore(blocks, new NextHops(), asn, '9.9.9.9' as Ipv4Address);
        const context = contextOf(source);
        const bytes = encodeAttributes(withoutAbsent(attributes), context);
        if (bytes.length > 3600) return true;
        const session = newSession(sources.enter(source.key), source);
        const path = paths.of(session, blocks.intern(bytes, 0, bytes.length, context), true);
        const view = exportViewOf(target, 'ipv4-unicast');
        const encoder = new ExportEncoder(view);
        const slow = exportPath(path, view);
        const fast = encoder.encode(path);
        if (slow === undefined || !fast) return fast === false && slow === undefined;
        told++;
        const encoded = decodeAttributes(encoder.message, 23, encoder.length, contextOf(target));
        const expected = encodeAttributes(slow.attributes, contextOf(target));
        t.deepEqual(encoded, decodeAttributes(expected, 0, expected.length, contextOf(target)));
        return true;
      },
    ),
    { numRuns: 1000 },
  );
  t.true(told > 300);
});
