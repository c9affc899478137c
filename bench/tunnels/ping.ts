/** What `ping` of iputils says: a line for each answer, and a summary. Pure. */
import { percentile } from '../figures/quantiles.js';

export interface RoundTrips {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** More than this share of pings without an answer is a path that does not work, not one that is slow. */
const MOST_LOST = 0.01;

/** @throws if too few came back, or none */
export function readRoundTrips(output: string): RoundTrips {
  const times = [...output.matchAll(/ icmp_seq=\d+ .*\btime=([\d.]+) ms$/gm)].map(([, time]) => Number(time));
  const sent = Number(/^(\d+) packets transmitted/m.exec(output)?.[1] ?? 0);
  if (sent === 0 || sent - times.length > sent * MOST_LOST)
    throw new Error(`ping: ${times.length} of ${sent} came back`);
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}
