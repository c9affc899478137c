/** The octet-patching encoder against `exportPath` and `encodeAttributes`, on random attributes. */
import test from 'ava';
import fc from 'fast-check';
import { AttributeStore } from '../../../bgp/rib/attribute-store.js';
import { ExportEncoder } from '../../../bgp/rib/export-encoder.js';
import { exportPath, exportViewOf } from '../../../bgp/rib/export-view.js';
import { NextHops } from '../../../bgp/rib/next-hops.js';
import { PathStore } from '../../../bgp/rib/path-store.js';
import { accepted } from '../../../bgp/rib/policy.js';
import { newSession, Sources } from '../../../bgp/rib/sources.js';
import { decodeAttributes, encodeAttributes, type PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { hex } from '../../support/hex.js';
import { contextOf, prefix, ribPeer } from './wire-peer.js';

const CLUSTER = 0xf4000001;
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

/** Transitive and not (RFC 4360 section 3). */
const extendedCommunity = fc
  .tuple(fc.constantFrom(0x00, 0x01, 0x40, 0x43), fc.uint8Array({ minLength: 7, maxLength: 7 }))
  .map(([type, rest]) => Uint8Array.of(type, ...rest));

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
  extendedCommunities: optionally(fc.array(extendedCommunity, { minLength: 1, maxLength: 3 })),
  largeCommunities: optionally(fc.array(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 3 })),
  unknown: optionally(
    fc
      .tuple(fc.constantFrom(0xc0, 0xe0), fc.constantFrom(3 + 100, 200), fc.uint8Array({ maxLength: 300 }))
      .map(([flags, type, value]) => [{ flags, type, value }]),
  ),
});

/** The flags that are the sender's: Partial, and the low four bits. */
function withSenderFlags(bytes: Uint8Array, flags: number): Uint8Array {
  const changed = bytes.slice();
  for (let at = 0; at < bytes.length; ) {
    changed[at]! |= flags;
    const extended = (bytes[at]! & 0x10) !== 0;
    at += extended ? 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!) : 3 + bytes[at + 2]!;
  }
  return changed;
}

function withoutAbsent(attributes: object): PathAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

test('the fast encoder says what the slow one says', t => {
  const asn = 64512 as Asn;
  const blocks = new AttributeStore();
  const sources = new Sources();
  const shared = { sharedSubnets: [prefix('10.0.0.0/24')] };
  const client = { routeReflectorClient: true };
  const from = [
    ribPeer('i', 64512, '10.0.0.1'),
    ribPeer('c', 64512, '10.0.0.5', client),
    ribPeer('e', 65001, '10.0.0.2'),
  ];
  const to = [
    ribPeer('ti', 64512, '10.0.0.3'),
    ribPeer('tc', 64512, '10.0.0.6', { ...client, nextHopMode: 'self' }),
    ribPeer('te', 65002, '10.0.0.4', shared),
  ];
  let told = 0;
  let reflected = 0;
  fc.assert(
    fc.property(
      anyAttributes,
      fc.constantFrom(...from),
      fc.constantFrom(...to),
      fc.constantFrom(0x00, 0x0f, 0x20, 0x21),
      (attributes, source, target, flags) => {
        const paths = new PathStore(blocks, new NextHops(), asn, '9.9.9.9' as Ipv4Address);
        const context = contextOf(source);
        const bytes = withSenderFlags(encodeAttributes(withoutAbsent(attributes), context), flags);
        if (bytes.length > 3600) return true;
        const session = newSession(sources.enter(source.key), source);
        const path = paths.of(session, blocks.intern(bytes, 0, bytes.length, context), accepted);
        const view = exportViewOf(target, 'ipv4-unicast', CLUSTER);
        const encoder = new ExportEncoder(view);
        const slow = exportPath(path, view);
        const fast = encoder.encode(path);
        if (fast === undefined) return attributes.extendedCommunities !== undefined;
        if (slow === undefined || !fast) return fast === false && slow === undefined;
        told++;
        if (source.asn === target.asn) reflected++;
        const expected = encodeAttributes(slow.attributes, contextOf(target));
        t.deepEqual(encoder.message.slice(23, encoder.length), expected);
        return true;
      },
    ),
    { numRuns: 1000 },
  );
  t.true(told > 300);
  t.true(reflected > 100);
});

test('attributes out of the order of their types go on once each (RFC 4271 section 5: any order is taken)', t => {
  const source = ribPeer('c', 64512, '10.0.0.1', { routeReflectorClient: true });
  const target = ribPeer('i', 64512, '10.0.0.4');
  const view = exportViewOf(target, 'ipv4-unicast', CLUSTER);
  const paths = new PathStore(new AttributeStore(), new NextHops(), 64512 as Asn, '9.9.9.9' as Ipv4Address);
  const bytes = hex(`c0 08 04 00000007 80 0a 04 00000001 80 09 04 01010101 40 05 04 000000c8
    40 03 04 c0000201 40 02 00 40 01 01 00`);
  const block = new AttributeStore().intern(bytes, 0, bytes.length, contextOf(source));
  const path = paths.of(newSession(new Sources().enter('c'), source), block, accepted);
  const encoder = new ExportEncoder(view);
  t.true(encoder.encode(path));
  const said = decodeAttributes(encoder.message, 23, encoder.length, contextOf(target));
  t.deepEqual(said.problems, []);
  t.deepEqual(said.attributes, exportPath(path, view)?.attributes);
  t.like(said.attributes, { localPref: 200, originatorId: 0x01010101, clusterList: [CLUSTER, 1] });
});

test('repeated large communities are declined, and the slow encoder tells them once (RFC 8092 section 3)', t => {
  const source = ribPeer('i', 64512, '10.0.0.1');
  const view = exportViewOf(ribPeer('te', 65002, '10.0.0.4'), 'ipv4-unicast', CLUSTER);
  const paths = new PathStore(new AttributeStore(), new NextHops(), 64512 as Asn, '9.9.9.9' as Ipv4Address);
  const bytes = hex(`40 01 01 00 40 02 00 40 03 04 c0000201 40 05 04 00000064
    c0 20 18 00000001 00000002 00000003 00000001 00000002 00000003`);
  const block = new AttributeStore().intern(bytes, 0, bytes.length, contextOf(source));
  const path = paths.of(newSession(new Sources().enter('i'), source), block, accepted);
  t.is(new ExportEncoder(view).encode(path), undefined);
  t.deepEqual(exportPath(path, view)?.attributes.largeCommunities, [[1, 2, 3]]);
});

test('non-transitive extended communities end at the border of the AS (RFC 4360 section 6)', t => {
  const source = ribPeer('e', 65001, '10.0.0.2');
  const paths = new PathStore(new AttributeStore(), new NextHops(), 64512 as Asn, '9.9.9.9' as Ipv4Address);
  const bytes = hex(`40 01 01 00 40 02 06 02 01 0000fde9 40 03 04 c0000201
    c0 10 10 0002fde800000064 4300000000000000`);
  const block = new AttributeStore().intern(bytes, 0, bytes.length, contextOf(source));
  const path = paths.of(newSession(new Sources().enter('e'), source), block, accepted);
  const toldTo = (asn: number) => {
    const view = exportViewOf(ribPeer('to', asn, '10.0.0.4'), 'ipv4-unicast', CLUSTER);
    return exportPath(path, view)?.attributes.extendedCommunities;
  };
  t.deepEqual(toldTo(65002), [hex('0002fde800000064')]);
  t.deepEqual(toldTo(64512), [hex('0002fde800000064'), hex('4300000000000000')]);
});
