/** What a BMP station hears of a speaker (RFC 7854), over a network in memory. */
import test from 'ava';
import {
  type BmpStationOption,
  createSpeaker,
  type PeerOptions,
  type RoutePolicy,
} from '../../../bgp/index.js';
import { formatAsPath } from '../../../bgp/wire/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { join, newWorld, type World } from '../speaker/memory.js';
import { MemoryStation, updateIn } from './memory-station.js';

const STATION = '10.0.9.9';
const PORT = 11019;
const ends = { a: '10.0.0.1', b: '10.0.0.2', asA: 64512, asB: 65002 };
const ROUTE_MONITORING = 0;
const STATISTICS = 1;
const PEER_DOWN = 2;
const PEER_UP = 3;
const INITIATION = 4;
const TERMINATION = 5;

function monitored({ clock, network }: World, adjRibIn?: BmpStationOption['adjRibIn']) {
  return createSpeaker(
    {
      asn: 64512,
      routerId: '10.0.0.1',
      listen: { address: '10.0.0.1' },
      bmpStations: [{ address: STATION, port: PORT, sysName: 'host-a', ...(adjRibIn && { adjRibIn }) }],
    },
    {
      transport: network.host('10.0.0.1' as IpAddress),
      clock,
      random: () => 0.5,
      unixMs: () => clock.now(),
    },
  );
}

test('who we are, who is up with both OPENs, what they say, why they go, and a goodbye', async t => {
  const world = newWorld();
  const { clock, network } = world;
  const station = new MemoryStation(network, STATION, PORT);
  const a = monitored(world);
  const b = world.speaker('10.0.0.2', 65002);
  join(a, b, ends);
  clock.advance(10_000);
  b.announce('10.244.2.0/24', { communities: ['65002:7'] });
  clock.advance(1000);
  t.is(station.types[0], INITIATION);
  t.true(Buffer.from(station.messages[0]!.body).includes('host-a'));
  const up = station.messages.find(({ type }) => type === PEER_UP)!.body;
  // Local address, ports; two messages of type OPEN.
  t.deepEqual([...up.subarray(42 + 12, 42 + 16)], [10, 0, 0, 1]);
  const sent = up.subarray(42 + 20);
  const received = sent.subarray((sent[16]! << 8) | sent[17]!);
  t.deepEqual([sent[18], received[18]], [1, 1]);
  t.is((received[16]! << 8) | received[17]!, received.length);
  t.deepEqual([...station.tables()], [['10.0.0.2', ['10.244.2.0/24']]]);
  const [announced] = station.messages
    .filter(({ type }) => type === ROUTE_MONITORING)
    .map(({ body }) => updateIn(body))
    .filter(update => update.announced.length > 0);
  t.deepEqual(announced!.attributes.communities, [65002 * 65536 + 7]);
  b.withdraw('10.244.2.0/24');
  clock.advance(1000);
  t.deepEqual([...station.tables()], [['10.0.0.2', []]]);
  clock.advance(60_000);
  t.true(station.types.includes(STATISTICS));
  await b.close({ message: 'moving' });
  clock.advance(1000);
  const down = station.messages.find(({ type }) => type === PEER_DOWN)!.body;
  // The remote end's NOTIFICATION: Cease, Hard Reset, of Cease, administrative shutdown.
  t.is(down[42], 3);
  t.deepEqual([...down.subarray(43 + 19, 43 + 23)], [6, 9, 6, 2]);
  await a.close();
  clock.advance(1000);
  t.is(station.types.at(-1), TERMINATION);
});

test('whom we end a session with is told with the NOTIFICATION that the peer got, whole', t => {
  const world = newWorld();
  const { clock, network } = world;
  const station = new MemoryStation(network, STATION, PORT);
  const a = monitored(world);
  const b = world.speaker('10.0.0.2', 65002);
  const [toB] = join(a, b, ends);
  const downs = () => station.messages.filter(({ type }) => type === PEER_DOWN).map(({ body }) => body);
  clock.advance(10_000);
  toB.shutdown('moving');
  clock.advance(1000);
  // Reason 1; Cease, Hard Reset, of Cease, administrative shutdown, with its words.
  t.is(downs()[0]![42], 1);
  t.deepEqual([...downs()[0]!.subarray(43 + 19)], [6, 9, 6, 2, 6, ...Buffer.from('moving')]);
  toB.enable();
  clock.advance(10_000);
  toB.clear('hard');
  clock.advance(1000);
  t.is(downs()[1]![42], 1);
  t.deepEqual([...downs()[1]!.subarray(43 + 19)], [6, 4]);
  clock.advance(10_000);
  network.resetConnections('10.0.0.1' as IpAddress, '10.0.0.2' as IpAddress);
  clock.advance(1000);
  t.is(downs()[2]![42], 4, 'nobody said anything');
  t.is(downs()[2]!.length, 43);
});

test('a station that comes late is told the whole table, each peer ended by End-of-RIB, then changes', t => {
  const world = newWorld();
  const { clock, network } = world;
  const a = monitored(world);
  const b = world.speaker('10.0.0.2', 65002);
  const c = world.speaker('10.0.0.3', 65003);
  join(a, b, ends);
  join(a, c, { ...ends, b: '10.0.0.3', asB: 65003 });
  const many = Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  for (const prefix of many) b.announce(prefix);
  c.announce('10.0.0.0/24', { communities: ['65003:1'] });
  clock.advance(10_000);
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(120_000);
  t.deepEqual(station.tables().get('10.0.0.2'), [...many].sort());
  t.deepEqual(station.tables().get('10.0.0.3'), ['10.0.0.0/24']);
  const ends2 = station.messages
    .filter(({ type }) => type === ROUTE_MONITORING)
    .map(({ body }) => updateIn(body))
    .filter(({ announced, withdrawn }) => announced.length === 0 && withdrawn.length === 0);
  t.is(ends2.length, 2);
  t.true(station.messages.length < 200, `${station.messages.length} messages: packed`);
  b.withdraw('10.0.1.0/24');
  clock.advance(1000);
  t.is(station.tables().get('10.0.0.2')!.length, many.length - 1);
});

test('a station that goes away is dialled again, with growing pauses, and told everything anew', t => {
  const world = newWorld();
  const { clock, network } = world;
  const station = new MemoryStation(network, STATION, PORT);
  const a = monitored(world);
  const b = world.speaker('10.0.0.2', 65002);
  join(a, b, ends);
  b.announce('10.244.2.0/24');
  clock.advance(10_000);
  t.is(station.connections.length, 1);
  network.resetConnections('10.0.0.1' as IpAddress, STATION as IpAddress);
  clock.advance(5000);
  t.is(station.connections.length, 2);
  t.deepEqual([...station.tables()], [['10.0.0.2', ['10.244.2.0/24']]]);
  station.close();
  clock.advance(600_000);
  const again = new MemoryStation(network, STATION, PORT);
  clock.advance(61_000);
  t.deepEqual([...again.tables()], [['10.0.0.2', ['10.244.2.0/24']]]);
});

// ---------------------------------------------------------------- after policy

const both = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;

/** Accepts what is inside 10.1.0.0/16 and fd01::/16, with this MED. */
function only(med: number, ...prefixes: string[]): RoutePolicy {
  return {
    rules: prefixes.map(prefix => ({
      within: { prefix: prefix as never, minLength: 0, maxLength: 128 },
      source: 'any',
      action: 'accept',
      operations: [{ kind: 'set-med', value: med }],
      reason: 'test',
    })),
    otherwise: 'reject',
  };
}

/** A speaker with a policy towards B, which tells four prefixes, and a station that is told as `adjRibIn` says. */
function policed(
  adjRibIn: BmpStationOption['adjRibIn'],
  beginning: RoutePolicy,
  more: Partial<PeerOptions> = {},
) {
  const world = newWorld();
  const { clock, network } = world;
  const a = monitored(world, adjRibIn);
  const b = world.speaker('10.0.0.2', 65002);
  const setPolicy = (policy: RoutePolicy) => {
    a.addPeer({
      address: '10.0.0.2',
      asn: 65002,
      localAddress: '10.0.0.1',
      ...both,
      ...more,
      import: policy,
    });
    clock.advance(1000);
  };
  join(a, b, { ...ends, more: { ...both, ...more } });
  for (const prefix of ['10.1.1.0/24', '10.1.2.0/24', '10.2.0.0/16']) b.announce(prefix);
  b.announce('fd01::/32', { nextHop: 'fd00::2' });
  setPolicy(beginning);
  return { clock, network, a, b, setPolicy };
}

const pre = (station: MemoryStation) => station.tables('pre-policy').get('10.0.0.2');
const post = (station: MemoryStation) => station.tables('post-policy').get('10.0.0.2');
const ALL = ['10.1.1.0/24', '10.1.2.0/24', '10.2.0.0/16', 'fd01::/32'];
const OPEN: RoutePolicy = { rules: [], otherwise: 'accept' };

test('after policy: what was accepted and as it is then, with the L flag, and nothing else', t => {
  const { clock, network, b } = policed('post-policy', only(7, '10.1.0.0/16', 'fd01::/16'));
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  t.deepEqual(pre(station), []);
  t.deepEqual(post(station), ['10.1.1.0/24', '10.1.2.0/24', 'fd01::/32']);
  const routes = station.messages.filter(({ type }) => type === ROUTE_MONITORING);
  t.true(routes.every(({ body }) => (body[1]! & 0x40) !== 0));
  const announced = routes.map(({ body }) => updateIn(body)).filter(update => update.attributes.asPath);
  t.true(announced.length > 0);
  for (const { attributes } of announced) t.is(attributes.multiExitDisc, 7);
  // Two families, each ended.
  const ended = routes.map(({ body }) => updateIn(body)).filter(update => update.announced.length === 0);
  t.is(ended.length, 2);
  b.withdraw('10.1.1.0/24');
  b.withdraw('10.2.0.0/16');
  b.withdraw('fd01::/32');
  b.announce('10.1.9.0/24');
  clock.advance(1000);
  t.deepEqual(post(station), ['10.1.2.0/24', '10.1.9.0/24']);
  const all = station.messages.filter(({ type }) => type === ROUTE_MONITORING);
  const withdrawn = all.flatMap(({ body }) => updateIn(body).withdrawn);
  // Nothing is taken back that was not told.
  t.deepEqual([...withdrawn].sort(), ['10.1.1.0/24', 'fd01::/32'] as never);
});

test('after policy: a policy that changes is told as what becomes of routes by it, and only that', t => {
  const { clock, network, setPolicy } = policed('post-policy', only(7, '10.1.0.0/16'));
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  t.deepEqual(post(station), ['10.1.1.0/24', '10.1.2.0/24']);
  const changes = (change: () => void) => {
    const before = station.messages.length;
    change();
    const told = station.messages.slice(before).filter(({ type }) => type === ROUTE_MONITORING);
    const updates = told.map(({ body }) => updateIn(body));
    return {
      announced: updates.flatMap(({ announced }) => announced as readonly string[]).sort(),
      withdrawn: updates.flatMap(({ withdrawn }) => withdrawn as readonly string[]).sort(),
    };
  };
  t.deepEqual(
    changes(() => setPolicy(only(7, '10.1.0.0/16', '10.2.0.0/16'))),
    { announced: ['10.2.0.0/16'], withdrawn: [] },
  );
  t.deepEqual(
    changes(() => setPolicy(only(8, '10.1.1.0/24', '10.2.0.0/16'))),
    { announced: ['10.1.1.0/24', '10.2.0.0/16'], withdrawn: ['10.1.2.0/24'] },
  );
  t.deepEqual(
    changes(() => setPolicy(OPEN)),
    { announced: ALL, withdrawn: [] },
  );
  t.deepEqual(post(station), ALL);
  t.deepEqual(
    changes(() => setPolicy(OPEN)),
    { announced: [], withdrawn: [] },
  );
});

test('before and after policy, each with its own flag; after it nothing is left of a peer that went, and it comes back whole', async t => {
  const { clock, network, b } = policed('both', only(7, '10.1.0.0/16'));
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  t.deepEqual(pre(station), ALL);
  t.deepEqual(post(station), ['10.1.1.0/24', '10.1.2.0/24']);
  network.resetConnections('10.0.0.1' as IpAddress, '10.0.0.2' as IpAddress);
  clock.advance(1);
  t.is(post(station), undefined);
  clock.advance(60_000);
  t.deepEqual(pre(station), ALL);
  t.deepEqual(post(station), ['10.1.1.0/24', '10.1.2.0/24']);
  b.announce('10.1.3.0/24', { communities: ['65002:7'] });
  clock.advance(1000);
  t.is(pre(station)?.length, 5);
  t.is(post(station)?.length, 3);
  // A goodbye for good: its routes are gone at once, which is said by its being down alone.
  const before = station.messages.length;
  await b.close();
  clock.advance(1000);
  t.is(post(station), undefined);
  t.deepEqual(
    station.messages.slice(before).map(({ type }) => type),
    [PEER_DOWN],
  );
});

test('after policy: routes of a peer under several path identifiers, as they come and go', t => {
  const world = newWorld();
  const { clock, network } = world;
  const a = monitored(world, 'post-policy');
  const b = world.speaker('10.0.0.2', 65002);
  const [c, d] = [world.speaker('10.0.0.3', 65003), world.speaker('10.0.0.4', 65004)];
  join(a, b, { ...ends, more: { addPath: { receive: true, send: 4 } } });
  for (const [i, each] of [c, d].entries()) {
    join(b, each, { a: '10.0.0.2', b: `10.0.0.${3 + i}`, asA: 65002, asB: 65003 + i });
    each.announce('10.1.0.0/16');
  }
  clock.advance(20_000);
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  const paths = () => {
    const told = new Map<number, string>();
    for (const { type, body } of station.messages) {
      if (type !== ROUTE_MONITORING) continue;
      const { announced, withdrawn, pathIds, attributes } = updateIn(body, ['ipv4-unicast']);
      for (const i of withdrawn.keys()) told.delete(pathIds!.withdrawn[i]!);
      for (const i of announced.keys())
        told.set(pathIds!.announced[i]!, formatAsPath(attributes.asPath ?? []));
    }
    return [...told.values()].sort();
  };
  t.deepEqual(paths(), ['65002 65003', '65002 65004']);
  c.withdraw('10.1.0.0/16');
  clock.advance(1000);
  t.deepEqual(paths(), ['65002 65004']);
});

test('a station that comes back is told what holds after policy then', t => {
  const { clock, network, setPolicy } = policed('post-policy', only(7, '10.1.0.0/16'));
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  network.resetConnections('10.0.0.1' as IpAddress, STATION as IpAddress);
  setPolicy(only(7, '10.2.0.0/16'));
  clock.advance(70_000);
  t.is(station.connections.length, 2);
  t.deepEqual(post(station), ['10.2.0.0/16']);
});

test('after policy: many prefixes that a policy takes away are told in few messages', t => {
  const { clock, network, a, b, setPolicy } = policed('post-policy', OPEN);
  const many = Array.from({ length: 5000 }, (_, i) => `10.${64 + (i >> 8)}.${i & 255}.0/24`);
  for (const prefix of many) b.announce(prefix);
  clock.advance(10_000);
  const station = new MemoryStation(network, STATION, PORT);
  clock.advance(70_000);
  t.is(post(station)?.length, 5004);
  setPolicy(only(1, '10.64.0.0/16'));
  clock.advance(10_000);
  t.deepEqual(post(station), [...many.slice(0, 256)].sort());
  const before = station.messages.length;
  setPolicy({ rules: [], otherwise: 'reject' });
  t.deepEqual(post(station), []);
  t.true(station.messages.length - before < 5);
  t.is(a.peers()[0]?.routes.received, 5004);
});
