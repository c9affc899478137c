/** What the UDP data path says of itself, as a file that the agent shows. Pure. */
import { type Counters, newCounters } from './forwarder.js';

export interface UdpStatus {
  readonly pid: number;
  /** When the process began, ISO 8601. */
  readonly since: string;
  /** The device that is served; null: none, or not yet. */
  readonly device: string | null;
  /** The UDP port that is bound; null: none, or not yet. */
  readonly port: number | null;
  readonly routes: number;
  readonly counters: Readonly<Counters>;
  /** What is wrong now, a sentence each. */
  readonly problems: readonly string[];
  /** The last thing that went wrong, over or not. */
  readonly lastError: { readonly at: string; readonly message: string } | null;
}

export function encodeUdpStatus(status: UdpStatus): string {
  return `${JSON.stringify(status)}\n`;
}

/** Undefined if it is none; counters that an older process did not know are 0. */
export function decodeUdpStatus(text: string): UdpStatus | undefined {
  try {
    const written = JSON.parse(text) as Partial<UdpStatus> | null;
    if (typeof written?.pid !== 'number' || typeof written.since !== 'string') return undefined;
    const { pid, since, device = null, port = null, routes = 0, problems = [], lastError = null } = written;
    const counters = { ...newCounters(), ...written.counters };
    return { pid, since, device, port, routes, counters, problems, lastError };
  } catch {
    return undefined;
  }
}
