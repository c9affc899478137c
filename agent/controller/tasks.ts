/** Everything the controller does, in the order in which it does it. */
import { CollectorTask } from '../ipam/collector-task.js';
import { TopologyTask } from '../topology/topology-task.js';
import { GoneHosts } from './gone-hosts.js';
import type { ControllerTask } from './task.js';
import type { TaskContext } from './task-context.js';

export function controllerTasks(context: TaskContext): readonly ControllerTask[] {
  const { store, log, clock, ipam } = context;
  const collector = ipam === undefined ? [] : [new CollectorTask({ context: ipam, store, clock, log })];
  return [new GoneHosts(context), ...collector, new TopologyTask({ store, log, unixMs: Date.now })];
}
