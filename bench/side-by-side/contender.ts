/**
 * A speaker that can be measured: how it is started with given peers, how its routes are counted afterwards, how it is ended.
 */
import type { Place } from '../daemons/processes.js';

/** `ip-batch` is iproute2 fed with a file of routes: no speaker, the yardstick for writing to the kernel. */
export const contenderNames = ['margay', 'bird2', 'frr', 'gobgp', 'ip-batch'] as const;
export type ContenderName = (typeof contenderNames)[number];

export interface Setup extends Place {
  readonly address: string;
  readonly asn: number;
  readonly peers: readonly SetupPeer[];
  /** Whether best routes go to the kernel of the namespace. */
  readonly kernelRoutes: boolean;
}

export interface SetupPeer {
  readonly address: string;
  readonly asn: number;
  /** Of a route reflector. */
  readonly client: boolean;
}

export interface Contender {
  readonly name: ContenderName;
  /** False: measured without `kernelRoutes` only. */
  readonly writesKernel: boolean;
  start(setup: Setup): Promise<RunningContender>;
}

export interface RunningContender {
  readonly pid: number;
  /** Routes in the table, by the speaker's own word: asked once, after the measurement. */
  countRoutes(): Promise<number>;
  /** Margay alone: takes a CPU profile of what runs in between. */
  readonly profiler: { start(): Promise<void>; stop(file: string): Promise<void> } | undefined;
  stop(): Promise<void>;
}
