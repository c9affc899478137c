/** The tables of what policy costs, as text and as JSON. Pure. */
import { alignColumns } from '../figures/columns.js';
import type { Machine } from '../tunnels/results.js';
import type { LineResult, RowResult, Verdict } from './results.js';
import type { Metric, Sample } from './rows.js';

export interface PolicyReport {
  readonly machine: Machine;
  readonly rounds: number;
  readonly results: readonly RowResult[];
}

const columns: readonly (readonly [metric: Metric, heading: string, digits: number])[] = [
  ['margayMs', 'Margay ms', 1],
  ['commandMs', 'its commands', 1],
  ['rawMs', 'raw ms', 1],
  ['toRaw', 'to raw', 2],
  ['renderMs', 'rendering ms', 1],
  ['answerMs', 'answered ms', 1],
  ['p50Ms', 'p50 ms', 3],
  ['p99Ms', 'p99 ms', 3],
  ['maxMs', 'longest', 1],
  ['perSecond', 'a second', 0],
  ['bytes', 'bytes', 0],
];

export function renderReport({ machine, rounds, results }: PolicyReport): string {
  const { processor, kernel, cpus, load } = machine;
  return [
    `Linux ${kernel} with ${cpus} CPU${cpus === 1 ? '' : 's'}, on ${processor}, load ${load.toFixed(1)}`,
    rounds === 1 ? 'one round' : `medians of ${rounds} rounds`,
    ...results.flatMap(result => ['', ...renderRow(result)]),
  ].join('\n');
}

function renderRow({ row, lines }: RowResult): readonly string[] {
  const shown = columns.filter(([metric]) => lines.some(({ medians }) => medians[metric] !== undefined));
  const table = [
    [row.title, ...shown.map(([, heading]) => heading)],
    ...lines.map(({ line, medians }) => [
      `  ${line.title}`,
      ...shown.map(([metric, , digits]) => medians[metric]?.toFixed(digits) ?? '-'),
    ]),
  ];
  return [...alignColumns(table), ...lines.flatMap(renderVerdicts)];
}

function renderVerdicts({ line, verdicts }: LineResult): readonly string[] {
  return verdicts.map(verdict => `  ${word(verdict).padEnd(12)}  ${line.title}: ${describe(verdict)}`);
}

function word({ holds }: Verdict): string {
  return holds === undefined ? 'not measured' : holds ? 'holds' : 'MISSED';
}

function describe({ bound: { metric, kind, limit }, found }: Verdict): string {
  const [, heading, digits] = columns.find(([one]) => one === metric)!;
  const was = found === undefined ? '' : `, was ${found.toFixed(digits)}`;
  return `${heading} at ${kind === 'at-most' ? 'most' : 'least'} ${limit}${was}`;
}

/** For other programs: medians, verdicts and every sample. */
export function reportJson({ machine, rounds, results }: PolicyReport): string {
  const plain = results.map(({ row: { id, title }, lines }) => ({
    id,
    title,
    lines: lines.map(({ line, ...result }) => ({ id: line.id, title: line.title, ...result })),
  }));
  return JSON.stringify({ machine, rounds, rows: plain }, undefined, 2);
}

/** One sample on a line, for who watches. */
export function describeSample(sample: Sample): string {
  return columns
    .flatMap(([metric, heading, digits]) => {
      const value = sample[metric];
      return value === undefined ? [] : [`${heading} ${value.toFixed(digits)}`];
    })
    .join('  ');
}
