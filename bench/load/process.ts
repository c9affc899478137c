/**
 * The generator's own process: commands in and answers out over Node's IPC channel, so that nothing the measuring side does
 * can delay a read or be mistaken for the speaker's work. Started by {@link startGenerator}.
 */
import { Generator } from './generator.js';
import type { LoadCommand } from './plan.js';

const generator = new Generator();

process.on('message', async (command: LoadCommand) => {
  const answer = await generator.execute(command);
  process.send?.(answer, () => {
    if (command.kind === 'close') process.disconnect();
  });
});

process.on('disconnect', () => process.exit(0));
