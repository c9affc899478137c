/** The metrics as Prometheus reads them: those of the agent, and those of its process. */
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { AgentStatus, PeerView } from '../control/types.js';
import { metricsOf } from './metrics.js';

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Memory, CPU and the event loop's delays, which are watched from the first question on. */
let ofProcess: Registry | undefined;

export async function metricsText(status: AgentStatus, peers: readonly PeerView[]): Promise<string> {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
    countBefore(ofProcess);
  }
  return `${await metricsOf(status, peers).metrics()}${await ofProcess.metrics()}`;
}

/** The client counts CPU time from when it is set up, and the counters are of the process. */
function countBefore(registry: Registry): void {
  const { user, system } = process.cpuUsage();
  const microseconds = { user_seconds: user, system_seconds: system, seconds: user + system };
  for (const [name, used] of Object.entries(microseconds)) {
    const counter = registry.getSingleMetric(`process_cpu_${name}_total`);
    if (counter instanceof Counter) counter.inc(used / 1e6);
  }
}
