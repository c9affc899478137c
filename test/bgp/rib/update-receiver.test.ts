/** What comes of one UPDATE: RFC 4271 section 6.3, RFC 7606, RFC 4724 section 2, RFC 4760. */
import test from 'ava';
import { createRib } from '../../../bgp/rib/rib.js';
import { encodeEndOfRib, encodeUpdate, type PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { prefix, ribPeer, updateFor, WirePeer } from './wire-peer.js';

const newRib = () => createRib({ asn: 64512 as Asn, routerId: '9.9.9.9' as Ipv4Address });

const path = (...asns: number[]): PathAttributes => ({
  origin: 0,
  asPath: [{ type: 'sequence', asns }],
  nextHop: 0xc0000201,
});

function routesOf(rib: ReturnType<typeof newRib>, peer: string) {
  const table = { kind: 'received', peer } as const;
  return rib.routes({ table, family: 'ipv4-unicast', prefix: undefined, after: undefined, limit: 1000 })
    .routes;
}

/** A well-formed UPDATE with octets changed by `spoil`. */
function spoiled(spoil: (message: Uint8Array, attributesAt: number) => void, attributes = path(65001)) {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  peer.send({ announced: ['10.1.0.0/16', '10.2.0.0/16'], attributes: path(65001, 65009) });
  const message = updateFor(peer.peer, { announced: ['10.1.0.0/16'], attributes });
  spoil(message, 23);
  return { rib, outcome: rib.receiveUpdates(peer.index, message, 0, message.length).outcome };
}

test('an UPDATE of ORIGIN, AS_PATH and NEXT_HOP is ok, and its routes stand in the Adj-RIB-In', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  t.deepEqual(peer.send({ announced: ['10.1.0.0/16'], attributes: path(65001) }), { kind: 'ok' });
  t.is(routesOf(rib, 'e')[0]?.prefix, prefix('10.1.0.0/16'));
});

test('a malformed ORIGIN withdraws the routes of its message and leaves the others', t => {
  const { rib, outcome } = spoiled((message, at) => {
    message[at + 3] = 7;
  });
  t.like(outcome, { kind: 'repaired', treatedAsWithdraw: 1, attributesDiscarded: 0 });
  t.deepEqual(
    routesOf(rib, 'e').map(route => route.prefix),
    [prefix('10.2.0.0/16')],
  );
});

test('a missing NEXT_HOP is judged only if routes stand in the NLRI field', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  const { nextHop: _, ...without } = path(65001);
  t.like(peer.send({ announced: ['10.1.0.0/16'], attributes: without }), {
    kind: 'repaired',
    treatedAsWithdraw: 1,
  });
  const message = updateFor(peer.peer, { announced: ['10.1.0.0/16'], attributes: without });
  const noRoutes = message.slice(0, message.length - 3);
  noRoutes[17]! -= 3;
  t.deepEqual(rib.receiveUpdates(peer.index, noRoutes, 0, noRoutes.length).outcome, { kind: 'ok' });
});

test('LOCAL_PREF from an external peer is discarded and the route kept', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  // Encoded as an internal peer would.
  const internal = { ...peer.peer, asn: peer.peer.localAsn };
  const attributes = { ...path(65001), localPref: 700 };
  const message = updateFor(internal, { announced: ['10.1.0.0/16'], attributes });
  const { outcome } = rib.receiveUpdates(peer.index, message, 0, message.length);
  t.like(outcome, { kind: 'repaired', treatedAsWithdraw: 0, attributesDiscarded: 1 });
  rib.flush();
  t.is(routesOf(rib, 'e')[0]?.localPref, undefined);
  t.true(routesOf(rib, 'e')[0]?.best);
});

test('an unknown well-known attribute ends the session with 3/2 and the attribute as data', t => {
  const { outcome } = spoiled((message, at) => {
    message[at + 1] = 99;
  });
  t.like(outcome, { kind: 'error', code: 3, subcode: 2 });
  t.deepEqual(outcome.kind === 'error' && [...outcome.data], [0x40, 99, 1, 0]);
});

test('a prefix length above 32 ends the session with 3/10', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  const message = updateFor(peer.peer, { announced: ['10.1.0.0/16'], attributes: path(65001) });
  message[message.length - 3] = 33;
  t.like(rib.receiveUpdates(peer.index, message, 0, message.length).outcome, {
    kind: 'error',
    code: 3,
    subcode: 10,
  });
  message[message.length - 3] = 24;
  t.like(rib.receiveUpdates(peer.index, message, 0, message.length).outcome, {
    kind: 'error',
    code: 3,
    subcode: 10,
  });
});

test('a prefix length above 128 in MP_REACH_NLRI ends the session with 3/9 and the attribute as data', t => {
  const rib = newRib();
  const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', both));
  const message = updateFor(peer.peer, { announced: ['::/0'], attributes: path(65001) });
  const at = Buffer.from(message).indexOf('800e', 0, 'hex');
  const attribute = message.subarray(at, at + 3 + message[at + 2]!);
  attribute[attribute.length - 1] = 129;
  const { outcome } = rib.receiveUpdates(peer.index, message, 0, message.length);
  t.like(outcome, { kind: 'error', code: 3, subcode: 9 });
  t.deepEqual(outcome.kind === 'error' && outcome.data, attribute.slice());
});

test('a malformed ORIGIN in a message that announces nothing ends the session (RFC 7606 section 5.2)', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  const message = Uint8Array.of(...new Uint8Array(16).fill(255), 0, 27, 2, 0, 0, 0, 4, 0x40, 1, 1, 7);
  const { outcome } = rib.receiveUpdates(peer.index, message, 0, message.length);
  t.like(outcome, { kind: 'error', code: 3, subcode: 6 });
});

test('lengths that do not fit the message end the session with 3/1', t => {
  t.like(spoiled(message => message.set([255, 255], 19)).outcome, { kind: 'error', code: 3, subcode: 1 });
  t.like(spoiled(message => message.set([255, 255], 21)).outcome, { kind: 'error', code: 3, subcode: 1 });
});

test('a path whose first AS is not the external peer is treated as withdrawn', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  t.like(peer.send({ announced: ['10.1.0.0/16'], attributes: path(65002) }), {
    kind: 'repaired',
    treatedAsWithdraw: 1,
  });
  t.is(routesOf(rib, 'e').length, 0);
});

test('own AS in the path, own ORIGINATOR_ID, own next hop and the import policy each make a route unusable', t => {
  const rib = newRib();
  const internal = { ...path(), localPref: 100 };
  const importPolicy = {
    rules: [
      {
        within: { prefix: prefix('10.5.0.0/16'), minLength: 16, maxLength: 32 },
        source: 'peers',
        action: 'reject',
        reason: '',
      },
    ],
    otherwise: 'accept',
  } as const;
  const external = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', { importPolicy }));
  const peer = new WirePeer(rib, ribPeer('i', 64512, '10.0.0.2'));
  rib.setOwnAddresses(['192.0.2.9' as Ipv4Address]);
  external.send({ announced: ['10.1.0.0/16'], attributes: path(65001, 64512) });
  peer.send({
    announced: ['10.2.0.0/16'],
    attributes: { ...internal, asPath: [], originatorId: 0x09090909 },
  });
  peer.send({ announced: ['10.3.0.0/16'], attributes: { ...internal, asPath: [], nextHop: 0xc0000209 } });
  external.send({ announced: ['10.5.0.0/16', '10.6.0.0/16'], attributes: path(65001) });
  rib.setNextHopStatus([{ nextHop: '192.0.2.77' as Ipv4Address, reachable: false, metric: 0 }]);
  peer.send({ announced: ['10.7.0.0/16'], attributes: { ...internal, asPath: [], nextHop: 0xc000024d } });
  rib.flush();
  const query = { family: 'ipv4-unicast', prefix: undefined, after: undefined, limit: 100 } as const;
  const { routes } = rib.routes({ ...query, table: { kind: 'all-paths' } });
  t.deepEqual(
    routes.map(route => [route.prefix, route.usable, route.reason] as readonly unknown[]),
    [
      ['10.1.0.0/16', false, 'as-loop'],
      ['10.2.0.0/16', false, 'own-originator-id'],
      ['10.3.0.0/16', false, 'next-hop-is-ours'],
      ['10.5.0.0/16', false, 'import-policy'],
      ['10.6.0.0/16', true, 'only-path'],
      ['10.7.0.0/16', false, 'next-hop-unreachable'],
    ],
  );
  t.deepEqual(
    rib.routes({ ...query, table: { kind: 'best' } }).routes.map(route => route.prefix),
    [prefix('10.6.0.0/16')],
  );
  t.deepEqual(rib.counts('e'), { received: 3, accepted: 1, advertised: 0, stale: 0 });
});

test('a prefix both withdrawn and announced in one message is announced', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  peer.send({ announced: ['10.1.0.0/16'], withdrawn: ['10.1.0.0/16'], attributes: path(65001) });
  t.is(routesOf(rib, 'e').length, 1);
});

test('End-of-RIB is told apart by family', t => {
  const rib = newRib();
  const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
  const { index } = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', both));
  const of = (afi: number) => {
    const message = encodeEndOfRib(afi, 1);
    return rib.receiveUpdates(index, message, 0, message.length).outcome;
  };
  t.deepEqual(of(1), { kind: 'end-of-rib', family: 'ipv4-unicast' });
  t.deepEqual(of(2), { kind: 'end-of-rib', family: 'ipv6-unicast' });
  t.deepEqual(of(7), { kind: 'ok' });
});

test('routes of a family that was not negotiated are of no account', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1'));
  t.is(peer.send({ announced: ['fd00::/16'], attributes: path(65001) }).kind, 'ok');
  rib.flush();
  t.is(rib.counts('e').received, 0);
});

test('IPv4 and IPv6 routes of one message keep their own next hops', t => {
  const rib = newRib();
  const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', both));
  peer.send({ announced: ['10.1.0.0/16', 'fd00:1::/32'], attributes: path(65001), nextHop6: 'fd00::9' });
  rib.flush();
  const query = { table: { kind: 'best' }, prefix: undefined, after: undefined, limit: 9 } as const;
  t.is(rib.routes({ ...query, family: 'ipv4-unicast' }).routes[0]?.nextHop, '192.0.2.1' as Ipv4Address);
  t.is(String(rib.routes({ ...query, family: 'ipv6-unicast' }).routes[0]?.nextHop), 'fd00::9');
});

test('they keep them where another attribute of the message is discarded', t => {
  const rib = newRib();
  const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', both));
  // LOCAL_PREF is not for external peers; the next hop of MP_REACH_NLRI is of a family that nobody negotiated.
  const mpReach = { afi: 128, safi: 4, nextHop: Uint8Array.of(0, 0, 0, 100), nlri: Uint8Array.of(8, 1) };
  const attributes = { ...path(65001), localPref: 100, mpReach };
  const message = encodeUpdate(
    { withdrawn: [], announced: [prefix('10.1.0.0/16')], attributes },
    { fourOctetAs: true, ibgp: true },
  );
  t.like(rib.receiveUpdates(peer.index, message, 0, message.length).outcome, {
    kind: 'repaired',
    attributesDiscarded: 1,
  });
  t.is(String(routesOf(rib, 'e')[0]?.nextHop), '192.0.2.1');
});

test('no truncation and no single changed octet makes the receiver throw', t => {
  const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('e', 65001, '10.0.0.1', both));
  const attributes = { ...path(65001, 65002), communities: [1, 2], multiExitDisc: 3 };
  const message = updateFor(peer.peer, {
    announced: ['10.1.0.0/16', 'fd00:1::/32'],
    withdrawn: ['10.2.0.0/16', 'fd00:2::/32'],
    attributes,
  });
  let errors = 0;
  for (let end = 19; end <= message.length; end++) {
    if (rib.receiveUpdates(peer.index, message.slice(0, end), 0, end).outcome.kind === 'error') errors++;
  }
  for (let at = 19; at < message.length; at++) {
    for (let value = 0; value < 256; value += 5) {
      const changed = message.slice();
      changed[at] = value;
      if (rib.receiveUpdates(peer.index, changed, 0, changed.length).outcome.kind === 'error') errors++;
    }
  }
  rib.flush();
  t.true(errors > 100);
});
