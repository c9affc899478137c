/**
 * The rows of the side-by-side table: what is measured, on whom, and the bounds that must hold.
 *
 * Sessions are the same for every contender: an eBGP source, and where routes go on, an iBGP sink; in the reflector's rows, source and
 * sinks are its clients. Only the kernel row writes kernel routes, with those that can (GoBGP has no FIB, FRR's is another daemon's).
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
      /** Of a reflector; undefined: an external source and one sink. */
      readonly clients?: number;
      readonly eventsPerSecond: number;
      readonly durationSeconds: number;
    }
  /** From one client to all others. */
  | { readonly kind: 'reflect'; readonly prefixes: number; readonly clients: number }
  /** Clients that dial a full reflector, all at once. */
  | { readonly kind: 'join'; readonly prefixes: number; readonly clients: number }
  /** Nothing but keepalives. */
  | {
      readonly kind: 'idle';
      readonly prefixes: number;
      readonly clients: number;
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
  /** Contenders that are not measured, and why. */
  readonly without?: Partial<Readonly<Record<ContenderName, string>>>;
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
const atMost = (metric: Metric, value: number): Bound => ({ kind: 'value', metric, atMost: value });
const compact = atMost('memoryMbPer100k', 8);

const REFLECTED = 10_000;

const onlyBird2 = {
  frr: 'it holds its first batch back by 50 ms per client, up to 10 s',
  gobgp: 'a minute of CPU for each hundred clients: it sends one route per UPDATE',
};

function reflect(clients: number, wallSeconds: number, factor: number, more: Partial<Row>): Row {
  return {
    id: `reflect-${clients}`,
    title: `reflector: 10 000 routes from one client to ${clients} others`,
    work: { kind: 'reflect', prefixes: REFLECTED, clients },
    ...more,
    bounds: [atMost('wallSeconds', wallSeconds), againstBird2(factor), ...(more.bounds ?? [])],
  };
}

function join(clients: number, wallSeconds: number, more: Partial<Row>): Row {
  return {
    id: `join-${clients}`,
    title: `reflector with 10 000 routes: ${clients} clients dial at once, until the last has all`,
    work: { kind: 'join', prefixes: REFLECTED, clients },
    bounds: [atMost('wallSeconds', wallSeconds)],
    ...more,
  };
}

function reflectorChurn(clients: number, bounds: readonly Bound[], more: Partial<Row>): Row {
  return {
    id: `churn-${clients}`,
    title: `reflector: churn of 1000 events/s over 10 000 routes to ${clients} clients`,
    work: { kind: 'churn', prefixes: REFLECTED, clients, eventsPerSecond: 1000, durationSeconds: 5 },
    bounds,
    ...more,
  };
}

const cheaperChurnThanBird2: Bound = { kind: 'ratio', metric: 'cpuPercent', against: 'bird2', factor: 1 };

const reflectorRows: readonly Row[] = [
  reflect(20, 0.05, 0.5, {}),
  reflect(100, 0.1, 0.25, { bounds: [atMost('memoryMb', 25)] }),
  reflect(1000, 0.5, 0.25, { without: onlyBird2 }),
  join(100, 0.2, {}),
  join(1000, 2, {
    without: {
      ...onlyBird2,
      bird2: 'its listen backlog is 8: some of a thousand dial for more than three minutes',
    },
  }),
  reflectorChurn(20, [atMost('p99Ms', 0.7)], {}),
  reflectorChurn(100, [atMost('p99Ms', 3.5), cheaperChurnThanBird2], {
    without: { gobgp: 'it never catches up' },
  }),
  reflectorChurn(1000, [atMost('p99Ms', 100)], {
    without: { ...onlyBird2, bird2: 'it writes each event to each client: six times what a core can' },
  }),
  {
    id: 'idle-100',
    title: 'reflector with 10 000 routes and 100 idle clients',
    work: { kind: 'idle', prefixes: REFLECTED, clients: 100, durationSeconds: 30 },
    bounds: [atMost('cpuPercent', 0.3)],
  },
];

/** The speaker's rows for a table of `prefixes`; the issue is measured at 500 000. */
export function speakerRows(prefixes: number): readonly Row[] {
  const table = `${prefixes.toLocaleString('en').replaceAll(',', ' ')} prefixes`;
  return [
    {
      id: 'rib-packed',
      title: `${table} from one peer to RIB, 1000 per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1000, sinks: 0 },
      bounds: [againstBird2(1), ...betterThanFrrAndGobgp('cpuSeconds'), compact],
    },
    {
      id: 'rib-single',
      title: `${table} from one peer to RIB, one per UPDATE`,
      work: { kind: 'load', prefixes, prefixesPerUpdate: 1, sinks: 0 },
      bounds: [againstBird2(0.5), ...betterThanFrrAndGobgp('cpuSeconds'), compact],
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
      bounds: [againstBird2(0.5), ...betterThanFrrAndGobgp('cpuSeconds')],
    },
    {
      id: 'churn',
      title: 'churn: 1000 events/s over 10 000 routes to one peer',
      work: { kind: 'churn', prefixes: 10_000, eventsPerSecond: 1000, durationSeconds: 5 },
      bounds: [{ kind: 'value', metric: 'p99Ms', atMost: 1 }, ...betterThanFrrAndGobgp('p99Ms')],
    },
    ...reflectorRows,
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
