/** `bgpctl enable PEER` and `bgpctl disable PEER`: a session switched by hand, off until the agent restarts. */
import { type Command, exitCode, text } from '../command.js';

const peer = { name: 'peer', describe: 'address, name or key', required: true } as const;

function peerSwitch(name: 'enable' | 'disable', summary: string): Command {
  return {
    name,
    summary,
    positionals: [peer],
    options: {},
    examples: [[`bgpctl ${name} 10.0.0.2`, '']],
    async run(given, context) {
      const result = await context.client.setPeerEnabled(text(given, 'peer') as string, name === 'enable');
      await context.out(
        `${result.peer} ${result.enabled ? 'enabled' : 'disabled (until the agent restarts)'}\n`,
      );
      return exitCode.fine;
    },
  };
}

export const enableCommand = peerSwitch(
  'enable',
  "let a peer's session that was disabled or shut down come up again",
);
export const disableCommand = peerSwitch('disable', "close a peer's session (Cease) and keep it down");
