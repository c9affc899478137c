/** What rooms of the agent add to its host's report: each a field of its own, which those who know it read again. */
import type { Agent } from '../agent.js';

export function reportParts(agent: Agent): Readonly<Record<string, unknown>> {
  return { topology: agent.topologyProgress() };
}
