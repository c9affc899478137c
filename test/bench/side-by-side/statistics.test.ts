/** Medians and verdicts: a bound that is missed says so, one that was not measured does not count as held. */
import test from 'ava';
import { type CpuProfile, topFunctions } from '../../../bench/side-by-side/cpu-profile.js';
import { renderReport } from '../../../bench/side-by-side/report.js';
import { type Row, speakerRows } from '../../../bench/side-by-side/rows.js';
import { evaluate } from '../../../bench/side-by-side/statistics.js';

const row: Row = {
  ...speakerRows(1000)[0]!,
  bounds: [
    { kind: 'ratio', metric: 'cpuSeconds', against: 'bird2', factor: 1.5 },
    { kind: 'ratio', metric: 'cpuSeconds', against: 'frr', factor: 1 },
    { kind: 'value', metric: 'memoryMb', atMost: 12 },
  ],
};

test('medians per contender decide each bound', t => {
  const samples = new Map([
    [
      row.id,
      new Map([
        [
          'margay',
          [
            { cpuSeconds: 9, memoryMb: 13 },
            { cpuSeconds: 2, memoryMb: 13 },
            { cpuSeconds: 3, memoryMb: 13 },
          ],
        ],
        ['bird2', [{ cpuSeconds: 1 }, { cpuSeconds: 3 }]],
      ] as const),
    ],
  ]);
  const [result] = evaluate([row], samples);
  t.deepEqual(result?.medians.get('margay'), { cpuSeconds: 3, memoryMb: 13 });
  t.deepEqual(
    result?.verdicts.map(({ found, holds }) => [found, holds]),
    [
      [1.5, true],
      [undefined, undefined],
      [13, false],
    ],
  );
  t.regex(renderReport(evaluate([row], samples)), /1\.50x/);
});

test('a profile names the functions with the most time of their own and leaves idling out', t => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 4 });
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '') },
      { id: 2, callFrame: frame('flush', 'file:///x/dist/bgp/rib/rib.js') },
      { id: 3, callFrame: frame('(garbage collector)', '') },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [0, 5000, 3000, 1000, 3000],
  };
  t.deepEqual(topFunctions(profile, 1), [{ name: 'flush bgp/rib/rib.js:5', percent: (6 / 7) * 100, ms: 6 }]);
});
