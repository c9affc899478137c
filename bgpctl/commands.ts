/** Every command, loaded when it is called for. */
import type { Command } from './command.js';

export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  peers: async () => (await import('./commands/peers.js')).peersCommand,
  bfd: async () => (await import('./commands/bfd.js')).bfdCommand,
  topology: async () => (await import('./commands/topology.js')).topologyCommand,
  routes: async () => (await import('./commands/routes.js')).routesCommand,
  check: async () => (await import('./commands/check.js')).checkCommand,
  status: async () => (await import('./commands/status.js')).statusCommand,
  get: async () => (await import('./commands/get.js')).getCommand,
  describe: async () => (await import('./commands/describe.js')).describeCommand,
  apply: async () => (await import('./commands/apply.js')).applyCommand,
  delete: async () => (await import('./commands/delete.js')).deleteCommand,
  enable: async () => (await import('./commands/peer-switch.js')).enableCommand,
  clear: async () => (await import('./commands/clear.js')).clearCommand,
  disable: async () => (await import('./commands/peer-switch.js')).disableCommand,
  node: async () => (await import('./commands/node.js')).nodeCommand,
  mrt: async () => (await import('./commands/mrt.js')).mrtCommand,
  explain: async () => (await import('./commands/explain.js')).explainCommand,
  policy: async () => (await import('./commands/policy.js')).policyCommand,
  ipam: async () => (await import('./commands/ipam.js')).ipamCommand,
  store: async () => (await import('./commands/store.js')).storeCommand,
  metrics: async () => (await import('./commands/metrics.js')).metricsCommand,
  shutdown: async () => (await import('./commands/shutdown.js')).shutdownCommand,
};
