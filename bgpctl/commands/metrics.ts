/** `bgpctl metrics`: what Prometheus would read, also where the agent does not serve it. */
import { type Command, exitCode } from '../command.js';

export const metricsCommand: Command = {
  name: 'metrics',
  summary: 'metrics of the agent, its peers and its process, as Prometheus reads them',
  positionals: [],
  options: {},
  examples: [['bgpctl metrics | grep margay_bgp_peer_up', 'who is up']],
  async run(_given, context) {
    await context.out(await context.client.metrics());
    return exitCode.fine;
  },
};
