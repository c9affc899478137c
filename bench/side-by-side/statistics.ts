/** Medians over rounds, ratios between contenders, and the verdict on a row's bounds. Pure. */
import { median } from '../figures/quantiles.js';
import type { ContenderName } from './contender.js';
import type { Bound, Metric, Row, Sample } from './rows.js';

/** What the rounds gave: samples by row id and contender. */
export type Samples = ReadonlyMap<string, ReadonlyMap<ContenderName, readonly Sample[]>>;

export interface RowResult {
  readonly row: Row;
  readonly medians: ReadonlyMap<ContenderName, Sample>;
  readonly verdicts: readonly Verdict[];
}

export interface Verdict {
  readonly bound: Bound;
  /** The ratio or value found; undefined if one of the two was not measured. */
  readonly found: number | undefined;
  readonly holds: boolean | undefined;
}

/** Each metric's median by itself, over the samples that have it. */
function medianSample(samples: readonly Sample[]): Sample {
  const metrics = new Set(samples.flatMap(sample => Object.keys(sample) as Metric[]));
  const entries = [...metrics].map(metric => {
    const values = samples.map(sample => sample[metric]).filter(value => value !== undefined);
    return [metric, median(values)] as const;
  });
  return Object.fromEntries(entries);
}

function judge(bound: Bound, medians: ReadonlyMap<ContenderName, Sample>): Verdict {
  const own = medians.get('margay')?.[bound.metric];
  const unit = bound.kind === 'ratio' ? medians.get(bound.against)?.[bound.metric] : 1;
  if (own === undefined || unit === undefined) return { bound, found: undefined, holds: undefined };
  const found = own / unit;
  return { bound, found, holds: found <= (bound.kind === 'ratio' ? bound.factor : bound.atMost) };
}

export function evaluate(rows: readonly Row[], samples: Samples): readonly RowResult[] {
  return rows.map(row => {
    const ofRow = samples.get(row.id) ?? new Map<ContenderName, readonly Sample[]>();
    const medians = new Map([...ofRow].map(([name, taken]) => [name, medianSample(taken)]));
    return { row, medians, verdicts: row.bounds.map(bound => judge(bound, medians)) };
  });
}
