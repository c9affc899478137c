/** From samples to the table, and to the verdict. */
import test from 'ava';
import { renderReport, reportJson } from '../../../bench/policy/report.js';
import { allHold, summarize } from '../../../bench/policy/results.js';
import type { RowId, Sample } from '../../../bench/policy/rows.js';

const machine = { processor: 'AMD EPYC', kernel: '6.1.0-test', userModeLinux: false, cpus: 2, load: 0.72 };

function taken(lines: Readonly<Record<string, readonly Sample[]>>, row: RowId = 'legacy') {
  return summarize([row], new Map([[row, new Map(Object.entries(lines))]]));
}

const pair = (margayMs: number, rawMs: number): Sample => ({ margayMs, rawMs, toRaw: margayMs / rawMs });
const allGood = {
  'load-10000': [pair(12, 10)],
  'chain-10000': [pair(5, 5)],
  'load-50000': [pair(5, 5)],
  'chain-50000': [pair(5, 5)],
};

test('a ratio is the median of those of pairs, not the one of medians', t => {
  const [result] = taken({ ...allGood, 'load-10000': [pair(10, 10), pair(30, 20), pair(20, 40)] });
  const line = result!.lines.find(one => one.line.id === 'load-10000');
  t.deepEqual(line!.medians, { margayMs: 20, rawMs: 20, toRaw: 1 });
  t.is(line!.samples.length, 3);
});

test('a bound holds up to its limit, and is missed beyond it', t => {
  t.true(allHold(taken(allGood)));
  t.false(allHold(taken({ ...allGood, 'load-10000': [pair(12.1, 10)] })));
});

test('the least that must be reached is missed below it', t => {
  const updates = (perSecond: number) => ({ p50Ms: 0.1, p99Ms: 1, perSecond });
  const [result] = taken({ label: [updates(1999)], address: [updates(2000)] }, 'calculation');
  const verdicts = (id: string) => result!.lines.find(({ line }) => line.id === id)!.verdicts;
  t.deepEqual(
    verdicts('label').map(({ holds }) => holds),
    [true, true, false],
  );
  t.deepEqual(
    verdicts('address').map(({ holds }) => holds),
    [true, true, true],
  );
});

test('what was not measured does not hold', t => {
  const { 'chain-50000': _, ...rest } = allGood;
  const results = taken(rest);
  t.false(allHold(results));
  t.is(results[0]!.lines.at(-1)!.verdicts[0]!.holds, undefined);
});

test('the table names the machine, gives figures in line, and says what became of each bound', t => {
  const { 'chain-50000': _, ...rest } = allGood;
  const results = taken({ ...rest, 'chain-10000': [{ ...pair(6.5, 5), renderMs: 0.25 }] });
  t.deepEqual(renderReport({ machine, rounds: 1, results }).split('\n'), [
    'Linux 6.1.0-test with 2 CPUs, on AMD EPYC, load 0.7',
    'one round',
    '',
    'the filter table by iptables-legacy                  Margay ms  raw ms  to raw  rendering ms',
    "  10 000 rules at once, as the process's first work          -       -       -             -",
    '  10 000 rules at once                                    12.0    10.0    1.20             -',
    '  one chain among 10 000 rules                             6.5     5.0    1.30           0.3',
    "  50 000 rules at once, as the process's first work          -       -       -             -",
    '  50 000 rules at once                                     5.0     5.0    1.00             -',
    '  one chain among 50 000 rules                               -       -       -             -',
    '  holds         10 000 rules at once: to raw at most 1.2, was 1.20',
    '  MISSED        one chain among 10 000 rules: to raw at most 1.2, was 1.30',
    '  holds         50 000 rules at once: to raw at most 1.2, was 1.00',
    '  not measured  one chain among 50 000 rules: to raw at most 1.2',
  ]);
});

test('JSON holds the same, with every sample', t => {
  const report = JSON.parse(reportJson({ machine, rounds: 2, results: taken(allGood) }));
  t.deepEqual(report.machine, machine);
  t.is(report.rounds, 2);
  const [row] = report.rows;
  t.is(row.id, 'legacy');
  t.deepEqual(row.lines[1], {
    id: 'load-10000',
    title: '10 000 rules at once',
    medians: pair(12, 10),
    verdicts: [{ bound: { metric: 'toRaw', kind: 'at-most', limit: 1.2 }, found: 1.2, holds: true }],
    samples: [pair(12, 10)],
  });
});
