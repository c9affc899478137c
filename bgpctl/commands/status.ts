/** `bgpctl status`: how the agent is, and everything that asks for a person. */
import {
  type Arguments,
  type Command,
  type Context,
  outputFormat,
  outputOption,
  watchOption,
} from '../command.js';
import { formatHosts, hostsHaveFindings } from '../format/hosts.js';
import { formatStatus, hasFindings } from '../format/status.js';
import { checkResult, show } from '../show.js';

export const statusCommand: Command = {
  name: 'status',
  summary: 'the agent: in sync or not, stale routes, refusals, invalid documents, conditions',
  positionals: [],
  options: {
    ...outputOption,
    ...watchOption,
    all: { type: 'boolean', describe: 'every host of the cluster, as it has reported, with the age of that' },
    check: { type: 'boolean', describe: 'exit 1 if anything asks for a person' },
  },
  examples: [
    ['bgpctl status --check', 'for scripts and monitoring'],
    ['bgpctl status --all', 'a line for each host, those with problems first'],
  ],
  async run(given, context) {
    if (given.all === true) return await statusOfAll(given, context);
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

async function statusOfAll(given: Arguments, context: Context): Promise<number> {
  const { client, columns: width, colour } = context;
  const view = await show(
    context,
    outputFormat(given),
    {
      once: () => client.hosts(),
      watch: given.watch === true ? signal => client.watchHosts(signal) : undefined,
    },
    (hosts, wide) => formatHosts(hosts, { width, colour, wide, now: context.now() }),
  );
  return checkResult(given.check === true && (view === undefined || hostsHaveFindings(view)));
}
