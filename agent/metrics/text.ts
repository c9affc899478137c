/** The metrics as Prometheus reads them: those of the agent, and those of its process. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { AgentStatus, PeerStatus } from '../control/types.js';
import { metricsOf } from './metrics.js';

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Memory, CPU and the event loop's delays, which are watched from the first question on. */
let ofProcess: Registry | undefined;

export async function metricsText(status: AgentStatus, peers: readonly PeerStatus[]): Promise<string> {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return `${await metricsOf(status, peers).metrics()}${await ofProcess.metrics()}`;
}
