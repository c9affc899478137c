/** `bgpctl check tunnels [HOST]`: whether packets get to the other hosts by the modes that are in use, and in words why not. */
import type { TunnelCheckView } from '../../agent/control/types.js';
import {
  type Command,
  type Context,
  type OutputFormat,
  outputFormat,
  outputOption,
  text,
  UsageError,
} from '../command.js';
import { TunnelCheckTable } from '../format/tunnel-checks.js';
import { type ListPrinter, structuredPrinter } from '../list-printer.js';
import { checkResult } from '../show.js';

export const checkCommand: Command = {
  name: 'check',
  summary: 'probe the ways to the other hosts: by IPIP, VXLAN, UDP or plainly, whichever is in use',
  positionals: [
    { name: 'what', describe: 'what is checked', required: false, choices: ['tunnels'] },
    {
      name: 'host',
      describe: 'one of the other hosts, by its name as a node; all by default',
      required: false,
    },
  ],
  options: { ...outputOption },
  examples: [
    [
      'bgpctl check tunnels',
      'small and full-size packets to every other host; exit 1 if some do not come back',
    ],
    ['bgpctl check tunnels host-b -o wide', 'one host, with every probe'],
  ],
  async run(given, context) {
    if (text(given, 'what') === undefined) {
      throw new UsageError('check what? "bgpctl check tunnels" probes the ways to the other hosts');
    }
    const host = text(given, 'host');
    const printer = await printerFor(outputFormat(given), host, context);
    let count = 0;
    let findings = 0;
    for await (const check of context.client.checkTunnels(host, context.signal)) {
      await context.out(printer.part([check], count === 0));
      count++;
      if (check.finding !== null) findings++;
    }
    await context.out(printer.end(count));
    if (context.signal.aborted) context.err(`bgpctl: interrupted after ${count}: the rest is not checked`);
    return checkResult(findings > 0 || context.signal.aborted);
  },
};

async function printerFor(
  format: OutputFormat,
  host: string | undefined,
  context: Context,
): Promise<ListPrinter<TunnelCheckView>> {
  if (format === 'json' || format === 'yaml') return structuredPrinter(format);
  const { columns: width, colour } = context;
  const hosts = host === undefined ? await nodeNames(context) : [host];
  const table = new TunnelCheckTable({ width, colour, wide: format === 'wide', hosts });
  return {
    part: checks => table.part(checks),
    end: count => (count === 0 && !context.signal.aborted ? 'There is no other host.\n' : ''),
  };
}

/** For the width of a column; the check goes on while the store is away. */
async function nodeNames({ client }: Context): Promise<readonly string[]> {
  const { resources } = await client.resources('Node').catch(() => ({ resources: [] }));
  return resources.map(({ resource }) => resource.metadata.name);
}
