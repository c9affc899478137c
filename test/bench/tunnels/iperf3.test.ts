/** Reports of iperf3 3.12, with what is not read left out. */
import test from 'ava';
import { readTcpGbit, readUdpStream } from '../../../bench/tunnels/iperf3.js';

const tcp = JSON.stringify({
  start: { version: 'iperf 3.12' },
  intervals: [
    { sum: { seconds: 1.000241, bytes: 1299578880, bits_per_second: 10394125627.657557, omitted: true } },
    { sum: { seconds: 2.000314, bytes: 1686896640, bits_per_second: 6746527355.205233, omitted: false } },
  ],
  end: {
    sum_sent: { seconds: 2.000314, bytes: 1686896640, bits_per_second: 6746527355.205233, retransmits: 2191 },
    sum_received: { seconds: 2.015103, bytes: 1691615232, bits_per_second: 6715746964.795348 },
  },
});

const udp = JSON.stringify({
  end: {
    sum: { seconds: 2.002955, bytes: 8586880, lost_packets: 56690, packets: 134170 },
    sum_sent: { seconds: 2.002664, bytes: 8586880, lost_packets: 0, packets: 134170, lost_percent: 0 },
    sum_received: { seconds: 2.002955, bytes: 4952000, lost_packets: 56690, packets: 134065 },
  },
});

const refused = JSON.stringify({
  start: { connected: [], version: 'iperf 3.12' },
  intervals: [],
  end: {},
  error: 'unable to connect to server: Connection refused',
});

test('of a TCP stream, what arrived counts, without the seconds left out', t => {
  t.is(readTcpGbit(tcp), 6.715746964795348);
});

test('of a stream of datagrams, the octets that arrived say how many there were, those lost at the end included', t => {
  const { packetsPerSecond, lostPercent } = readUdpStream(udp, 64);
  t.is(packetsPerSecond, 77_375 / 2.002955);
  t.is(lostPercent.toFixed(3), '42.331');
});

test('a stream of datagrams of which none arrived is one of which all are lost', t => {
  const end = {
    sum_sent: { seconds: 1, bytes: 640, packets: 10 },
    sum_received: { seconds: 1, bytes: 0, packets: 0 },
  };
  t.deepEqual(readUdpStream(JSON.stringify({ end }), 64), { packetsPerSecond: 0, lostPercent: 100 });
});

test('iperf3 that failed gives its reason, whatever was asked of it', t => {
  const reason = { message: /unable to connect to server: Connection refused/ };
  t.throws(() => readTcpGbit(refused), reason);
  t.throws(() => readUdpStream(refused, 64), reason);
});

test('a report without an end, one that sent nothing, and no report at all are no figures', t => {
  t.throws(() => readTcpGbit('{"end":{}}'));
  t.throws(() => readTcpGbit('{}'));
  t.throws(() => readTcpGbit('iperf3: command not found'));
  const sums = { sum_sent: { seconds: 1, bytes: 0, packets: 0 }, sum_received: { seconds: 1, bytes: 0 } };
  t.throws(() => readUdpStream(JSON.stringify({ end: sums }), 64));
});
