/** Long-lived graceful restart (RFC 9494) between speakers in memory: a learns from b, and tells c. */
import test from 'ava';
import type { PeerOptions, RouteDetail } from '../../../bgp/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { acceptAll, join, newWorld } from './memory.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const C = '10.0.0.3';
const D = '10.0.0.4';
const LLGR_STALE = '65535:6';
const RESTART_SECONDS = 120;
const LONG_SECONDS = 3600;
const ROUTE = '10.244.2.0/24';
const KEPT_SHORT = '10.244.3.0/24';

function world(more: Partial<PeerOptions> = { longLivedStaleSeconds: LONG_SECONDS }) {
  const memory = newWorld();
  const { clock, network, speaker } = memory;
  const [a, b] = [speaker(A, 64512), speaker(B, 65002)];
  const [c, d] = [speaker(C, 65003), speaker(D, 65004)];
  const [toB] = join(a, b, { a: A, b: B, asA: 64512, asB: 65002, more });
  join(a, c, { a: A, b: C, asA: 64512, asB: 65003, more: { longLivedStaleSeconds: 60 } });
  join(a, d, { a: A, b: D, asA: 64512, asB: 65004 });
  b.announce(ROUTE);
  b.announce(KEPT_SHORT, { communities: ['65535:7'] });
  clock.advance(10_000);
  const lose = () => {
    network.resetConnections(A as IpAddress, B as IpAddress);
    network.cutLink(A as IpAddress, B as IpAddress);
  };
  const seen = (of: typeof a, prefix = ROUTE): RouteDetail | undefined => of.routes({ prefix }).routes[0];
  return { ...memory, a, b, c, d, toB, lose, seen };
}

test('after the restart time a route lives on as long-lived stale one, until its own time is over', t => {
  const { clock, a, c, d, toB, lose, seen } = world();
  t.deepEqual(toB.status().session?.longLivedStale, [{ family: 'ipv4-unicast', staleSeconds: LONG_SECONDS }]);
  const lostAt = clock.now();
  lose();
  clock.advance(RESTART_SECONDS * 1000 - 100);
  t.like(seen(a), { stale: true, communities: [] });
  t.like(seen(a, KEPT_SHORT), { stale: true });
  t.is(toB.status().longLivedDeadlineUnixMs, undefined);
  clock.advance(200);
  t.like(seen(a), { stale: true, best: true, communities: [LLGR_STALE] });
  t.is(seen(a, KEPT_SHORT), undefined, 'NO_LLGR');
  t.is(toB.status().routes.stale, 1);
  t.is(toB.status().longLivedDeadlineUnixMs, lostAt + (RESTART_SECONDS + LONG_SECONDS) * 1000);
  t.is(toB.status().staleDeadlineUnixMs, undefined);
  t.like(seen(c), { communities: [LLGR_STALE] }, 'one that knows long-lived routes is told');
  t.is(seen(d), undefined, 'one that does not is not');
  clock.advance(LONG_SECONDS * 1000 - 400);
  t.truthy(seen(a));
  clock.advance(500);
  t.is(seen(a), undefined);
  t.is(seen(c), undefined);
  t.like(toB.status(), { routes: { stale: 0 }, longLivedDeadlineUnixMs: undefined });
});

test('it is off unless both ends want it', t => {
  const off = world({});
  off.lose();
  off.clock.advance(RESTART_SECONDS * 1000 + 100);
  t.is(off.seen(off.a), undefined);
  const memory = newWorld();
  const [a, b] = [memory.speaker(A, 64512), memory.speaker(B, 64512)];
  a.addPeer({ address: B, asn: 64512, localAddress: A, longLivedStaleSeconds: 60 });
  b.addPeer({ address: A, asn: 64512, localAddress: B });
  b.announce(ROUTE);
  memory.clock.advance(10_000);
  t.deepEqual(a.peers()[0]?.session?.longLivedStale, []);
});

test('the least of all paths: any other is better, by whatever attributes', t => {
  const { clock, a, d, lose, seen, network } = world();
  d.announce(ROUTE);
  clock.advance(100);
  // b is better by its lower router id.
  t.like(seen(a), { from: `${B} 179` });
  lose();
  clock.advance(RESTART_SECONDS * 1000 - 200);
  t.like(seen(a), { from: `${B} 179`, stale: true });
  clock.advance(400);
  t.like(seen(a), { from: `${D} 179`, reason: 'not-long-lived-stale' });
  d.withdraw(ROUTE);
  clock.advance(100);
  t.like(seen(a), { from: `${B} 179`, communities: [LLGR_STALE] });
  network.mendLink(A as IpAddress, B as IpAddress);
  clock.advance(120_000);
  t.like(seen(a), { from: `${B} 179`, stale: false, communities: [] });
});

test('the peer comes back: what it tells again is fresh, End-of-RIB removes the rest', t => {
  const { clock, a, b, toB, network, lose, seen } = world();
  b.announce('10.244.4.0/24');
  clock.advance(100);
  lose();
  clock.advance((RESTART_SECONDS + 600) * 1000);
  t.like(seen(a, '10.244.4.0/24'), { communities: [LLGR_STALE] });
  b.withdraw('10.244.4.0/24');
  network.mendLink(A as IpAddress, B as IpAddress);
  clock.advance(120_000);
  t.is(toB.status().state, 'Established');
  t.like(seen(a), { stale: false, communities: [] });
  t.like(seen(a, KEPT_SHORT), { stale: false });
  t.is(seen(a, '10.244.4.0/24'), undefined);
  t.like(toB.status(), { routes: { stale: 0, received: 2 }, longLivedDeadlineUnixMs: undefined });
  clock.advance(LONG_SECONDS * 1000);
  t.truthy(seen(a), 'no timer of before is left');
});

for (const [name, more] of [
  ['that does not say it forwarded meanwhile', { longLivedStaleSeconds: LONG_SECONDS }],
  ['without the capability', {}],
] as const) {
  test(`a peer that comes back ${name} loses its long-lived routes at once`, t => {
    const { clock, a, b, toB, network, speaker, lose, seen } = world();
    lose();
    clock.advance((RESTART_SECONDS + 600) * 1000);
    t.truthy(seen(a));
    // Another process, which has nothing to tell and whose End-of-RIB is not heard yet.
    void b.close();
    network.mendLink(A as IpAddress, B as IpAddress);
    speaker(B, 65002).addPeer({ address: A, asn: 64512, localAddress: B, ...acceptAll, ...more });
    while (toB.status().state !== 'Established') clock.advance(1);
    t.deepEqual(toB.status().session?.endOfRibReceived, []);
    t.is(seen(a), undefined);
    t.is(toB.status().longLivedDeadlineUnixMs, undefined);
  });
}

test('without a restart time the long-lived one begins at once', t => {
  const { clock, a, lose, seen } = world({ longLivedStaleSeconds: 60, restartTimeSeconds: 0 });
  lose();
  clock.advance(10);
  t.like(seen(a), { stale: true, communities: [LLGR_STALE] });
  clock.advance(60_000);
  t.is(seen(a), undefined);
});

test('a Hard Reset ends long-lived routes before they begin', t => {
  const { clock, a, b, seen } = world();
  void b.close({ message: 'for good' });
  clock.advance(100);
  t.is(seen(a), undefined);
});

test('of IPv6 as of IPv4', t => {
  const memory = newWorld();
  const [a, b] = [memory.speaker(A, 64512), memory.speaker(B, 64512)];
  join(a, b, {
    a: A,
    b: B,
    asA: 64512,
    asB: 64512,
    more: {
      families: ['ipv4-unicast', 'ipv6-unicast'],
      longLivedStaleSeconds: 60,
      restartTimeSeconds: 5,
      ...acceptAll,
    },
  });
  b.announce('fd00:1::/64', { nextHop: 'fd00::2' });
  b.announce('fd00:2::/64', { nextHop: 'fd00::2', communities: ['65535:7'] });
  memory.clock.advance(10_000);
  const routes = () =>
    a
      .routes({ family: 'ipv6-unicast' })
      .routes.map(({ prefix, communities }) => `${prefix} ${communities.join()}`);
  t.deepEqual(routes(), ['fd00:1::/64 ', 'fd00:2::/64 65535:7']);
  memory.network.resetConnections(A as IpAddress, B as IpAddress);
  memory.network.cutLink(A as IpAddress, B as IpAddress);
  memory.clock.advance(6000);
  t.deepEqual(routes(), [`fd00:1::/64 ${LLGR_STALE}`]);
  memory.clock.advance(60_000);
  t.deepEqual(routes(), []);
});
