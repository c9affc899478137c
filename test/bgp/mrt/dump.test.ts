/** What a speaker writes down of itself and its sessions. */
import test from 'ava';
import { createSpeaker } from '../../../bgp/index.js';
import { join, newWorld } from '../speaker/memory.js';
import { concat, readRecords } from './mrt-reader.js';

const ends = { a: '10.0.0.1', b: '10.0.0.2', asA: 64512, asB: 65002 };
const TABLE_DUMP_V2 = 13;

test('a dump has the peers first, then each prefix once with all its paths, ours from peer 0', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 65002)];
  join(a, b, ends);
  a.announce('10.244.1.0/24');
  b.announce('10.244.1.0/24');
  for (let i = 0; i < 3000; i++) b.announce(`10.${i >> 8}.${i & 255}.0/24`);
  clock.advance(10_000);
  const [index, ...rest] = readRecords(concat(a.dumpTable()));
  t.like(index, { type: TABLE_DUMP_V2, subtype: 1 });
  t.is(new DataView(index!.body.buffer).getUint16(4 + 2 + 'margay'.length), 2);
  t.is(rest.length, 3001);
  t.true(rest.every(({ type, subtype }) => type === TABLE_DUMP_V2 && subtype === 2));
  // Sequence (4), length (1), prefix (3), entries (2).
  const bodies = rest.map(({ body }) => new DataView(body.buffer));
  t.deepEqual(
    bodies.map(view => view.getUint32(0)),
    bodies.map((_, i) => i),
  );
  const twice = bodies.filter(view => view.getUint16(8) === 2);
  t.deepEqual(
    twice.map(view => view.getUint32(4)),
    [0x180af401],
  );
});

test('a recording has the OPEN, the UPDATEs and the changes of state, and ends when it is told to', t => {
  const { clock, speaker, network } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 65002)];
  const pieces: Uint8Array[] = [];
  const stop = a.recordSessions(records => pieces.push(records));
  join(a, b, ends);
  b.announce('10.244.2.0/24');
  clock.advance(10_000);
  const types = () =>
    readRecords(concat(pieces)).flatMap(({ type, subtype, body }) => {
      t.is(type, 17);
      // Microseconds, two AS numbers, interface, AFI, two addresses.
      const rest = body.subarray(4 + 8 + 4 + 8);
      return subtype === 5 ? [`state ${rest[1]} to ${rest[3]}`] : [`message ${rest[18]}`];
    });
  t.true(types().includes('message 1'));
  t.true(types().includes('message 2'));
  t.true(types().some(type => type.endsWith('to 6')));
  network.resetConnections('10.0.0.1' as never, '10.0.0.2' as never);
  clock.advance(1000);
  t.true(types().some(type => type.startsWith('state 6')));
  stop();
  const before = pieces.length;
  clock.advance(120_000);
  t.is(pieces.length, before);
});

test('paths with identifiers (RFC 7911) keep them, in a dump and in a recording', t => {
  const { clock, speaker } = newWorld();
  const [a, b, c] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 65002), speaker('10.0.0.3', 65003)];
  const pieces: Uint8Array[] = [];
  a.recordSessions(records => pieces.push(records));
  join(a, b, { ...ends, more: { addPath: { receive: true, send: 2 } } });
  join(a, c, { ...ends, b: '10.0.0.3', asB: 65003 });
  b.announce('10.244.2.0/24');
  c.announce('10.244.3.0/24');
  clock.advance(10_000);
  const [, ...table] = readRecords(concat(a.dumpTable()));
  // RIB_IPV4_UNICAST_ADDPATH and RIB_IPV4_UNICAST.
  t.deepEqual(table.map(({ subtype }) => subtype).sort(), [2, 8]);
  const messages = readRecords(concat(pieces)).filter(({ subtype }) => subtype !== 5);
  const updates = messages.filter(({ body }) => body[24 + 18] === 2);
  t.true(updates.length >= 2);
  // BGP4MP_MESSAGE_AS4_ADDPATH for what has identifiers, and End-of-RIB has none.
  const routes = updates.filter(({ body }) => body.length > 24 + 23);
  t.deepEqual(routes.map(({ subtype }) => subtype).sort(), [4, 9]);
  t.true(messages.filter(({ body }) => body[24 + 18] !== 2).every(({ subtype }) => subtype === 4));
});

test('nobody listens in: nothing is recorded', t => {
  const { clock, speaker } = newWorld();
  const [a, b] = [speaker('10.0.0.1', 64512), speaker('10.0.0.2', 65002)];
  join(a, b, ends);
  clock.advance(10_000);
  t.is(readRecords(concat(a.dumpTable())).length, 1);
});

test('a station without an address is refused by name', t => {
  const options = { asn: 64512, routerId: '10.0.0.1', bmpStations: [{ address: 'x', port: 11019 }] };
  t.throws(() => createSpeaker(options), { name: 'OptionError', message: /bmpStations\[0\]\.address/ });
});
