/** From samples to the table. */
import test from 'ava';
import { renderReport, reportJson } from '../../../bench/tunnels/report.js';
import { type Machine, type Sample, summarize, type TunnelReport } from '../../../bench/tunnels/results.js';
import type { Mode } from '../../../demo/mode.js';

const plain: Sample = {
  tcpGbitPerSecond: 8,
  udpPacketsPerSecond: 100_000,
  udpLostPercent: 0,
  p50Ms: 0.03,
  p99Ms: 0.1,
};
const slow: Sample = {
  tcpGbitPerSecond: 0.25,
  udpPacketsPerSecond: 40_000,
  udpLostPercent: 62.3,
  p50Ms: 0.12,
  p99Ms: 14,
};

const machine: Machine = {
  processor: 'AMD EPYC',
  kernel: '6.1.0-test',
  userModeLinux: false,
  cpus: 2,
  load: 0.72,
};

function reportOf(taken: readonly (readonly [Mode, readonly Sample[]])[]): TunnelReport {
  const lacking = new Map<Mode, string>([['ipip', 'this kernel has no ipip']]);
  return { machine, rounds: 3, seconds: 4, offload: false, results: summarize(new Map(taken)), lacking };
}

test('each metric is the median of the rounds, and a ratio to the median of plain routing', t => {
  const odd = { ...plain, tcpGbitPerSecond: 1, p99Ms: 9 };
  const [first, second] = summarize(
    new Map<Mode, readonly Sample[]>([
      ['plain', [odd, plain, { ...plain, p99Ms: 0.05 }]],
      ['udp', [slow]],
    ]),
  );
  t.deepEqual(first?.medians, plain);
  t.is(second?.mode, 'udp');
  t.deepEqual(second?.toPlain, {
    tcpGbitPerSecond: 0.25 / 8,
    udpPacketsPerSecond: 0.4,
    p50Ms: 4,
    p99Ms: 140,
  });
});

test('a mode without a sample is no line; without plain routing there are figures and no ratios', t => {
  const results = summarize(
    new Map<Mode, readonly Sample[]>([
      ['plain', []],
      ['vxlan', [slow]],
    ]),
  );
  t.deepEqual(
    results.map(({ mode, toPlain }) => [mode, toPlain]),
    [['vxlan', undefined]],
  );
});

test('the table names the machine, gives figures and ratios in line, and says what is left out and why', t => {
  const text = renderReport(
    reportOf([
      ['plain', [plain]],
      ['ipip', []],
      ['udp', [slow]],
    ]),
  );
  t.deepEqual(text.split('\n'), [
    'Linux 6.1.0-test with 2 CPUs, on AMD EPYC, load 0.7',
    'medians of 3 rounds, streams of 4 s, packets of its MTU on the underlay',
    '',
    '       TCP Gbit/s  to plain  UDP packets/s  to plain  lost %  ping p50 ms  to plain  p99 ms  to plain',
    'plain        8.00                   100000                 0        0.030             0.100',
    'udp          0.25    0.031x          40000     0.40x      62        0.120      4.0x  14.000      140x',
    'ipip is left out: this kernel has no ipip',
  ]);
});

test('a guest kernel is named as one, and nothing measured is no table', t => {
  const guest = { ...machine, userModeLinux: true, cpus: 1 };
  const text = renderReport({ ...reportOf([['plain', []]]), machine: guest, rounds: 1, offload: true });
  t.deepEqual(text.split('\n'), [
    'Linux 6.1.0-test (User-Mode Linux, a guest) with 1 CPU, on AMD EPYC, load 0.7',
    'one round, streams of 4 s, packets of up to 64 kB on the underlay',
    'ipip is left out: this kernel has no ipip',
  ]);
});

test('JSON holds the same, with every round', t => {
  const report = JSON.parse(reportJson(reportOf([['plain', [plain, plain]]])));
  t.deepEqual(report, {
    machine,
    rounds: 3,
    seconds: 4,
    offload: false,
    modes: {
      plain: {
        medians: plain,
        toPlain: { tcpGbitPerSecond: 1, udpPacketsPerSecond: 1, p50Ms: 1, p99Ms: 1 },
        samples: [plain, plain],
      },
    },
    lacking: { ipip: 'this kernel has no ipip' },
  });
});
