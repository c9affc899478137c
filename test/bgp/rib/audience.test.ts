/** Who is left out, and that a peer with ever new next hops leaves nothing behind. */
import test from 'ava';
import { AttributeStore } from '../../../bgp/rib/attribute-store.js';
import { Audiences, EVERYONE, leavesOut } from '../../../bgp/rib/audience.js';
import { type ExportView, exportViewOf } from '../../../bgp/rib/export-view.js';
import { ExportedBlocks } from '../../../bgp/rib/exported-blocks.js';
import { NextHops } from '../../../bgp/rib/next-hops.js';
import { OutLog } from '../../../bgp/rib/out-log.js';
import { PathStore } from '../../../bgp/rib/path-store.js';
import { accepted } from '../../../bgp/rib/policy.js';
import { newSession, Sources } from '../../../bgp/rib/sources.js';
import { encodeAttributes } from '../../../bgp/wire/attributes/codec.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { ip, ribPeer } from './wire-peer.js';

test('everyone but the source, and who has the next hop for an address', t => {
  const audiences = new Audiences();
  const number = audiences.of(3, ip('10.0.0.9'));
  t.true(audiences.excludes(number, 3, ip('10.0.0.3')));
  t.true(audiences.excludes(number, 4, ip('10.0.0.9')));
  t.false(audiences.excludes(number, 4, ip('10.0.0.4')));
  t.false(audiences.excludes(EVERYONE, 3, ip('10.0.0.9')));
  t.is(audiences.of(0, undefined), EVERYONE);
  t.is(audiences.of(3, ip('10.0.0.9')), number);
});

test('a number is given out again once no block has it; what was packed meanwhile keeps its own', t => {
  const audiences = new Audiences();
  const log = new OutLog(audiences);
  const old = audiences.of(3, undefined);
  audiences.acquire(old);
  log.append({ chunk: new Uint8Array(4), start: 0, end: 4, except: old, only: -1 });
  audiences.release(old);
  const next = audiences.of(4, undefined);
  audiences.acquire(next);
  t.is(next, old);
  t.true(leavesOut(log.segment(0).except, 3, ip('10.0.0.3')));
  t.false(leavesOut(log.segment(0).except, 4, ip('10.0.0.4')));
});

test('paths that come and go with ever new next hops leave no audience behind, nor does a group that ends', t => {
  const audiences = new Audiences();
  const blocks = new AttributeStore();
  const paths = new PathStore(blocks, new NextHops(), 64512 as Asn, '9.9.9.9' as Ipv4Address);
  const client = { routeReflectorClient: true };
  const session = newSession(new Sources().enter('a'), ribPeer('a', 64512, '10.0.0.1', client));
  const view: ExportView = exportViewOf(ribPeer('b', 64512, '10.0.0.2', client), 'ipv4-unicast', 1);
  const exported = new ExportedBlocks(view, audiences, () => ({ kind: 'constant', ruling: accepted }));
  const context = { fourOctetAs: true, ibgp: true };
  const tell = (nextHop: number) => {
    const bytes = encodeAttributes({ origin: 0, asPath: [], nextHop, localPref: 100 }, context);
    const path = paths.of(session, blocks.intern(bytes, 0, bytes.length, context), accepted);
    exported.of(path.number, number => paths.at(number));
    return path;
  };
  for (let i = 0; i < 1000; i++) {
    const path = tell(0x0a010000 + i);
    t.is(audiences.size, 2);
    exported.forget(path);
    t.is(audiences.size, 1);
  }
  tell(0x0a020000);
  tell(0x0a020001);
  t.is(audiences.size, 3);
  exported.close();
  t.is(audiences.size, 1);
});
