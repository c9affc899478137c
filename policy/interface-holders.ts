/**
 * Whose a workload's interface is (pure). Documents may give one to several workloads, packets tell interfaces alone: it is the one's whose key is
 * first, whatever came when. The others have neither chains nor routes.
 */
import type { WorkloadEndpoint } from './model.js';

/** Holders by the names of their interfaces. */
export function interfaceHolders(
  workloads: Iterable<WorkloadEndpoint>,
): ReadonlyMap<string, WorkloadEndpoint> {
  const holders = new Map<string, WorkloadEndpoint>();
  for (const workload of workloads) {
    const other = holders.get(workload.interfaceName);
    if (other === undefined || workload.key < other.key) holders.set(workload.interfaceName, workload);
  }
  return holders;
}
