/** RFC 7313 in the RIB: what a peer does not tell again between the beginning and the end of a refresh goes at the end. */
import test from 'ava';
import { createRib } from '../../../bgp/rib/rib.js';
import type { Asn } from '../../../core/asn.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { ribPeer, WirePeer } from './wire-peer.js';

const attributes = { origin: 0, asPath: [{ type: 'sequence', asns: [65001] }], nextHop: 0x0a000009 } as const;

function world(families: readonly ('ipv4-unicast' | 'ipv6-unicast')[] = ['ipv4-unicast']) {
  const rib = createRib({ asn: 64512 as Asn, routerId: '10.0.0.254' as Ipv4Address });
  const from = new WirePeer(rib, ribPeer('from', 65001, '10.0.0.1', { families }));
  const to = new WirePeer(rib, ribPeer('to', 65002, '10.0.0.2', { families, nextHopMode: 'keep' }));
  const settle = () => {
    rib.flush();
    to.drain();
  };
  const tell = (...announced: string[]) => {
    from.send({ announced, attributes });
    settle();
  };
  return { rib, from, to, tell, settle };
}

test('what was not told again goes, the rest stays and nobody is told of it', t => {
  const { rib, from, to, tell, settle } = world();
  tell('10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  settle();
  t.is(to.routes.size, 3, 'nothing goes at the beginning');
  const { messages } = to;
  tell('10.1.0.0/24', '10.3.0.0/24');
  t.is(to.messages, messages, 'it is the same');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()].sort(), ['10.1.0.0/24', '10.3.0.0/24']);
  t.like(rib.counts('from'), { received: 2, accepted: 2, stale: 0 });
});

test('a withdrawal and a new route in between are what they are', t => {
  const { rib, from, to, tell, settle } = world();
  tell('10.1.0.0/24', '10.2.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  from.send({ withdrawn: ['10.1.0.0/24'] });
  tell('10.2.0.0/24', '10.9.0.0/24');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 0);
  settle();
  t.deepEqual([...to.routes.keys()].sort(), ['10.2.0.0/24', '10.9.0.0/24']);
});

test('a second beginning starts over (RFC 7313 section 4)', t => {
  const { rib, from, to, tell, settle } = world();
  tell('10.1.0.0/24', '10.2.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.2.0.0/24');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()], ['10.2.0.0/24']);
});

test('families do not know of one another, and both may be refreshed at once', t => {
  const { rib, from, to, tell, settle } = world(['ipv4-unicast', 'ipv6-unicast']);
  tell('10.1.0.0/24', '10.2.0.0/24');
  tell('fd00:1::/64', 'fd00:2::/64');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  rib.beginRefresh(from.index, 'ipv6-unicast');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()].sort(), ['10.1.0.0/24', 'fd00:1::/64', 'fd00:2::/64']);
  tell('fd00:2::/64');
  t.is(rib.endRefresh(from.index, 'ipv6-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()].sort(), ['10.1.0.0/24', 'fd00:2::/64']);
});

test('what was told again stays, when a refresh of the other family begins after it', t => {
  const { rib, from, to, tell, settle } = world(['ipv4-unicast', 'ipv6-unicast']);
  tell('10.1.0.0/24', '10.2.0.0/24');
  tell('fd00:1::/64');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  tell('fd00:2::/64');
  rib.beginRefresh(from.index, 'ipv6-unicast');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()].sort(), ['10.1.0.0/24', 'fd00:1::/64', 'fd00:2::/64']);
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('fd00:2::/64');
  t.is(rib.endRefresh(from.index, 'ipv6-unicast'), 1);
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1, 'of sessions before the one before, too');
  settle();
  t.deepEqual([...to.routes.keys()], ['fd00:2::/64']);
});

test('a change of policy in between spares nothing that was not told again', t => {
  const { rib, from, to, tell, settle } = world();
  tell('10.1.0.0/24', '10.2.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  rib.setPolicies(from.index, { ...from.peer, importPolicy: () => 'accept' });
  settle();
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()], ['10.1.0.0/24']);
});

test('a session that is lost in between: all it had told is stale, and goes as such', t => {
  const { rib, from, to, tell, settle } = world();
  tell('10.1.0.0/24', '10.2.0.0/24');
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  rib.peerDown(from.index, { keepStale: ['ipv4-unicast'] });
  t.like(rib.counts('from'), { received: 2, stale: 2 });
  from.index = rib.peerUp(from.peer);
  tell('10.2.0.0/24');
  t.like(rib.counts('from'), { received: 2, stale: 1 });
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 0, 'stale routes are none of its business');
  t.is(rib.flushStale('from', 'ipv4-unicast'), 1);
  settle();
  t.deepEqual([...to.routes.keys()], ['10.2.0.0/24']);
  rib.peerDown(from.index, 'flush');
  settle();
  t.like(rib.counts('from'), { received: 0, stale: 0 });
});

test('a refresh of nothing is none, and one after it works', t => {
  const { rib, from, to, tell, settle } = world();
  rib.beginRefresh(from.index, 'ipv4-unicast');
  tell('10.1.0.0/24');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 0);
  rib.beginRefresh(from.index, 'ipv4-unicast');
  t.is(rib.endRefresh(from.index, 'ipv4-unicast'), 1);
  settle();
  t.is(to.routes.size, 0);
});

test('our own refresh is sent when all has been taken again', t => {
  const { rib, to, tell } = world();
  tell('10.1.0.0/24', '10.2.0.0/24');
  t.true(rib.refreshSent(to.index, 'ipv4-unicast'));
  rib.refresh(to.index, 'ipv4-unicast');
  t.false(rib.refreshSent(to.index, 'ipv4-unicast'));
  to.routes.clear();
  to.drain();
  t.true(rib.refreshSent(to.index, 'ipv4-unicast'));
  t.is(to.routes.size, 2);
});
