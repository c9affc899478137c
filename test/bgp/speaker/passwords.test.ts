/** Passwords (RFC 2385) on a network in memory, and that nothing which leaves a speaker has one. */
import { inspect } from 'node:util';
import test from 'ava';
import { createSpeaker, OptionError } from '../../../bgp/index.js';
import type { PeerConfig, SpeakerEvent } from '../../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../../bgp/speaker/defaults.js';
import { NetTransport } from '../../../bgp/speaker/net-transport.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import { acceptAll, join, newWorld, prefixesOf, type World } from './memory.js';

const ends = { a: '10.0.0.1', b: '10.0.0.2', asA: 64512, asB: 65001 };

function two(world: World) {
  return [world.speaker(ends.a, ends.asA), world.speaker(ends.b, ends.asB)] as const;
}

test('the same password on both ends makes a session, different ones or one alone do not, and are named', t => {
  for (const [ofA, ofB] of [
    ['x', 'x'],
    ['x', 'y'],
    ['x', undefined],
    [undefined, 'y'],
  ] as const) {
    const world = newWorld();
    const [a, b] = two(world);
    const password = (text: string | undefined) => (text === undefined ? {} : { password: text });
    const toB = a.addPeer({
      address: ends.b,
      asn: ends.asB,
      localAddress: ends.a,
      ...acceptAll,
      ...password(ofA),
    });
    b.addPeer({ address: ends.a, asn: ends.asA, localAddress: ends.b, ...acceptAll, ...password(ofB) });
    world.clock.advance(30_000);
    t.is(toB.status().state === 'Established', ofA === ofB, `${ofA} ${ofB}`);
    t.is(/mismatch/.test(toB.status().info), ofA !== ofB, toB.status().info);
  }
});

test('a password changes on both ends within the hold time, and what was signed otherwise arrives after all', t => {
  const world = newWorld();
  const [a, b] = two(world);
  const to = (address: string, asn: number, local: string, password: string) =>
    ({ address, asn, localAddress: local, password, ...acceptAll }) as const;
  join(a, b, { ...ends, more: { password: 'old' } });
  world.clock.advance(1000);
  a.addPeer(to(ends.b, ends.asB, ends.a, 'new'));
  a.announce('10.1.0.0/16');
  world.clock.advance(60_000);
  t.deepEqual(prefixesOf(b), []);
  const peer = b.addPeer(to(ends.a, ends.asA, ends.b, 'new'));
  world.clock.advance(100);
  t.deepEqual(prefixesOf(b), ['10.1.0.0/16 10.0.0.1']);
  t.like(peer.status(), { state: 'Established', counters: { established: 1 } });
});

test('without the change on the other end the session is lost by the hold time', t => {
  const world = newWorld();
  const [a, b] = two(world);
  const [toB] = join(a, b, { ...ends, more: { password: 'old', holdTimeSeconds: 9 } });
  world.clock.advance(1000);
  t.is(toB.status().state, 'Established');
  const changed = { address: ends.b, asn: ends.asB, localAddress: ends.a, holdTimeSeconds: 9, ...acceptAll };
  const again = a.addPeer({ ...changed, password: 'new' });
  world.clock.advance(20_000);
  t.not(again.status().state, 'Established');
  t.is(again.status().lastNotificationSent?.code, 4);
});

const SECRET = 'c0rrect-h0rse-Battery';

test('no event, status, answer, log or error has a password', t => {
  const world = newWorld();
  const clock = world.clock;
  const events: SpeakerEvent[] = [];
  const speaker = new Speaker({
    transport: world.network.host('10.0.0.1' as never),
    clock,
    random: () => 0.5,
    unixMs: () => clock.now(),
    onEvent: event => events.push(event),
  });
  const listen = [{ address: '10.0.0.1' as never, port: 179 }];
  speaker.command({
    kind: 'configure',
    config: { ...speakerDefaults, asn: 64512 as never, routerId: '10.0.0.1' as never, listen },
  });
  const peer = (key: string, address: string, password: string): PeerConfig => ({
    ...peerDefaults,
    ...{ key, password, connectRetrySeconds: 1, families: ['ipv4-unicast'] },
    ...{ address: address as never, asn: 65001 as never },
  });
  const { key: _k, address: _a, asn: _n, passive: _p, ...template } = peer('', '', SECRET);
  const others = {
    key: 'racks',
    prefix: '10.0.9.0/24' as never,
    asns: 'any',
    limit: 9,
    idleRemovalSeconds: 9,
  } as const;
  speaker.command({ kind: 'set-peer-range', range: { ...others, template } });
  speaker.command({ kind: 'set-peer', peer: peer('right', '10.0.0.2', SECRET) });
  speaker.command({ kind: 'set-peer', peer: peer('wrong', '10.0.0.3', SECRET) });
  speaker.command({ kind: 'set-peer', peer: peer('away', '10.0.0.4', SECRET) });
  speaker.command({ kind: 'configuration-complete' });
  const right = world.speaker('10.0.0.2', 65001);
  right.addPeer({
    address: '10.0.0.1',
    asn: 64512,
    localAddress: '10.0.0.2',
    password: SECRET,
    ...acceptAll,
  });
  const wrong = world.speaker('10.0.0.3', 65001);
  wrong.addPeer({
    address: '10.0.0.1',
    asn: 64512,
    localAddress: '10.0.0.3',
    password: 'another',
    ...acceptAll,
  });
  const dynamic = world.speaker('10.0.9.3', 65001);
  dynamic.addPeer({
    address: '10.0.0.1',
    asn: 64512,
    localAddress: '10.0.9.3',
    password: SECRET,
    ...acceptAll,
  });
  clock.advance(20_000);
  speaker.command({ kind: 'set-peer', peer: peer('wrong', '10.0.0.3', `${SECRET} changed`) });
  speaker.command({ kind: 'query', id: 1, query: { kind: 'peers' } });
  clock.advance(5000);
  speaker.command({ kind: 'remove-peer', key: 'away' });
  speaker.command({ kind: 'close', goodbye: 'cease', message: '' });
  t.true(events.some(event => event.kind === 'peer-status' && event.peer.state === 'Established'));
  t.true(events.some(event => event.kind === 'peer-status' && /mismatch/.test(event.peer.info)));
  t.true(events.some(event => event.kind === 'peer-status' && event.peer.dynamicFrom === 'racks'));
  const everything = [
    JSON.stringify(events),
    inspect(events, { depth: 20 }),
    inspect(speaker, { depth: 20 }),
  ];
  everything.push(
    ...world.logs,
    JSON.stringify(right.peers()),
    inspect(right, { depth: 20, showHidden: true }),
  );
  for (const text of everything) t.false(text.includes(SECRET));
});

test('an option that cannot be a password is refused without being shown', t => {
  const world = newWorld();
  const [a] = two(world);
  for (const password of ['', 'x'.repeat(81), 'ä'.repeat(41), 7, { secret: SECRET }]) {
    const options = { address: ends.b, asn: ends.asB, password } as never;
    const error = t.throws(() => a.addPeer(options), { instanceOf: OptionError });
    t.is(error.field, 'password');
    const shown = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`;
    for (const secret of [SECRET, 'x'.repeat(10), 'ä'.repeat(10)]) t.false(shown.includes(secret));
  }
});

test('a transport without socket options refuses passwords and TTL security, as an option and as a dial', async t => {
  const speaker = createSpeaker({ asn: 64512, routerId: '10.0.0.1' }, { clock: new FakeClock() });
  for (const more of [{ password: SECRET }, { ttlSecurityHops: 1 }]) {
    const [field] = Object.keys(more);
    const asPeer = () => speaker.addPeer({ address: ends.b, asn: 65001, ...more });
    const asRange = () => speaker.addPeerRange({ prefix: '10.0.0.0/24', asns: 'any', ...more });
    for (const attempt of [asPeer, asRange]) {
      const error = t.throws(attempt, { instanceOf: OptionError });
      t.is(error.field, field!);
      t.false(`${error.message} ${inspect(error)}`.includes(SECRET));
    }
  }
  t.deepEqual(speaker.peers(), []);
  const code = await new Promise<string>(resolve => {
    const terms = { ttl: 64, minimumTtl: undefined, password: SECRET };
    new NetTransport().dial(
      { address: '127.0.0.1' as never, port: 9, localAddress: undefined, ...terms },
      { connected: () => resolve('connected'), failed: error => resolve(error.code) },
    );
  });
  t.is(code, 'ENOTSUP');
});

test('a peer that resets when its password changes gets in again at once, though its goodbye could not be heard', t => {
  const world = newWorld();
  const a = world.speaker(ends.a, ends.asA, { gracefulRestart: false });
  const b = world.speaker(ends.b, ends.asB, { gracefulRestart: false });
  const [, toA] = join(a, b, { ...ends, more: { password: 'old' } });
  world.clock.advance(1000);
  a.announce('10.1.0.0/16');
  const changed = { address: ends.b, asn: ends.asB, localAddress: ends.a, ...acceptAll, password: 'new' };
  const toB = a.addPeer(changed);
  toA.remove();
  world.clock.advance(100);
  t.is(toB.status().state, 'Established');
  const again = b.addPeer({
    address: ends.a,
    asn: ends.asA,
    localAddress: ends.b,
    ...acceptAll,
    password: 'new',
  });
  world.clock.advance(5000);
  t.like(again.status(), { state: 'Established', counters: { established: 1 } });
  t.is(toB.status().counters.established, 2);
  t.deepEqual(prefixesOf(b), ['10.1.0.0/16 10.0.0.1']);
});
