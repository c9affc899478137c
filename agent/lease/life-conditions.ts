/** What stands in the way of a host's being one of the cluster, and of the cluster's controller, for people (pure). */
import type { ConditionView, HostReport } from '../control/types.js';
import type { HostView } from '../controller/task.js';
import type { NameVerdict } from './name-lease.js';
import type { Standing } from './standing.js';

/** In the controller's report. */
const SILENT_NAMED = 200;

/** @param tasks problems of the controller's tasks, by their names */
export function lifeConditions(
  nodeName: string,
  standing: Standing,
  name: NameVerdict,
  tasks: ReadonlyMap<string, string>,
): readonly ConditionView[] {
  const objects = [`Node/${nodeName}`];
  const found: ConditionView[] = [];
  if (standing.kind !== 'member') {
    const severity = standing.kind === 'pending' ? 'warning' : 'error';
    found.push({ severity, message: standing.reason, objects });
  }
  if (name.kind === 'ours' && name.problem !== undefined) {
    const message = `the lease of this host's name cannot be renewed: ${name.problem}; everything goes on`;
    found.push({ severity: 'warning', message, objects });
  }
  for (const [task, words] of tasks) {
    const message = `the controller's task ${task}: ${words}`;
    found.push({ severity: 'warning', message, objects: ['Lease/controller'] });
  }
  return found;
}

/** Of hosts as the controller sees them, for its report; undefined where this host is not the controller. */
export function silentHosts(hosts: ReadonlyMap<string, HostView> | undefined): HostReport['silent'] {
  if (hosts === undefined) return undefined;
  const leased = [...hosts.values()].filter(host => host.leased);
  const silent = leased
    .filter(({ alive }) => !alive)
    .map(({ name, renewals = 0 }) => ({ node: name, renewals }));
  return {
    hosts: leased.length,
    nodes: silent.slice(0, SILENT_NAMED),
    leftOut: Math.max(0, silent.length - SILENT_NAMED),
  };
}
