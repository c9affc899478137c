/** Peers that make themselves, on a network in memory. */
import test, { type ExecutionContext } from 'ava';
import type { PeerRangeOptions, PeerStatus, Speaker } from '../../../bgp/index.js';
import type { Connection } from '../../../bgp/speaker/transport.js';
import { plainTerms } from '../../../bgp/speaker/transport.js';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import { encodeOpen } from '../../../bgp/wire/open.js';
import { type IpAddress, type Ipv4Address, ipv4FromNumber } from '../../../core/ip-address.js';
import { acceptAll, newWorld, prefixesOf, type World } from './memory.js';

const HUB = '10.0.0.1';
const range: PeerRangeOptions = { prefix: '10.0.1.0/24', asns: [[65001, 65009]], ...acceptAll };

function dial(speaker: Speaker, local: string, more: object = {}) {
  return speaker.addPeer({ address: HUB, asn: 64512, localAddress: local, ...acceptAll, ...more });
}

function hubWith(world: World, ...ranges: readonly PeerRangeOptions[]) {
  const hub = world.speaker(HUB, 64512);
  return { hub, ranges: ranges.map(one => hub.addPeerRange(one)) };
}

const keys = (speaker: Speaker) => speaker.peers().map(({ key }) => key);
const only = (speaker: Speaker) => speaker.peers()[0]!;

test('a connection from inside a range becomes a peer with the AS of its OPEN, and routes go both ways', t => {
  const world = newWorld();
  const { hub, ranges } = hubWith(world, range);
  const spoke = world.speaker('10.0.1.7', 65003);
  t.deepEqual(hub.peers(), []);
  dial(spoke, '10.0.1.7');
  spoke.announce('10.7.0.0/16');
  hub.announce('10.1.0.0/16');
  world.clock.advance(1000);
  t.like(only(hub), {
    ...{ key: 'Dynamic_10_0_1_7', address: '10.0.1.7', asn: 65003, state: 'Established' },
    dynamicFrom: '10.0.1.0/24',
  });
  t.deepEqual(
    ranges[0]!.peers().map(({ key }) => key),
    ['Dynamic_10_0_1_7'],
  );
  t.true(prefixesOf(hub).includes('10.7.0.0/16 10.0.1.7'));
  t.true(prefixesOf(spoke).includes('10.1.0.0/16 10.0.0.1'));
});

test('an AS that the range does not take is told 2/2, and there is no peer', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  const spoke = world.speaker('10.0.1.7', 65010);
  const peer = dial(spoke, '10.0.1.7');
  world.clock.advance(20_000);
  t.deepEqual(hub.peers(), []);
  t.like(peer.status().lastNotificationReceived, { code: 2, subcode: 2 });
  const refused = world.logs.filter(line => line.includes('dynamic peer refused'));
  t.is(refused.length, 1);
  t.true(refused[0]!.includes('65010') && refused[0]!.includes('65001 to 65009'));
});

for (const { asns, asn, taken } of [
  { asns: 'internal', asn: 64512, taken: true },
  { asns: 'internal', asn: 65001, taken: false },
  { asns: 'any', asn: 4_200_000_001, taken: true },
  { asns: [65001, [65005, 65006]], asn: 65006, taken: true },
  { asns: [65001, [65005, 65006]], asn: 65002, taken: false },
] as const) {
  test(`a range that takes ${JSON.stringify(asns)} ${taken ? 'takes' : 'refuses'} AS ${asn}`, t => {
    const world = newWorld();
    const { hub } = hubWith(world, { ...range, asns });
    dial(world.speaker('10.0.1.7', asn), '10.0.1.7');
    world.clock.advance(1000);
    t.deepEqual(keys(hub), taken ? ['Dynamic_10_0_1_7'] : []);
  });
}

test('beyond its limit a range refuses with 6/5, until one of its peers has gone', async t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, limit: 2, idleRemovalSeconds: 5 });
  const spokes = ['10.0.1.7', '10.0.1.8', '10.0.1.9'].map(address => {
    const speaker = world.speaker(address, 65003);
    return { speaker, peer: dial(speaker, address, { connectRetrySeconds: 1 }) };
  });
  world.clock.advance(1000);
  t.is(hub.peers().length, 2);
  t.like(spokes[2]!.peer.status().lastNotificationReceived, { code: 6, subcode: 5 });
  t.true(world.logs.some(line => line.includes('raise its limit')));
  await spokes[0]!.speaker.close();
  world.clock.advance(60_000);
  t.deepEqual(keys(hub).sort(), ['Dynamic_10_0_1_8', 'Dynamic_10_0_1_9']);
});

test('a peer is gone some time after its session, unless it has come back', async t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, idleRemovalSeconds: 10 });
  const first = world.speaker('10.0.1.7', 65003);
  dial(first, '10.0.1.7');
  world.clock.advance(1000);
  await first.close();
  world.clock.advance(9000);
  t.is(only(hub).state, 'Active');
  const second = world.speaker('10.0.1.7', 65003);
  dial(second, '10.0.1.7');
  world.clock.advance(60_000);
  t.like(only(hub), { state: 'Established', counters: { established: 2 } });
  await second.close();
  world.clock.advance(11_000);
  t.deepEqual(hub.peers(), []);
});

test('stale routes keep their peer until they go (RFC 4724)', t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, idleRemovalSeconds: 1 });
  const spoke = world.speaker('10.0.1.7', 65003);
  dial(spoke, '10.0.1.7');
  spoke.announce('10.7.0.0/16');
  world.clock.advance(1000);
  world.network.cutLink(HUB as IpAddress, '10.0.1.7' as IpAddress);
  world.network.resetConnections(HUB as IpAddress, '10.0.1.7' as IpAddress);
  world.clock.advance(100_000);
  t.deepEqual(prefixesOf(hub), ['10.7.0.0/16 10.0.1.7']);
  t.is(only(hub).routes.stale, 1);
  world.clock.advance(30_000);
  t.deepEqual(hub.peers(), []);
  t.deepEqual(prefixesOf(hub), []);
});

test('so do long-lived stale routes (RFC 9494)', t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, idleRemovalSeconds: 1, longLivedStaleSeconds: 3600 });
  const spoke = world.speaker('10.0.1.7', 65003);
  dial(spoke, '10.0.1.7', { longLivedStaleSeconds: 3600 });
  spoke.announce('10.7.0.0/16');
  world.clock.advance(1000);
  world.network.cutLink(HUB as IpAddress, '10.0.1.7' as IpAddress);
  world.network.resetConnections(HUB as IpAddress, '10.0.1.7' as IpAddress);
  world.clock.advance(1000_000);
  t.deepEqual(prefixesOf(hub), ['10.7.0.0/16 10.0.1.7']);
  world.clock.advance(2800_000);
  t.deepEqual(prefixesOf(hub), []);
  t.deepEqual(hub.peers(), []);
});

test('a configured peer wins over a range, also one that comes later', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  const spoke = world.speaker('10.0.1.7', 65003);
  dial(spoke, '10.0.1.7', { connectRetrySeconds: 1 });
  world.clock.advance(1000);
  t.is(only(hub).key, 'Dynamic_10_0_1_7');
  const peer = hub.addPeer({
    address: '10.0.1.7',
    asn: 65003,
    localAddress: HUB,
    passive: true,
    ...acceptAll,
  });
  t.deepEqual(keys(hub), ['10.0.1.7 179']);
  world.clock.advance(20_000);
  t.like(peer.status(), { state: 'Established', dynamicFrom: undefined });
  t.is(hub.peers().length, 1);
});

test('the longest range that holds an address is the one that counts', t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, prefix: '10.0.0.0/16' }, { ...range, asns: [65003] });
  dial(world.speaker('10.0.1.7', 65003), '10.0.1.7');
  dial(world.speaker('10.0.1.8', 65004), '10.0.1.8');
  dial(world.speaker('10.0.2.8', 65004), '10.0.2.8');
  world.clock.advance(1000);
  const belongs = (peers: readonly PeerStatus[]) =>
    peers.map(({ key, dynamicFrom }) => `${key} ${dynamicFrom}`);
  t.deepEqual(belongs(hub.peers()), ['Dynamic_10_0_1_7 10.0.1.0/24', 'Dynamic_10_0_2_8 10.0.0.0/16']);
  // A new range inside takes over those that it holds, without a reset.
  hub.addPeerRange({ ...range, prefix: '10.0.2.0/24' });
  t.deepEqual(belongs(hub.peers()), ['Dynamic_10_0_1_7 10.0.1.0/24', 'Dynamic_10_0_2_8 10.0.2.0/24']);
  world.clock.advance(1000);
  for (const { state, counters } of hub.peers())
    t.like({ state, counters }, { state: 'Established', counters: { established: 1 } });
});

test('a change of a range is one of its peers: live, with a reset, or the end of those it takes no longer', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  const spokes = [65003, 65004].map(asn => {
    const address = `10.0.1.${asn - 65000}`;
    const speaker = world.speaker(address, asn);
    speaker.announce(`10.${asn - 65000}.0.0/16`);
    return dial(speaker, address, { connectRetrySeconds: 1 });
  });
  world.clock.advance(1000);
  t.is(prefixesOf(hub).length, 2);
  const established = () => hub.peers().map(({ state, counters }) => `${state} ${counters.established}`);
  hub.addPeerRange({ ...range, import: ({ prefix }) => (prefix === '10.3.0.0/16' ? 'accept' : 'reject') });
  world.clock.advance(1000);
  t.deepEqual(prefixesOf(hub), ['10.3.0.0/16 10.0.1.3']);
  t.deepEqual(established(), ['Established 1', 'Established 1']);
  // The hold time stands in OPEN.
  hub.addPeerRange({ ...range, holdTimeSeconds: 30 });
  world.clock.advance(20_000);
  t.deepEqual(established(), ['Established 2', 'Established 2']);
  hub.addPeerRange({ ...range, asns: [65003] });
  t.deepEqual(keys(hub), ['Dynamic_10_0_1_3']);
  world.clock.advance(10);
  t.like(spokes[1]!.status().lastNotificationReceived, { words: '6/9 hard reset: 6/3 peer de-configured' });
});

test('a range that is removed takes its peers with it: Cease/Peer De-configured', t => {
  const world = newWorld();
  const { hub, ranges } = hubWith(world, range);
  const spoke = world.speaker('10.0.1.7', 65003);
  const peer = dial(spoke, '10.0.1.7');
  spoke.announce('10.7.0.0/16');
  world.clock.advance(1000);
  ranges[0]!.remove();
  world.clock.advance(10);
  t.deepEqual(hub.peers(), []);
  t.deepEqual(prefixesOf(hub), []);
  t.like(peer.status().lastNotificationReceived, { words: '6/9 hard reset: 6/3 peer de-configured' });
  world.clock.advance(60_000);
  t.deepEqual(hub.peers(), []);
});

test('IPv6 addresses are taken as well', t => {
  const world = newWorld();
  const hub = world.speaker('fd00::1', 64512, { routerId: '10.0.0.1' });
  hub.addPeerRange({ ...range, prefix: 'fd00::/64' });
  const spoke = world.speaker('fd00::7', 65003, { routerId: '10.0.0.7' });
  spoke.addPeer({ address: 'fd00::1', asn: 64512, localAddress: 'fd00::7', ...acceptAll });
  world.clock.advance(1000);
  t.like(only(hub), {
    key: 'Dynamic_fd00__7',
    state: 'Established',
    session: { families: ['ipv6-unicast'] },
  });
});

// ---------------------------------------------------------------- before an OPEN

interface Raw {
  readonly connection: Connection;
  readonly heard: Uint8Array[];
  closed: boolean;
}

/** A connection of somebody who knows no BGP. */
function connect(world: World, from: string): Raw {
  let raw: Raw | undefined;
  const target = { address: HUB as IpAddress, port: 179, localAddress: from as IpAddress, ...plainTerms };
  world.network.host(from as IpAddress).dial(target, {
    connected: connection => {
      const made: Raw = { connection, heard: [], closed: false };
      raw = made;
      connection.start({
        received: (buffer, start, end) => made.heard.push(buffer.slice(start, end)),
        drained: () => {},
        closed: () => {
          made.closed = true;
        },
      });
    },
    failed: () => {},
  });
  world.clock.advance(10);
  return raw!;
}

const open = encodeOpen({
  version: 4,
  asn: 65003,
  holdTimeSeconds: 90,
  routerId: '10.0.1.7' as Ipv4Address,
  capabilities: [],
});

function notification(t: ExecutionContext, { heard }: Raw): readonly [number, number] {
  t.is(heard.length, 1);
  t.is(heard[0]![18], 3);
  return [heard[0]![19]!, heard[0]![20]!];
}

test('we say nothing before the OPEN has come, whole or octet by octet', t => {
  for (const size of [1, 7, open.length]) {
    const world = newWorld();
    const { hub } = hubWith(world, range);
    const raw = connect(world, '10.0.1.7');
    const all = Buffer.concat([open, encodeKeepalive()]);
    for (let at = 0; at < open.length; at += size) {
      t.deepEqual(raw.heard, []);
      raw.connection.write(all.subarray(at, Math.min(at + size, open.length)));
      world.clock.advance(10);
    }
    t.is(raw.heard[0]![18], 1);
    raw.connection.write(all.subarray(open.length));
    world.clock.advance(10);
    t.is(only(hub).state, 'Established');
  }
});

test('what comes right behind the OPEN is not lost', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  connect(world, '10.0.1.7').connection.write(Buffer.concat([open, encodeKeepalive()]));
  world.clock.advance(10);
  t.is(only(hub).state, 'Established');
});

test('who says nothing is let go of after half a minute, who says something else at once', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  const silent = connect(world, '10.0.1.7');
  const early = connect(world, '10.0.1.8');
  early.connection.write(encodeKeepalive());
  world.clock.advance(29_000);
  t.deepEqual([silent.closed, early.closed, early.heard.length], [false, true, 0]);
  world.clock.advance(1000);
  t.true(silent.closed);
  t.deepEqual(hub.peers(), []);
});

test('a malformed message is answered with its NOTIFICATION, and costs no peer', t => {
  const world = newWorld();
  const { hub } = hubWith(world, range);
  const garbage = connect(world, '10.0.1.7');
  garbage.connection.write(new Uint8Array(64));
  const version = connect(world, '10.0.1.8');
  const wrong = open.slice();
  wrong[19] = 3;
  version.connection.write(wrong);
  world.clock.advance(10);
  t.deepEqual(notification(t, garbage), [1, 1]);
  t.deepEqual(notification(t, version), [2, 1]);
  t.true(garbage.closed && version.closed);
  t.deepEqual(hub.peers(), []);
});

test('an address has two connections without an OPEN: the oldest gives way', t => {
  const world = newWorld();
  hubWith(world, range);
  const raws = [1, 2, 3, 4].map(() => connect(world, '10.0.1.7'));
  world.clock.advance(10);
  t.deepEqual(
    raws.map(({ closed }) => closed),
    [true, true, false, false],
  );
  const other = connect(world, '10.0.1.8');
  world.clock.advance(10);
  t.false(other.closed);
});

test('a flood from many addresses is bounded, and those that are there stay', t => {
  const world = newWorld();
  const { hub } = hubWith(world, { ...range, prefix: '10.64.0.0/10' });
  const raws = Array.from({ length: 2060 }, (_, i) => connect(world, ipv4FromNumber(0x0a400001 + i)));
  world.clock.advance(10);
  t.deepEqual(
    [raws.filter(({ closed }) => closed).length, raws[0]!.closed, raws.at(-1)!.closed],
    [12, false, true],
  );
  t.true(world.logs.length <= 100);
  // When they are gone there is room again.
  world.clock.advance(31_000);
  connect(world, '10.64.0.1').connection.write(open);
  world.clock.advance(10);
  t.is(hub.peers().length, 1);
});
