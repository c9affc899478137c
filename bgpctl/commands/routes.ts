/** `bgpctl routes [PREFIX]`: tables of paths, streamed. */
import type { RoutesQuery, RouteTableName, RouteView } from '../../agent/control/types.js';
import {
  type Arguments,
  type Command,
  type Context,
  exitCode,
  outputFormat,
  outputOption,
  text,
  UsageError,
  watchOption,
} from '../command.js';
import { RouteTable } from '../format/routes.js';
import { type ListPrinter, structuredPrinter } from '../list-printer.js';
import { prefixArgument } from '../prefix-argument.js';
import { show } from '../show.js';

/** Routes formatted at a time: what a page of the agent holds. */
const PART = 1000;

export const routesCommand: Command = {
  name: 'routes',
  summary: 'routes in the RIB: best ones, or every path of a prefix',
  positionals: [
    {
      name: 'prefix',
      describe: 'every path of this prefix (a plain address: its host route)',
      required: false,
    },
  ],
  options: {
    ...outputOption,
    ...watchOption,
    why: { type: 'boolean', describe: 'every path, with the decision step or refusal that settled it' },
    all: { type: 'boolean', describe: 'every path, not only the best' },
    received: { type: 'string', placeholder: 'PEER', describe: 'what a peer told us, before import policy' },
    advertised: { type: 'string', placeholder: 'PEER', describe: 'what we tell a peer' },
    family: { type: 'string', choices: ['ipv4', 'ipv6'], describe: 'address family (default ipv4)' },
  },
  examples: [
    ['bgpctl routes', 'the best route to every prefix'],
    ['bgpctl routes 10.244.2.0/26 --why', 'why this path, and why the others not'],
    ['bgpctl routes --advertised 10.0.0.2', 'what we tell a peer'],
  ],
  async run(given, context) {
    const format = outputFormat(given);
    const query = routesQuery(given);
    const { columns: width, colour } = context;
    const why = given.why === true;
    if (given.watch === true) {
      const { client } = context;
      await show(
        context,
        format,
        { once: () => client.routesPage(query, {}), watch: signal => client.watchRoutes(query, signal) },
        (page, wide) => new RouteTable({ width, colour, wide, why }).part(page.routes),
        page => page.routes,
      );
      return exitCode.fine;
    }
    const count = await stream(
      context,
      query,
      format === 'json' || format === 'yaml' ? format : { wide: format === 'wide', why },
    );
    if (count === 0 && (format === 'table' || format === 'wide')) context.err(nothingFound(query));
    return count === 0 && query.prefix !== undefined ? exitCode.finding : exitCode.fine;
  },
};

function routesQuery(given: Arguments): RoutesQuery {
  const received = text(given, 'received');
  const advertised = text(given, 'advertised');
  const typed = text(given, 'prefix');
  const prefix = typed === undefined ? undefined : prefixArgument(typed);
  const family = text(given, 'family') as RoutesQuery['family'];
  if (received !== undefined && advertised !== undefined) {
    throw new UsageError('--received and --advertised are two tables: give one of them');
  }
  const everyPath = prefix !== undefined || given.why === true || given.all === true;
  const table: RouteTableName =
    received !== undefined
      ? 'received'
      : advertised !== undefined
        ? 'advertised'
        : everyPath
          ? 'all-paths'
          : 'best';
  const peer = received ?? advertised;
  return {
    table,
    ...(peer === undefined ? {} : { peer }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(family === undefined ? {} : { family }),
  };
}

function nothingFound(query: RoutesQuery): string {
  const where = query.prefix === undefined ? '' : ` to ${query.prefix}`;
  switch (query.table) {
    case 'received':
      return `${query.peer} has told us no route${where}.`;
    case 'advertised':
      return `We tell ${query.peer} no route${where}.`;
    case 'best':
    case 'all-paths':
      return `There is no route${where}.`;
  }
}

/** Prints as routes arrive; returns how many there were. */
async function stream(
  context: Context,
  query: RoutesQuery,
  format: 'json' | 'yaml' | { readonly wide: boolean; readonly why: boolean },
): Promise<number> {
  let count = 0;
  let part: RouteView[] = [];
  const printer =
    typeof format === 'string' ? await structuredPrinter<RouteView>(format) : tablePrinter(context, format);
  const flush = async () => {
    if (part.length > 0) await context.out(printer.part(part, count === 0));
    count += part.length;
    part = [];
  };
  for await (const route of context.client.routes(query, context.signal)) {
    part.push(route);
    if (part.length >= PART) await flush();
  }
  await flush();
  await context.out(printer.end(count));
  return count;
}

function tablePrinter(
  context: Context,
  format: { readonly wide: boolean; readonly why: boolean },
): ListPrinter<RouteView> {
  const table = new RouteTable({ width: context.columns, colour: context.colour, ...format });
  return { part: routes => table.part(routes), end: () => '' };
}
