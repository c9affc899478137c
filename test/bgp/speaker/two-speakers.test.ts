import test from 'ava';
import { join, newWorld, prefixesOf } from './memory.js';

const ends = { a: '10.0.0.1', b: '10.0.0.2', asA: 64512, asB: 64512 };

test("two speakers that dial at the same time end with one session and each other's routes", t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [toB, toA] = join(a, b, ends);
  a.announce('10.244.1.0/24');
  b.announce('10.244.2.0/24', { communities: ['64512:7'] });
  clock.advance(10_000);
  t.is(toB.status().state, 'Established');
  t.is(toA.status().state, 'Established');
  t.deepEqual(prefixesOf(a), ['10.244.1.0/24 0.0.0.0', '10.244.2.0/24 10.0.0.2']);
  t.deepEqual(prefixesOf(b), ['10.244.1.0/24 10.0.0.1', '10.244.2.0/24 0.0.0.0']);
  t.deepEqual(a.routes({ prefix: '10.244.2.0/24' }).routes[0]?.communities, ['64512:7']);
  t.is(toB.status().counters.established, 1);
});

test('a withdrawal arrives', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  join(a, b, ends);
  a.announce('10.244.1.0/24');
  clock.advance(10_000);
  t.is(prefixesOf(b).length, 1);
  a.withdraw('10.244.1.0/24');
  clock.advance(100);
  t.deepEqual(prefixesOf(b), []);
});

test('an external session prepends the AS and puts its own address as next hop', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 4200000001), speaker('10.0.0.2', 65002)];
  join(a, b, { ...ends, asA: 4200000001, asB: 65002 });
  a.announce('10.244.1.0/24');
  clock.advance(10_000);
  const route = b.routes({}).routes[0];
  t.like(route, { asPath: '4200000001', nextHop: '10.0.0.1', localPref: undefined, reason: 'only-path' });
});

test('a route that leads to our own end of the session is not usable, without anybody telling what our addresses are', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [, toA] = join(a, b, ends);
  // a does not know that 10.0.0.2 is b, and b's other peer speaks from elsewhere.
  const c = speaker('10.0.0.3', 64512);
  join(b, c, { a: '10.0.0.22', b: '10.0.0.3', asA: 64512, asB: 64512 });
  a.announce('10.244.1.0/24', { nextHop: '10.0.0.22' });
  a.announce('10.244.2.0/24', { nextHop: '10.0.0.1' });
  clock.advance(10_000);
  const reasons = () =>
    b.routes({ table: { kind: 'all-paths' } }).routes.map(({ prefix, reason }) => `${prefix} ${reason}`);
  t.deepEqual(reasons(), ['10.244.1.0/24 next-hop-is-ours', '10.244.2.0/24 only-path']);
  t.is(toA.status().state, 'Established');
});

test('a wrong AS is said on both ends in words', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 65002)];
  const toB = a.addPeer({ address: '10.0.0.2', asn: 64513, localAddress: '10.0.0.1' });
  const toA = b.addPeer({ address: '10.0.0.1', asn: 64512, localAddress: '10.0.0.2', passive: true });
  clock.advance(3000);
  t.is(toB.status().lastNotificationSent?.words, '2/2 bad peer AS: expected 64513, got 65002');
  t.is(toA.status().lastNotificationReceived?.words, '2/2 bad peer AS');
  t.regex(toA.status().info, /peer sent NOTIFICATION 2\/2 bad peer AS/);
});

test('a cut link ends the session by the hold timer, and it comes back when mended', t => {
  const { clock, network, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [toB] = join(a, b, { ...ends, more: { holdTimeSeconds: 9 } });
  a.announce('10.244.1.0/24');
  b.announce('10.244.2.0/24');
  clock.advance(10_000);
  network.cutLink('10.0.0.1' as never, '10.0.0.2' as never);
  clock.advance(5_000);
  t.is(toB.status().state, 'Established');
  clock.advance(5_000);
  t.not(toB.status().state, 'Established');
  t.is(toB.status().info, 'hold timer expired');
  network.mendLink('10.0.0.1' as never, '10.0.0.2' as never);
  clock.advance(60_000);
  t.is(toB.status().state, 'Established');
  t.is(prefixesOf(a).length, 2);
});

test('hold time 0: no keepalives, and silence is no failure', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [toB] = join(a, b, { ...ends, more: { holdTimeSeconds: 0 } });
  clock.advance(10_000);
  const { messagesReceived } = toB.status().counters;
  clock.advance(3_600_000);
  t.is(toB.status().state, 'Established');
  t.is(toB.status().counters.messagesReceived, messagesReceived);
});

test('a connection that breaks leaves stale routes, which the next session confirms or End-of-RIB removes', t => {
  const { clock, network, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [toB] = join(a, b, ends);
  b.announce('10.244.2.0/24');
  b.announce('10.244.3.0/24');
  clock.advance(10_000);
  t.is(toB.status().routes.received, 2);
  network.resetConnections('10.0.0.1' as never, '10.0.0.2' as never);
  t.is(toB.status().routes.stale, 2);
  t.is(prefixesOf(a).length, 2);
  b.withdraw('10.244.3.0/24');
  clock.advance(30_000);
  t.is(toB.status().state, 'Established');
  t.is(toB.status().routes.stale, 0);
  t.deepEqual(prefixesOf(a), ['10.244.2.0/24 10.0.0.2']);
});

test('a connection is reset and both speakers live on: no route is missing at any moment (F bit, RFC 4724 section 4.2)', t => {
  const { clock, network, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [toB] = join(a, b, ends);
  b.announce('10.244.2.0/24');
  clock.advance(10_000);
  t.deepEqual(toB.status().session?.gracefulRestart?.forwarding, []);
  network.resetConnections('10.0.0.1' as never, '10.0.0.2' as never);
  for (let ms = 0; ms < 10_000; ms++) {
    clock.advance(1);
    if (prefixesOf(a).length === 0) t.fail(`after ${ms} ms`);
  }
  t.like(toB.status(), { state: 'Established', routes: { received: 1, stale: 0 } });
  t.like(toB.status().session?.gracefulRestart, { restarting: false, forwarding: ['ipv4-unicast'] });
});

test('Cease with a message is shown to the peer', async t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  const [, toA] = join(a, b, ends);
  a.announce('10.244.1.0/24');
  clock.advance(10_000);
  void a.close({ message: 'moving racks' });
  clock.advance(100);
  t.regex(toA.status().info, /6\/2 administrative shutdown: moving racks/);
  t.deepEqual(prefixesOf(b), []);
});

test('established() waits, and gives up with the reason', async t => {
  const { clock, speaker } = newWorld();
  const a = speaker('10.0.0.1', 64512);
  const toB = a.addPeer({ address: '10.0.0.2', asn: 64512, localAddress: '10.0.0.1' });
  const controller = new AbortController();
  const waiting = toB.established({ signal: controller.signal });
  clock.advance(5000);
  controller.abort();
  t.deepEqual(await waiting, { kind: 'aborted', info: 'connection refused' });
});

test('best routes come in batches, the whole table first', async t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 64512)];
  join(a, b, ends);
  for (let i = 0; i < 300; i++) a.announce(`10.${i >> 8}.${i & 255}.0/24`);
  clock.advance(10_000);
  const controller = new AbortController();
  const seen = new Map<string, readonly string[]>();
  for await (const batch of b.bestRoutes({ signal: controller.signal })) {
    for (const { prefix, nextHops } of batch) seen.set(prefix, nextHops);
    if (seen.size === 300 && batch.endOfTable) {
      a.withdraw('10.0.7.0/24');
      setImmediate(() => clock.advance(100));
    }
    if (seen.get('10.0.7.0/24')?.length === 0) controller.abort();
  }
  t.is(seen.size, 300);
  t.deepEqual(seen.get('10.1.2.0/24'), ['10.0.0.1']);
});
