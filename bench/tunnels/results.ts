/** From samples to medians and their ratios to plain routing. Pure. */
import type { Mode } from '../../demo/mode.js';
import { median } from '../figures/quantiles.js';

export interface Sample {
  /** What arrived of one TCP stream. */
  readonly tcpGbitPerSecond: number;
  /** Small datagrams that arrived, of as many as could be sent. */
  readonly udpPacketsPerSecond: number;
  readonly udpLostPercent: number;
  /** Round trips of single pings, with nothing else under way. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type Metric = keyof Sample;
/** A loss of nothing is nothing to be compared with. */
export type Ratios = Readonly<Record<Exclude<Metric, 'udpLostPercent'>, number>>;

export interface ModeResult {
  readonly mode: Mode;
  readonly medians: Sample;
  /** Undefined where plain routing was not measured. */
  readonly toPlain: Ratios | undefined;
  readonly samples: readonly Sample[];
}

export interface Machine {
  /** The host's, which a guest kernel shares. */
  readonly processor: string;
  readonly kernel: string;
  readonly userModeLinux: boolean;
  /** That this kernel has. */
  readonly cpus: number;
  /** The host's load average over a minute, at the start. */
  readonly load: number;
}

export interface TunnelReport {
  readonly machine: Machine;
  readonly rounds: number;
  /** Of each stream. */
  readonly seconds: number;
  /** Packets of up to 64 kB between hosts, where veth passes them; else of the underlay's MTU, as on a wire. */
  readonly offload: boolean;
  readonly results: readonly ModeResult[];
  /** Modes that this kernel lacks, and why. */
  readonly lacking: ReadonlyMap<Mode, string>;
}

/** In the order of the modes; those without a sample are left out. */
export function summarize(taken: ReadonlyMap<Mode, readonly Sample[]>): readonly ModeResult[] {
  const measured = [...taken].filter(([, samples]) => samples.length > 0);
  const medians = new Map(measured.map(([mode, samples]) => [mode, medianSample(samples)]));
  const plain = medians.get('plain');
  return measured.map(([mode, samples]) => ({
    mode,
    medians: medians.get(mode)!,
    toPlain: plain === undefined ? undefined : ratios(medians.get(mode)!, plain),
    samples,
  }));
}

/** Each metric's median by itself. */
function medianSample(samples: readonly Sample[]): Sample {
  const of = (metric: Metric) => median(samples.map(sample => sample[metric]));
  return {
    tcpGbitPerSecond: of('tcpGbitPerSecond'),
    udpPacketsPerSecond: of('udpPacketsPerSecond'),
    udpLostPercent: of('udpLostPercent'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
  };
}

function ratios(sample: Sample, plain: Sample): Ratios {
  const of = (metric: Metric) => sample[metric] / plain[metric];
  return {
    tcpGbitPerSecond: of('tcpGbitPerSecond'),
    udpPacketsPerSecond: of('udpPacketsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
  };
}
