/** `bgpctl clear PEER`: a session anew, or only the routes of one direction. */
import { type Command, exitCode, text, UsageError } from '../command.js';
import { checkedMessage } from '../peer-message.js';

export const clearCommand: Command = {
  name: 'clear',
  summary: 'reset a session (Cease/Administrative Reset), or with --soft refresh its routes',
  positionals: [
    { name: 'peer', describe: 'address, name or key', required: true },
    { name: 'message', describe: 'tells the peer why (RFC 9003)', required: false },
  ],
  options: {
    soft: {
      type: 'string',
      choices: ['in', 'out'],
      describe: 'keep the session: ask for its routes again (in), or tell ours again (out)',
    },
  },
  examples: [
    ['bgpctl clear 10.0.0.2 "new cable"', 'the session ends and begins anew'],
    ['bgpctl clear 10.0.0.2 --soft in', 'the peer is asked for all its routes (route refresh)'],
  ],
  async run(given, context) {
    const soft = text(given, 'soft') as 'in' | 'out' | undefined;
    const message = checkedMessage(text(given, 'message'), context);
    if (soft !== undefined && message !== '') {
      throw new UsageError('--soft tells the peer nothing: the message is only for a reset');
    }
    const how = soft === undefined ? 'hard' : (`soft-${soft}` as const);
    const { peer, detail } = await context.client.clearPeer(text(given, 'peer') as string, how, message);
    await context.out(`${peer}: ${detail}\n`);
    return exitCode.fine;
  },
};
