/** The side-by-side table as text. Pure. */
import { alignColumns } from '../figures/columns.js';
import type { ContenderName } from './contender.js';
import type { Bound, Metric, Sample } from './rows.js';
import type { RowResult, Verdict } from './statistics.js';

const columns: readonly (readonly [metric: Metric, heading: string, digits: number])[] = [
  ['cpuSeconds', 'CPU s', 3],
  ['wallSeconds', 'wall s', 3],
  ['memoryMb', 'MB', 1],
  ['memoryMbPer100k', 'MB/100k', 1],
  ['p50Ms', 'p50 ms', 3],
  ['p99Ms', 'p99 ms', 3],
  ['cpuPercent', 'CPU %', 1],
  ['updatesOut', 'UPDATEs out', 0],
];

export function renderReport(results: readonly RowResult[]): string {
  return results.map(renderRow).join('\n\n');
}

function renderRow(result: RowResult): string {
  const shown = columns.filter(([metric]) =>
    [...result.medians.values()].some(sample => sample[metric] !== undefined),
  );
  const deciding = result.row.bounds[0]?.metric ?? 'cpuSeconds';
  const own = result.medians.get('margay')?.[deciding];
  const heading = ['', ...shown.map(([, text]) => text), 'Margay to it'];
  const lines = [...result.medians].map(([name, sample]) => [
    name,
    ...shown.map(([metric, , digits]) => cell(sample[metric], digits)),
    ratioTo(name, sample, own, deciding),
  ]);
  const without = Object.entries(result.row.without ?? {}).map(([name, why]) => `  without ${name}: ${why}`);
  const verdicts = result.verdicts.map(verdict => `  ${renderVerdict(verdict)}`);
  return [result.row.title, ...alignColumns([heading, ...lines]), ...without, ...verdicts].join('\n');
}

function cell(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

function ratioTo(name: ContenderName, sample: Sample, own: number | undefined, metric: Metric): string {
  const other = sample[metric];
  if (name === 'margay' || own === undefined || other === undefined) return '';
  return `${(own / other).toFixed(2)}x`;
}

function renderVerdict({ bound, found, holds }: Verdict): string {
  const word = holds === undefined ? 'not measured' : holds ? 'holds' : 'MISSED';
  return `${word.padEnd(12)}  ${describe(bound)}${found === undefined ? '' : `: ${found.toFixed(2)}`}`;
}

function describe(bound: Bound): string {
  const what = columns.find(([metric]) => metric === bound.metric)![1];
  return bound.kind === 'ratio'
    ? `${what} at most ${bound.factor}x ${bound.against}`
    : `${what} at most ${bound.atMost}`;
}

/** For other programs: medians and verdicts by row. */
export function reportJson(results: readonly RowResult[]): string {
  const plain = results.map(({ row, medians, verdicts }) => ({
    id: row.id,
    title: row.title,
    medians: Object.fromEntries(medians),
    verdicts,
  }));
  return JSON.stringify(plain, undefined, 2);
}
