/** What is measured of network policy, and what must hold of it. Pure. */

/** Milliseconds, unless the name says otherwise. */
export type Metric =
  | 'margayMs'
  | 'commandMs'
  | 'rawMs'
  | 'toRaw'
  | 'renderMs'
  | 'answerMs'
  | 'p50Ms'
  | 'p99Ms'
  | 'maxMs'
  | 'perSecond'
  | 'bytes';

export type Sample = Readonly<Partial<Record<Metric, number>>>;

/** Of a line's median. */
export interface Bound {
  readonly metric: Metric;
  readonly kind: 'at-most' | 'at-least';
  readonly limit: number;
}

export interface Line {
  readonly id: string;
  readonly title: string;
  readonly bounds: readonly Bound[];
}

export const rowIds = ['nft', 'legacy', 'sets', 'calculation', 'apply-nft', 'apply-legacy'] as const;
export type RowId = (typeof rowIds)[number];

export interface Row {
  readonly id: RowId;
  readonly title: string;
  readonly lines: readonly Line[];
  /** That one round of it may take. */
  readonly mostSeconds: number;
}

export const ruleCounts = [10_000, 50_000] as const;

/** What issue and documentation promise over raw commands with the same text. */
const likeRaw: readonly Bound[] = [{ metric: 'toRaw', kind: 'at-most', limit: 1.2 }];
const underOneMs: readonly Bound[] = [
  { metric: 'p50Ms', kind: 'at-most', limit: 1 },
  { metric: 'p99Ms', kind: 'at-most', limit: 1 },
];
const endpointUpdates: readonly Bound[] = [
  ...underOneMs,
  { metric: 'perSecond', kind: 'at-least', limit: 2000 },
];

const tableLines: readonly Line[] = ruleCounts.flatMap(count => [
  // Before anything has been compiled. What is promised is what a running agent does.
  {
    id: `first-${count}`,
    title: `${thousands(count)} rules at once, as the process's first work`,
    bounds: [],
  },
  { id: `load-${count}`, title: `${thousands(count)} rules at once`, bounds: likeRaw },
  { id: `chain-${count}`, title: `one chain among ${thousands(count)} rules`, bounds: likeRaw },
]);

const applyLines: readonly Line[] = [
  {
    id: 'policy',
    title: 'one policy of 50, 200 endpoints',
    bounds: [{ metric: 'p99Ms', kind: 'at-most', limit: 100 }],
  },
];

export const rows: readonly Row[] = [
  {
    id: 'nft',
    title: 'the filter table by iptables-nft',
    lines: tableLines,
    mostSeconds: 360,
  },
  {
    id: 'legacy',
    title: 'the filter table by iptables-legacy',
    lines: tableLines,
    mostSeconds: 180,
  },
  {
    id: 'sets',
    title: 'a set of 100 000 members',
    lines: [
      { id: 'load', title: '100 000 members at once', bounds: [] },
      { id: 'delta', title: '100 added, 100 removed among 100 000', bounds: [] },
    ],
    mostSeconds: 120,
  },
  {
    id: 'calculation',
    title: '100 000 endpoints and 2000 policies, 100 endpoints here (CPU)',
    lines: [
      {
        id: 'snapshot',
        title: 'the whole snapshot',
        bounds: [{ metric: 'margayMs', kind: 'at-most', limit: 2000 }],
      },
      {
        id: 'memory',
        title: 'memory beside the documents, by endpoint',
        bounds: [{ metric: 'bytes', kind: 'at-most', limit: 10 * 1024 }],
      },
      { id: 'label', title: 'one label of an endpoint', bounds: endpointUpdates },
      { id: 'local-label', title: 'one label of an endpoint of this host', bounds: endpointUpdates },
      { id: 'address', title: 'one address of an endpoint', bounds: endpointUpdates },
      { id: 'namespace', title: 'one label of a namespace of 50 endpoints', bounds: [] },
      { id: 'rules', title: 'the rules of one policy', bounds: [] },
      { id: 'order', title: 'the order of one policy', bounds: [] },
    ],
    mostSeconds: 90,
  },
  {
    id: 'apply-nft',
    title: 'from an apply to the first packet judged by it, iptables-nft',
    lines: applyLines,
    mostSeconds: 180,
  },
  {
    id: 'apply-legacy',
    title: 'from an apply to the first packet judged by it, iptables-legacy',
    lines: applyLines,
    mostSeconds: 180,
  },
];

function thousands(count: number): string {
  return `${count / 1000} 000`;
}
