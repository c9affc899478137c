/** What an operator does to a session, and what the other end hears of it: RFC 9003, RFC 4486, RFC 2918, RFC 7313. */
import test from 'ava';
import { MessageType } from '../../../bgp/iana.js';
import type { PeerOptions, Speaker } from '../../../bgp/index.js';
import { plainTerms } from '../../../bgp/speaker/transport.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { acceptAll, join, newWorld, prefixesOf } from './memory.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const ends = { a: A, b: B, asA: 64512, asB: 64512 };

function pair(more: Partial<PeerOptions> = {}) {
  const world = newWorld();
  const [a, b] = [world.speaker(A, 64512), world.speaker(B, 64512)];
  const [toB, toA] = join(a, b, { ...ends, more });
  a.announce('10.244.1.0/24');
  b.announce('10.244.2.0/24');
  world.clock.advance(10_000);
  return { ...world, a, b, toB, toA };
}

const learned = (speaker: Speaker) => prefixesOf(speaker).filter(route => !route.endsWith(' 0.0.0.0'));

test('a shutdown with a message: routes go at once, the peer shows the reason until the session is back', t => {
  const { clock, network, a, b, toB, toA } = pair();
  let notifications = 0;
  network.tap(A as IpAddress, B as IpAddress, bytes => {
    if (bytes[18] === MessageType.notification) notifications++;
  });
  toB.shutdown('moving racks');
  clock.advance(10);
  t.like(toB.status(), { state: 'Idle', info: 'administratively down: moving racks' });
  t.deepEqual([learned(a), learned(b)], [[], []]);
  t.is(notifications, 1);
  const said = '6/9 hard reset: 6/2 administrative shutdown: moving racks';
  t.is(toA.status().lastNotificationReceived?.words, said);
  t.is(toB.status().lastNotificationSent?.words, said);
  t.true(toA.status().info.includes(said));
  clock.advance(300_000);
  t.true(toA.status().info.includes(said), toA.status().info);
  t.not(toA.status().info, said, 'and what stands in the way now');
  t.is(toB.status().state, 'Idle');
  toB.shutdown('moving racks, until noon');
  t.is(toB.status().info, 'administratively down: moving racks, until noon');
  toB.enable();
  clock.advance(70_000);
  t.like(toB.status(), { state: 'Established', info: '' });
  t.like(toA.status(), { state: 'Established', info: '' });
  t.is(learned(a).length, 1);
});

test('a shutdown ends what a restart had kept, too', t => {
  const { clock, network, a, toB } = pair();
  network.resetConnections(A as IpAddress, B as IpAddress);
  network.cutLink(A as IpAddress, B as IpAddress);
  clock.advance(100);
  t.is(toB.status().routes.stale, 1);
  toB.shutdown();
  clock.advance(10);
  t.deepEqual(learned(a), []);
  t.like(toB.status(), { info: 'administratively down', staleDeadlineUnixMs: undefined });
});

test('a peer that is down does not come up by a reset', t => {
  const { clock, toB } = pair();
  toB.shutdown('no');
  toB.clear('hard', 'yes');
  clock.advance(60_000);
  t.like(toB.status(), { state: 'Idle', info: 'administratively down: no' });
});

test('a message longer than 255 octets is cut at a character', t => {
  const { clock, toB, toA } = pair();
  toB.shutdown('ü'.repeat(200));
  clock.advance(10);
  t.true(toA.status().lastNotificationReceived?.words.endsWith(`: ${'ü'.repeat(127)}`));
});

test('after a reset by hand the session is back within 3 s, unless it is done again and again', t => {
  const { clock, toB } = pair();
  toB.clear('hard', 'new cable');
  t.regex(toB.status().lastNotificationSent?.words ?? '', /6\/4 administrative reset: new cable/);
  clock.advance(3_000);
  t.is(toB.status().state, 'Established');
  for (let i = 0; i < 5; i++) {
    toB.clear('hard', 'again');
    clock.advance(1_000);
  }
  // The other end counts what it did not ask for (RFC 4271 section 8.1.1).
  clock.advance(70_000);
  t.is(toB.status().state, 'Established');
});

test('soft-in asks for the routes again, soft-out tells ours again; the session stays', t => {
  const { clock, toB, toA } = pair();
  t.is(toB.status().session?.routeRefresh, 'enhanced');
  const updates = () => [toB.status().counters.updatesReceived, toA.status().counters.updatesReceived];
  const [inA, inB] = updates() as [number, number];
  toB.clear('soft-in');
  clock.advance(100);
  t.deepEqual(updates(), [inA + 1, inB]);
  toB.clear('soft-out');
  clock.advance(100);
  t.deepEqual(updates(), [inA + 1, inB + 1]);
  t.is(toB.status().counters.established, 1);
  t.is(toB.status().routes.received, 1);
});

test('a refresh answer stands between BoRR and EoRR (RFC 7313 section 4)', t => {
  const world = newWorld();
  const types: number[] = [];
  const [a, b] = [world.speaker(A, 64512), world.speaker(B, 64512)];
  const [toB] = join(a, b, ends);
  for (let i = 0; i < 3000; i++) b.announce(`10.${i >> 8}.${i & 255}.0/24`, { communities: [i % 3] });
  world.clock.advance(10_000);
  world.network.tap(B as IpAddress, A as IpAddress, bytes => {
    for (let at = 0; at < bytes.length; at += (bytes[at + 16]! << 8) | bytes[at + 17]!) {
      types.push(bytes[at + 18]! === MessageType.routeRefresh ? 10 + bytes[at + 21]! : bytes[at + 18]!);
    }
  });
  toB.clear('soft-in');
  world.clock.advance(1000);
  const told = types.filter(type => type !== MessageType.keepalive);
  t.is(told[0], 11);
  t.is(told.at(-1), 12);
  t.true(told.length > 4);
  t.true(told.slice(1, -1).every(type => type === MessageType.update));
});

test('a peer that connects and says nothing is told from one that is away, and GTSM is asked about', t => {
  for (const [more, words] of [
    [{}, /^connected, and no OPEN comes$/],
    [{ ttlSecurityHops: 1 }, /no OPEN is heard.*TTL 255/],
  ] as const) {
    const world = newWorld();
    const speaker = world.speaker(A, 64512);
    const peer = speaker.addPeer({ address: B, asn: 65002, passive: true, ...acceptAll, ...more });
    world.clock.advance(10);
    const ear = { received: () => {}, drained: () => {}, closed: () => {} };
    world.network
      .host(B as IpAddress)
      .dial(
        { address: A as IpAddress, port: 179, localAddress: B as IpAddress, ...plainTerms, ttl: 255 },
        { connected: connection => connection.start(ear), failed: () => t.fail() },
      );
    world.clock.advance(5000);
    t.is(peer.status().state, 'OpenSent', words.source);
    t.is(peer.status().info, '');
    world.clock.advance(10_000);
    t.regex(peer.status().info, words);
  }
});
