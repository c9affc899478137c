/** Output of ping from iputils 20221126. */
import test from 'ava';
import { readRoundTrips } from '../../../bench/tunnels/ping.js';

function outputOf(timesMs: readonly string[], sent: number): string {
  const answers = timesMs.map(
    (time, i) => `64 bytes from 10.244.2.2: icmp_seq=${i + 1} ttl=61 time=${time} ms`,
  );
  const lost = `${sent} packets transmitted, ${timesMs.length} received, 0% packet loss, time 51ms`;
  const summary = ['', '--- 10.244.2.2 ping statistics ---', lost];
  const times = timesMs.length === 0 ? [] : ['rtt min/avg/max/mdev = 0.012/0.015/0.030/0.004 ms'];
  return ['PING 10.244.2.2 (10.244.2.2) 56(84) bytes of data.', ...answers, ...summary, ...times, ''].join(
    '\n',
  );
}

const hundred = Array.from({ length: 100 }, (_, i) => (i === 70 ? '12.5' : i === 3 ? '2.89' : '0.030'));

test('the middle round trip and the one that one of a hundred exceeds', t => {
  t.deepEqual(readRoundTrips(outputOf(['0.030', '0.019', '0.016'], 3)), { p50Ms: 0.019, p99Ms: 0.03 });
  t.deepEqual(readRoundTrips(outputOf(hundred, 100)), { p50Ms: 0.03, p99Ms: 12.5 });
});

test('a time of many milliseconds, which ping writes without decimals, is read as the others', t => {
  t.deepEqual(readRoundTrips(outputOf(['104'], 1)), { p50Ms: 104, p99Ms: 104 });
});

test('one lost of a hundred is a slow path, two are one that does not work', t => {
  t.is(readRoundTrips(outputOf(hundred.slice(0, 99), 100)).p50Ms, 0.03);
  t.throws(() => readRoundTrips(outputOf(hundred.slice(0, 98), 100)));
});

test('nothing that came back, and nothing at all, is no figure', t => {
  t.throws(() => readRoundTrips(outputOf([], 100)));
  t.throws(() => readRoundTrips(''));
});
