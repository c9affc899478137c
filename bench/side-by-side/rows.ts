/**
 * The rows of the side-by-side table: what is measured, on whom, and the bounds that must hold.
 *
 * Sessions are the same for every contender: an eBGP source, and where routes go on, an iBGP sink. Nobody reflects; only
 * the kernel row writes kernel routes, with those that can (GoBGP has no FIB, FRR's is another daemon's).
 */
import type { ContenderName } from './contender.js';

export type Metric =
  | 'cpuSeconds'
  | 'wallSeconds'
  | 'memoryMb'
  | 'memoryMbPer100k'
  | 'p50Ms'
  | 'p99Ms'
  | 'cpuPercent'
  | 'updatesOut';

export type Sample = Readonly<Partial<Record<Metric, number>>>;

/** Margay's median must be at most `factor` times the other's, or at most a fixed value. */
export type Bound =
  | {
      readonly kind: 'ratio';
      readonly metric: Metric;
      readonly against: ContenderName;
      readonly factor: number;
    }
  | { readonly kind: 'value'; readonly metric: Metric; readonly atMost: number };

/** What a speaker does, with the generator at the other end. */
export type SpeakerWork =
  | {
      readonly kind: 'load';
      readonly prefixes: number;
      readonly prefixesPerUpdate: number;
      readonly sinks: 0 | 1;
    }
  | {
      readonly kind: 'churn';
      readonly prefixes: number;
      readonly eventsPerSecond: number;
      readonly durationSeconds: number;
    }
  /** From UPDATEs to kernel routes. */
  | { readonly kind: 'kernel'; readonly prefixes: number };

export type Work =
  | SpeakerWork
  /** From a table that is known to kernel routes. */
  | { readonly kind: 'driver'; readonly prefixes: number };

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly work: Work;
  readonly bounds: readonly Bound[];
}

const betterThanFrrAndGobgp = (metric: Metric): readonly Bound[] => [
  { kind: 'ratio', metric, against: 'frr', factor: 1 },
  { kind: 'ratio', metric, against: 'gobgp', factor: 1 },
];

const againstBird2 = (factor: number): Bound => ({
  kind: 'ratio',
  metric: 'cpuSeconds',
  against: 'bird2',
  factor,
});
const compact: Bound = { kind: 'value', metric: 'memoryMbPer100k', atMost: 12 };

/** The speaker's rows for a table of `prefixes`; the issue is measured at 500 000. */
export function speakerRows(prefixes: number): readonly Row[] {
  const table = `${prefixes.toLocaleString('en').replaceAll(',', ' ')} prefixes`;
  return [
    {
      id: 'rib-packed',
      title: `${table} from one peer to RIB, 1000 per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1000, sinks: 0 },
      bounds: [againstBird2(1.5), ...betterThanFrrAndGobgp('cpuSeconds'), compact],
    },
    {
      id: 'rib-single',
      title: `${table} from one peer to RIB, one per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1, sinks: 0 },
      bounds: [againstBird2(1), ...betterThanFrrAndGobgp('cpuSeconds'), compact],
    },
    {
      id: 'client-packed',
      title: `${table} on to one peer, 1000 per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1000, sinks: 1 },
      bounds: [againstBird2(1), ...betterThanFrrAndGobgp('cpuSeconds')],
    },
    {
      id: 'client-single',
      title: `${table} on to one peer, one per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1, sinks: 1 },
      bounds: [againstBird2(1), ...betterThanFrrAndGobgp('cpuSeconds')],
    },
    {
      id: 'churn',
      title: 'churn: 1000 events/s over 10 000 routes to one peer',
      work: { kind: 'churn', prefixes: 10_000, eventsPerSecond: 1000, durationSeconds: 5 },
      bounds: [{ kind: 'value', metric: 'p99Ms', atMost: 1 }, ...betterThanFrrAndGobgp('p99Ms')],
    },
    {
      id: 'kernel',
      title: '100 000 prefixes from one peer to kernel routes',
      work: { kind: 'kernel', prefixes: 100_000 },
      bounds: [],
    },
    {
      id: 'driver',
      title: '100 000 routes that are known to the kernel',
      work: { kind: 'driver', prefixes: 100_000 },
      bounds: [{ kind: 'ratio', metric: 'cpuSeconds', against: 'ip-batch', factor: 1 / 2.5 }],
    },
  ];
}
