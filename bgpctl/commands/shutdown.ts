/**
 * `bgpctl shutdown`: without a peer the goodbye of this whole host, after which peers drop our routes at once; with one, that session
 * alone, until it is enabled.
 */
import { type Command, exitCode, text, UsageError } from '../command.js';
import { checkedMessage } from '../peer-message.js';

export const shutdownCommand: Command = {
  name: 'shutdown',
  summary:
    'with a peer: close its session and keep it down; without: end the agent and tell every peer (Cease)',
  positionals: [
    { name: 'peer', describe: 'address, name or key; none: this whole host', required: false },
    { name: 'message', describe: 'tells the peer why (RFC 9003)', required: false },
  ],
  options: {},
  examples: [
    ['bgpctl shutdown 10.0.0.2 "moving racks"', 'down until bgpctl enable 10.0.0.2, also over restarts'],
    ['bgpctl shutdown', 'before this host leaves the cluster; a restart does not need this'],
  ],
  async run(given, context) {
    const peer = text(given, 'peer');
    // An empty variable of a script must not end the whole host.
    if (peer?.trim() === '') {
      throw new UsageError('peer is empty: name one, or none at all for the goodbye of this whole host');
    }
    if (peer !== undefined) {
      const message = checkedMessage(text(given, 'message'), context);
      const shut = await context.client.shutdownPeer(peer, message);
      await context.out(`${shut.peer} is shut down, until: bgpctl enable ${peer}\n`);
      return exitCode.fine;
    }
    await context.client.shutdown();
    await context.out(
      'The agent says goodbye to its peers and ends. Routes in the kernel stay: margay-agent cleanup.\n',
    );
    return exitCode.fine;
  },
};
