/** `bgpctl status`: how the agent is, and everything that asks for a person. */
import { type Command, outputFormat, outputOption, watchOption } from '../command.js';
import { formatStatus, hasFindings } from '../format/status.js';
import { checkResult, show } from '../show.js';

export const statusCommand: Command = {
  name: 'status',
  summary: 'the agent: in sync or not, stale routes, refusals, invalid documents, conditions',
  positionals: [],
  options: {
    ...outputOption,
    ...watchOption,
    check: { type: 'boolean', describe: 'exit 1 if anything asks for a person' },
  },
  examples: [['bgpctl status --check', 'for scripts and monitoring']],
  async run(given, context) {
    const { client, columns: width, colour } = context;
    const status = await show(
      context,
      outputFormat(given),
      {
        once: () => client.status(),
        watch: given.watch === true ? signal => client.watchStatus(signal) : undefined,
      },
      (view, wide) => formatStatus(view, { width, colour, wide, now: context.now() }),
    );
    return checkResult(given.check === true && (status === undefined || hasFindings(status)));
  },
};
