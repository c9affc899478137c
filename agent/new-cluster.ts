/** The calculators of an agent, for its own documents and for those that are only tried out. */
import { Cluster } from './cluster.js';
import type { AgentOptions } from './options.js';

export function newCluster(options: AgentOptions): Cluster {
  const { nodeName, gracefulRestart, restarting, mode = 'node', metric, dataplane, version } = options;
  const routes = dataplane === 'none' ? {} : { routeMetric: metric };
  const bmpStations = (options.bmpStations ?? []).map(station => ({
    ...station,
    sysName: nodeName,
    sysDescr: `Margay ${version}`,
  }));
  return new Cluster({ nodeName, gracefulRestart, restarting, mode, bmpStations, ...routes });
}
