/** `bgpctl bfd`: the paths to the peers, as BFD sees them. */
import { type Command, outputFormat, outputOption, watchOption } from '../command.js';
import { formatBfd } from '../format/bfd.js';
import { checkResult, show } from '../show.js';

export const bfdCommand: Command = {
  name: 'bfd',
  summary: 'BFD sessions: how fast a silent path to a peer is noticed, and when it was',
  positionals: [],
  options: {
    ...outputOption,
    ...watchOption,
    check: { type: 'boolean', describe: 'exit 1 if a session is down' },
  },
  examples: [
    ['bgpctl bfd', 'state, negotiated interval, detection time, flaps and why it was last down'],
    ['bgpctl bfd -o wide', 'with discriminators and counters'],
  ],
  async run(given, context) {
    const { client, columns: width, colour } = context;
    const view = await show(
      context,
      outputFormat(given),
      {
        once: () => client.bfd(),
        watch: given.watch === true ? signal => client.watchBfd(signal) : undefined,
      },
      (view, wide) => formatBfd(view, { width, colour, wide, now: context.now() }),
    );
    const down = view?.sessions.some(({ verdict }) => verdict === 'down') ?? false;
    return checkResult(given.check === true && down);
  },
};
