/** ADD-PATH (RFC 7911): several paths of a peer to a prefix, and several paths told to one. */
import test from 'ava';
import { MAX_PATHS_PER_PREFIX } from '../../../bgp/rib/adj-rib-in.js';
import type { RibPeer } from '../../../bgp/rib/contract.js';
import { createRib } from '../../../bgp/rib/rib.js';
import type { RouteTable } from '../../../bgp/speaker/contract.js';
import type { PathAttributes } from '../../../bgp/wire/index.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { prefix, prefixRange, ribPeer, updateFor, WirePeer } from './wire-peer.js';

const newRib = (logLimitBytes?: number) =>
  createRib({
    asn: 64512 as Asn,
    routerId: '9.9.9.9' as Ipv4Address,
    ...(logLimitBytes === undefined ? {} : { logLimitBytes }),
  });
type Rib = ReturnType<typeof newRib>;

const ipv4 = ['ipv4-unicast'] as const;
const sends: Partial<RibPeer> = { addPath: { receive: ipv4, send: [] } };
const takes = (pathsPerPrefix: number): Partial<RibPeer> => ({
  addPath: { receive: [], send: ipv4 },
  pathsPerPrefix,
});

const path = (...asns: number[]): PathAttributes => ({
  origin: 0,
  asPath: [{ type: 'sequence', asns }],
  nextHop: 0xc0000201,
});

const target = prefix('10.1.0.0/16');

function routes(rib: Rib, table: RouteTable) {
  return rib.routes({ table, family: 'ipv4-unicast', prefix: undefined, after: undefined, limit: 1000 })
    .routes;
}

/** By path identifier: the AS path that a peer was told. */
function known(peer: WirePeer, of = target): Record<number, string> {
  peer.drain();
  const paths = [...(peer.paths.get(of) ?? [])];
  return Object.fromEntries(paths.map(([pathId, text]) => [pathId, JSON.parse(text).asPath]));
}

test('a peer has a path for each identifier, replaced and withdrawn by it, and the best of them is selected', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const send = (pathId: number, ...asns: number[]) =>
    peer.send({ announced: [target], pathIds: { announced: [pathId] }, attributes: path(65001, ...asns) });
  const seen = () => {
    const all = routes(rib, { kind: 'received', peer: 'p' });
    return all.map(({ pathId, asPath, best, reason }) => `${pathId}: ${asPath}${best ? ` (${reason})` : ''}`);
  };
  t.deepEqual(send(0xffffffff, 1, 2), { kind: 'ok' });
  send(0, 1, 2, 3);
  t.deepEqual(seen(), ['4294967295: 65001 1 2 (shorter-as-path)', '0: 65001 1 2 3']);
  t.like(rib.counts('p'), { received: 2, accepted: 2 });
  send(0, 1);
  t.deepEqual(seen(), ['0: 65001 1 (shorter-as-path)', '4294967295: 65001 1 2']);
  peer.send({ withdrawn: [target, target], pathIds: { withdrawn: [0, 5] } });
  t.deepEqual(seen(), ['4294967295: 65001 1 2 (only-path)']);
  peer.send({ withdrawn: [target], pathIds: { withdrawn: [0xffffffff] } });
  t.deepEqual(seen(), []);
  t.like(rib.counts('p'), { received: 0, accepted: 0 });
});

test('the same path under two identifiers is two paths that are received, and one that is selected and told', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const reader = new WirePeer(rib, ribPeer('r', 65002, '10.0.0.2', takes(8)));
  const pathIds = { announced: [1, 2] };
  peer.send({ announced: [target, target], pathIds, attributes: path(65001) });
  rib.flush();
  t.is(rib.counts('p').received, 2);
  t.deepEqual(known(reader), { 1: '64512 65001' });
  t.is(routes(rib, { kind: 'best' }).length, 1);
  t.is(routes(rib, { kind: 'all-paths' }).length, 2);
  peer.send({ withdrawn: [target], pathIds: { withdrawn: [1] } });
  rib.flush();
  t.deepEqual(known(reader), { 1: '64512 65001' });
});

test('identifiers are per prefix, so that a peer that numbers all its paths is no burden', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const announced = prefixRange('10.0.0.0', 24, 400);
  for (const [i, each] of announced.entries()) {
    t.deepEqual(peer.send({ announced: [each], pathIds: { announced: [i] }, attributes: path(65001) }), {
      kind: 'ok',
    });
  }
  t.is(rib.counts('p').received, announced.length);
});

test('too many paths to one prefix end the session for want of resources, and it costs nobody else', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const other = new WirePeer(rib, ribPeer('q', 65002, '10.0.0.2', sends));
  const send = (from: WirePeer, pathId: number) =>
    from.send({ announced: [target], pathIds: { announced: [pathId] }, attributes: path(from.peer.asn) });
  for (let pathId = 0; pathId < MAX_PATHS_PER_PREFIX; pathId++) t.is(send(peer, pathId).kind, 'ok');
  t.like(send(peer, MAX_PATHS_PER_PREFIX), { kind: 'error', code: 6, subcode: 8 });
  t.is(send(peer, 7).kind, 'ok');
  t.is(send(other, 0).kind, 'ok');
});

test('NLRI that are cut off within an identifier or a prefix are 3/10, in MP_REACH_NLRI 3/9', t => {
  const all = ribPeer('p', 65001, '10.0.0.1', {
    families: ['ipv4-unicast', 'ipv6-unicast'],
    addPath: { receive: ['ipv4-unicast', 'ipv6-unicast'], send: [] },
  });
  const message = updateFor(all, {
    announced: [target],
    pathIds: { announced: [1] },
    attributes: path(65001),
  });
  for (let cut = 1; cut < 7; cut++) {
    const rib = newRib();
    const peer = new WirePeer(rib, all);
    const short = message.slice(0, message.length - cut);
    short[17]! -= cut;
    t.like(rib.receiveUpdates(peer.index, short, 0, short.length).outcome, {
      kind: 'error',
      code: 3,
      subcode: 10,
    });
  }
  const six = updateFor(all, {
    announced: ['fd00::/16'],
    pathIds: { announced: [1] },
    attributes: path(65001),
  });
  const rib = newRib();
  const peer = new WirePeer(rib, all);
  // The length of the prefix: above 128.
  six[23 + 3 + 4 + 16 + 1 + 4] = 129;
  t.like(rib.receiveUpdates(peer.index, six, 0, six.length).outcome, { kind: 'error', code: 3, subcode: 9 });
});

test('a malformed attribute withdraws the paths of its message, and no others of their prefixes', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const pathIds = { announced: [1, 2] };
  peer.send({ announced: [target, target], pathIds, attributes: path(65001) });
  const bad = updateFor(peer.peer, {
    announced: [target],
    pathIds: { announced: [2] },
    attributes: path(65001),
  });
  bad[26] = 7;
  t.like(rib.receiveUpdates(peer.index, bad, 0, bad.length).outcome, {
    kind: 'repaired',
    treatedAsWithdraw: 1,
  });
  t.deepEqual(
    routes(rib, { kind: 'received', peer: 'p' }).map(({ pathId }) => pathId),
    [1],
  );
});

function network(pathsPerPrefix: number, logLimitBytes?: number) {
  const rib = newRib(logLimitBytes);
  const sources = [1, 2, 3, 4].map(i => new WirePeer(rib, ribPeer(`s${i}`, 65000 + i, `10.0.0.${i}`)));
  const reader = new WirePeer(rib, ribPeer('r', 64512, '10.0.1.1', takes(pathsPerPrefix)));
  const tell = (i: number, more = 0, of = target) =>
    sources[i - 1]!.send({ announced: [of], attributes: path(65000 + i, ...Array(more).fill(7)) });
  return { rib, sources, reader, tell };
}

test('the best paths are told, in the order of the decision, as many as the peer is to have', t => {
  const { rib, reader, tell, sources } = network(2);
  tell(3);
  tell(2, 1);
  tell(1, 2);
  rib.flush();
  t.deepEqual(Object.values(known(reader)).sort(), ['65002 7', '65003']);
  t.is(rib.counts('r').advertised, 2);
  sources[2]!.send({ withdrawn: [target] });
  rib.flush();
  t.deepEqual(Object.values(known(reader)).sort(), ['65001 7 7', '65002 7']);
  const advertised = routes(rib, { kind: 'advertised', peer: 'r' });
  t.deepEqual(advertised.map(({ pathId, from }) => `${pathId} ${from}`).sort(), ['1 s1', '2 s2']);
});

test('a path keeps its identifier while others come and go, and a change that is not of the best is told', t => {
  const { rib, reader, tell, sources } = network(3);
  tell(2);
  rib.flush();
  t.deepEqual(known(reader), { 1: '65002' });
  tell(3, 1);
  rib.flush();
  t.deepEqual(known(reader), { 1: '65002', 2: '65003 7' });
  tell(1);
  rib.flush();
  t.deepEqual(known(reader), { 1: '65002', 2: '65003 7', 3: '65001' });
  tell(3, 2);
  rib.flush();
  t.deepEqual(known(reader), { 1: '65002', 2: '65003 7 7', 3: '65001' });
  sources[1]!.send({ withdrawn: [target] });
  tell(4);
  rib.flush();
  t.deepEqual(known(reader), { 1: '65004', 2: '65003 7 7', 3: '65001' });
});

test('a peer is not told its own path among the best, and hears of it when another takes its place', t => {
  const rib = newRib();
  const both = { addPath: { receive: ipv4, send: ipv4 }, pathsPerPrefix: 2 } as const;
  const [a, b, c] = ['a', 'b', 'c'].map(
    (key, i) =>
      new WirePeer(rib, ribPeer(key, 64512, `10.0.0.${i + 1}`, { ...both, routeReflectorClient: true })),
  );
  const tell = (from: WirePeer, localPref: number, asn: number) =>
    from.send({ announced: [target], pathIds: { announced: [1] }, attributes: { ...path(asn), localPref } });
  tell(a!, 200, 1);
  tell(b!, 150, 2);
  tell(c!, 100, 3);
  rib.flush();
  t.deepEqual(Object.values(known(a!)), ['2']);
  t.deepEqual(Object.values(known(b!)), ['1']);
  t.deepEqual(Object.values(known(c!)).sort(), ['1', '2']);
  tell(a!, 50, 1);
  rib.flush();
  t.deepEqual(Object.values(known(a!)).sort(), ['2', '3']);
  t.deepEqual(Object.values(known(b!)), ['3']);
  t.deepEqual(Object.values(known(c!)), ['2']);
});

test('a late joiner is told what is told, and nothing that is gone', t => {
  const { rib, reader, tell, sources } = network(4);
  for (const i of [1, 2, 3]) tell(i);
  rib.flush();
  known(reader);
  sources[0]!.send({ withdrawn: [target] });
  rib.flush();
  const late = new WirePeer(rib, ribPeer('late', 64512, '10.0.1.2', takes(4)));
  rib.flush();
  t.deepEqual(known(late), known(reader));
  t.deepEqual(Object.values(known(late)).sort(), ['65002', '65003']);
  t.true(rib.initialTableSent(late.index, 'ipv4-unicast'));
});

test('a peer that does not read is told the newest paths when it does, and of those that are gone', t => {
  const { rib, reader, tell, sources } = network(3, 300);
  const many = prefixRange('10.0.0.0', 24, 40);
  for (const each of many) for (const i of [1, 2, 3]) tell(i, 0, each);
  rib.flush();
  t.is(Object.keys(known(reader, many[0]!)).length, 3);
  for (const each of many) {
    sources[0]!.send({ withdrawn: [each] });
    rib.flush();
    tell(2, 1, each);
    rib.flush();
  }
  sources[1]!.send({ withdrawn: many.slice(0, 5) });
  rib.flush();
  for (const [i, each] of many.entries()) {
    t.deepEqual(Object.values(known(reader, each)).sort(), i < 5 ? ['65003'] : ['65002 7', '65003'], each);
  }
});

test('more or fewer paths per prefix are a live change: the peer is told the difference', t => {
  const { rib, reader, tell } = network(4);
  for (const i of [1, 2, 3, 4]) tell(i, i);
  rib.flush();
  t.is(Object.keys(known(reader)).length, 4);
  for (const pathsPerPrefix of [2, 1, 3]) {
    rib.setPolicies(reader.index, { ...reader.peer, pathsPerPrefix });
    rib.flush();
    const told = Object.values(known(reader)).sort();
    t.deepEqual(told, ['65001 7', '65002 7 7', '65003 7 7 7'].slice(0, pathsPerPrefix));
  }
});

test('ROUTE-REFRESH has all paths told again, under the same identifiers', t => {
  const { rib, reader, tell } = network(2);
  for (const i of [1, 2]) tell(i);
  rib.flush();
  const before = known(reader);
  reader.paths.clear();
  rib.refresh(reader.index, 'ipv4-unicast');
  t.deepEqual(known(reader), before);
  t.is(Object.keys(before).length, 2);
});

test('stale paths with identifiers do not outlive a session that came back without ADD-PATH', t => {
  const rib = newRib();
  const peer = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1', sends));
  const pathIds = { announced: [1, 2] };
  peer.send({ announced: [target, target], pathIds, attributes: path(65001) });
  rib.peerDown(peer.index, { keepStale: ipv4 });
  t.is(rib.counts('p').stale, 2);
  const again = new WirePeer(rib, ribPeer('p', 65001, '10.0.0.1'));
  t.is(rib.counts('p').stale, 0);
  again.send({ announced: [target], attributes: path(65001) });
  rib.flush();
  t.like(rib.counts('p'), { received: 1, stale: 0 });
});
