/** Everything the controller does, in the order in which it does it. */
import type { Clock } from '../../core/clock.js';
import type { IpamContext } from '../../ipam/context.js';
import type { Store } from '../../store/port.js';
import { CollectorTask } from '../ipam/collector-task.js';
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
  /** Of this host; absent: it manages no addresses. */
  readonly ipam?: IpamContext | undefined;
}

export function controllerTasks(context: TaskContext): readonly ControllerTask[] {
  const { store, log, clock, ipam } = context;
  const collector = ipam === undefined ? [] : [new CollectorTask({ context: ipam, store, clock, log })];
  return [new GoneHosts(context), ...collector, new TopologyTask({ store, log, unixMs: Date.now })];
}
