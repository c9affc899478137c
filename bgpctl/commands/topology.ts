/** `bgpctl topology`: who peers with whom, why, and what is still on its way. */
import type { TopologyView } from '../../agent/control/topology-types.js';
import {
  type Command,
  type Context,
  exitCode,
  type OutputFormat,
  text,
  UsageError,
  watchOption,
} from '../command.js';
import { tellStoreAway } from '../format/store-away.js';
import { formatTopology, formatTopologyOf } from '../format/topology.js';
import { topologyDot, topologyMermaid } from '../format/topology-graph.js';
import { checkResult, show } from '../show.js';

const graphs: Readonly<Record<string, (view: TopologyView) => string>> = {
  dot: topologyDot,
  mermaid: topologyMermaid,
};

export const topologyCommand: Command = {
  name: 'topology',
  summary: 'who peers with whom: a mesh or reflectors, why, and what is on its way',
  positionals: [],
  options: {
    output: {
      type: 'string',
      alias: 'o',
      choices: ['table', 'wide', 'json', 'yaml', ...Object.keys(graphs)],
      describe: 'output format; dot (Graphviz) and mermaid draw it',
    },
    ...watchOption,
    explain: {
      type: 'string',
      placeholder: 'NODE',
      describe: 'why that host peers with those that it peers with',
    },
    check: {
      type: 'boolean',
      describe: 'exit 1 as long as an arrangement is on its way, or there is no plan',
    },
  },
  examples: [
    ['bgpctl topology', 'the plan and its reasons, reflectors with their clients, this host’s sessions'],
    ['bgpctl topology --watch', 'what a change still waits for, as it goes'],
    ['bgpctl topology --explain host-b', 'which reflectors host-b chooses, and in what order'],
    ['bgpctl topology -o dot | dot -Tsvg > topology.svg', 'a drawing'],
  ],
  async run(given, context) {
    const format = text(given, 'output') ?? 'table';
    const node = text(given, 'explain');
    const graph = graphs[format];
    const watching = given.watch === true;
    if (watching && (node !== undefined || graph !== undefined))
      throw new UsageError(
        '--watch shows the topology as a table, JSON or YAML: without --explain, and not as a drawing',
      );
    if (node !== undefined) {
      if (graph !== undefined)
        throw new UsageError(
          `-o ${format} draws the whole topology, --explain speaks of one host: one of them`,
        );
      return await explain(node, format as OutputFormat, context);
    }
    const { client, columns: width, colour } = context;
    if (graph !== undefined) {
      await context.out(graph(await client.topology()));
      return exitCode.fine;
    }
    const { sinceUnixMs, detail } = (await client.status()).store;
    if (sinceUnixMs !== null) tellStoreAway({ sinceUnixMs, detail }, context);
    const view = await show(
      context,
      format as OutputFormat,
      {
        once: () => client.topology(),
        watch: watching ? signal => client.watchTopology(signal) : undefined,
      },
      (found, wide) => formatTopology(found, { width, colour, wide, now: context.now() }),
    );
    const settled = view === undefined || (view.transition === null && view.plan !== null);
    return checkResult(given.check === true && !settled);
  },
};

async function explain(node: string, format: OutputFormat, context: Context): Promise<number> {
  const { client, columns: width, colour } = context;
  await show(context, format, { once: () => client.topologyOf(node), watch: undefined }, (view, wide) =>
    formatTopologyOf(view, { width, colour, wide, now: context.now() }),
  );
  return exitCode.fine;
}
