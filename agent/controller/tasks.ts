/** Everything the controller does, in the order in which it does it. */
import type { Clock } from '../../core/clock.js';
import type { Store } from '../../store/port.js';
import type { Log } from '../options.js';
import { TopologyTask } from '../topology/topology-task.js';
import { GoneHosts } from './gone-hosts.js';
import type { ControllerTask } from './task.js';

export interface TaskContext {
  /** Of the controller's host. */
  readonly nodeName: string;
  /** Refuses writes as soon as this host may not be the controller any more. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Gives back what a host that is deleted has of addresses and blocks; resolves to how many addresses that were. */
  readonly releaseAddresses: (node: string) => Promise<number>;
}

export function controllerTasks(context: TaskContext): readonly ControllerTask[] {
  const { store, log } = context;
  return [new GoneHosts(context), new TopologyTask({ store, log, unixMs: Date.now })];
}
