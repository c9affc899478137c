/** `bgpctl shutdown`: the goodbye that is meant: peers drop our routes at once. */
import { type Command, exitCode } from '../command.js';

export const shutdownCommand: Command = {
  name: 'shutdown',
  summary: 'end the agent and tell every peer so (Cease); a restart does not need this',
  positionals: [],
  options: {},
  examples: [['bgpctl shutdown', 'before this host leaves the cluster']],
  async run(_given, context) {
    await context.client.shutdown();
    await context.out(
      'The agent says goodbye to its peers and ends. Routes in the kernel stay: margay-agent cleanup.\n',
    );
    return exitCode.fine;
  },
};
