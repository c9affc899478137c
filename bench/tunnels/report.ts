/** The table of ways between hosts, as text and as JSON. Pure. */
import { alignColumns } from '../figures/columns.js';
import type { Machine, Metric, ModeResult, Ratios, Sample, TunnelReport } from './results.js';

const columns: readonly (readonly [metric: Metric, heading: string, digits: number])[] = [
  ['tcpGbitPerSecond', 'TCP Gbit/s', 2],
  ['udpPacketsPerSecond', 'UDP packets/s', 0],
  ['udpLostPercent', 'lost %', 0],
  ['p50Ms', 'ping p50 ms', 3],
  ['p99Ms', 'p99 ms', 3],
];

/** Each figure is followed by its ratio to plain routing. */
export function renderReport(report: TunnelReport): string {
  const heading = [
    '',
    ...columns.flatMap(([metric, text]) => [text, ...(hasRatio(metric) ? ['to plain'] : [])]),
  ];
  const lines = report.results.map(result => [
    result.mode,
    ...columns.flatMap(([metric, , digits]) => [
      result.medians[metric].toFixed(digits),
      ...(hasRatio(metric) ? [ratio(result, metric)] : []),
    ]),
  ]);
  return [
    describeMachine(report.machine),
    describeRun(report),
    ...(lines.length === 0 ? [] : ['', ...alignColumns([heading, ...lines])]),
    ...[...report.lacking].map(([mode, reason]) => `${mode} is left out: ${reason}`),
  ].join('\n');
}

function describeMachine({ processor, kernel, userModeLinux, cpus, load }: Machine): string {
  const whose = userModeLinux ? ' (User-Mode Linux, a guest)' : '';
  return `Linux ${kernel}${whose} with ${cpus} CPU${cpus === 1 ? '' : 's'}, on ${processor}, load ${load.toFixed(1)}`;
}

function describeRun({ rounds, seconds, offload }: TunnelReport): string {
  const figures = rounds === 1 ? 'one round' : `medians of ${rounds} rounds`;
  const underlay = offload ? 'packets of up to 64 kB' : 'packets of its MTU';
  return `${figures}, streams of ${seconds} s, ${underlay} on the underlay`;
}

function hasRatio(metric: Metric): metric is keyof Ratios {
  return metric !== 'udpLostPercent';
}

function ratio({ mode, toPlain }: ModeResult, metric: keyof Ratios): string {
  if (mode === 'plain' || toPlain === undefined) return '';
  const times = toPlain[metric];
  return `${times < 100 ? times.toPrecision(2) : times.toFixed(0)}x`;
}

/** For other programs. */
export function reportJson({ results, lacking, ...rest }: TunnelReport): string {
  const modes = Object.fromEntries(results.map(({ mode, ...result }) => [mode, result]));
  return JSON.stringify({ ...rest, modes, lacking: Object.fromEntries(lacking) }, undefined, 2);
}

/** One sample on a line, for who watches. */
export function describeSample(sample: Sample): string {
  return columns.map(([metric, text, digits]) => `${text} ${sample[metric].toFixed(digits)}`).join('  ');
}
