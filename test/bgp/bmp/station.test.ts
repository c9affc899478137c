/** What a BMP station hears of a speaker (RFC 7854), over a network in memory. */
import test from 'ava';
import { createSpeaker } from '../../../bgp/index.js';
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

function monitored({ clock, network }: World) {
  return createSpeaker(
    {
      asn: 64512,
      routerId: '10.0.0.1',
      listen: { address: '10.0.0.1' },
      bmpStations: [{ address: STATION, port: PORT, sysName: 'host-a' }],
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
