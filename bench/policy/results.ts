/** From samples to medians and to what became of the bounds. Pure. */
import { median } from '../figures/quantiles.js';
import { type Bound, type Line, type Metric, type Row, type RowId, rows, type Sample } from './rows.js';

/** Samples by row and line. */
export type Taken = ReadonlyMap<RowId, ReadonlyMap<string, readonly Sample[]>>;

export interface RowResult {
  readonly row: Row;
  readonly lines: readonly LineResult[];
}

export interface LineResult {
  readonly line: Line;
  /** Each metric's by itself, ratios among them: each is one of two figures taken one after the other. */
  readonly medians: Sample;
  readonly verdicts: readonly Verdict[];
  readonly samples: readonly Sample[];
}

export interface Verdict {
  readonly bound: Bound;
  /** Undefined: not measured. */
  readonly found: number | undefined;
  readonly holds: boolean | undefined;
}

/** Rows that were chosen, whether or not anything came of them. */
export function summarize(chosen: readonly RowId[], taken: Taken): readonly RowResult[] {
  return rows
    .filter(({ id }) => chosen.includes(id))
    .map(row => ({
      row,
      lines: row.lines.map(line => {
        const samples = taken.get(row.id)?.get(line.id) ?? [];
        const medians = medianSample(samples);
        return { line, medians, verdicts: line.bounds.map(bound => judge(bound, medians)), samples };
      }),
    }));
}

/** A bound that nobody has looked at does not hold. */
export function allHold(results: readonly RowResult[]): boolean {
  return results.every(({ lines }) =>
    lines.every(({ verdicts }) => verdicts.every(({ holds }) => holds === true)),
  );
}

function medianSample(samples: readonly Sample[]): Sample {
  const metrics = new Set(samples.flatMap(sample => Object.keys(sample) as Metric[]));
  const entries = [...metrics].map(metric => {
    const values = samples.flatMap(sample => sample[metric] ?? []);
    return [metric, median(values)] as const;
  });
  return Object.fromEntries(entries);
}

function judge(bound: Bound, medians: Sample): Verdict {
  const found = medians[bound.metric];
  if (found === undefined) return { bound, found, holds: undefined };
  return { bound, found, holds: bound.kind === 'at-most' ? found <= bound.limit : found >= bound.limit };
}
