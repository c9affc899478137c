/** Somebody else's BFD as the other end of a session of ours: implemented by BIRD 2 and FRR's bfdd. */
import type { Place } from '../../../../bench/daemons/processes.js';

export interface BfdDaemon {
  readonly name: 'bird2' | 'frr';
  /** Whether it can say AdminDown. */
  readonly saysAdminDown: boolean;
  start(setup: BfdSetup): Promise<RunningBfd>;
}

export interface BfdSetup extends Place {
  readonly address: string;
  readonly peer: string;
  readonly interfaceName: string;
  readonly multihop: boolean;
}

export interface DaemonTimers {
  /** Both ways, milliseconds. */
  readonly intervalMs: number;
  readonly multiplier: number;
}

export interface RunningBfd {
  /** Up or not; the words for the rest differ. */
  up(): Promise<boolean>;
  /** As it sends, milliseconds. */
  intervalMs(): Promise<number>;
  /** What it knows of the end of ours. */
  remoteMultiplier(): Promise<number | undefined>;
  change(timers: DaemonTimers): Promise<void>;
  adminDown(): Promise<void>;
  kill(): Promise<void>;
}
