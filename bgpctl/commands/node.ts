/** `bgpctl node list`: hosts and whether they live. `bgpctl node delete NODE`: a host that is gone for good, with all that it had. */
import type { DeleteHostResult } from '../../agent/control/types.js';
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
import { formatNodes } from '../format/hosts.js';
import { formatStructured } from '../format/structured.js';
import { formatCount } from '../format/text.js';
import { show } from '../show.js';

export const nodeCommand: Command = {
  name: 'node',
  summary: 'hosts of the cluster: which live; and one that is gone for good deleted with all that it had',
  positionals: [
    { name: 'what', describe: 'what is done', required: false, choices: ['list', 'delete'] },
    { name: 'node', describe: 'delete: the name of its Node', required: false },
  ],
  options: {
    ...outputOption,
    ...watchOption,
    force: {
      type: 'boolean',
      describe: 'delete: also a host that lives; its agent says goodbye and stays away until it is restarted',
    },
  },
  examples: [
    ['bgpctl node list', 'every host, its addresses, and its last sign of life'],
    [
      'bgpctl node delete host3',
      'its workload endpoints, addresses, blocks, reports, lease and Node; refused while it lives',
    ],
  ],
  async run(given, context) {
    const [what, node] = [text(given, 'what'), text(given, 'node')];
    if (what === 'delete') return await deleteNode(node, given, context);
    if (what === undefined)
      throw new UsageError('node what? "bgpctl node list" shows all, "bgpctl node delete NODE" deletes one');
    if (node !== undefined)
      throw new UsageError(`node list takes no name: "bgpctl get node ${node}" shows its document`);
    const { client, columns: width, colour } = context;
    await show(
      context,
      outputFormat(given),
      {
        once: () => client.hosts(),
        watch: given.watch === true ? signal => client.watchHosts(signal) : undefined,
      },
      (view, wide) => formatNodes(view, { width, colour, wide, now: context.now() }),
    );
    return exitCode.fine;
  },
};

async function deleteNode(node: string | undefined, given: Arguments, context: Context): Promise<number> {
  if (node === undefined || node.trim() === '') throw new UsageError('delete which node? Give its name');
  const result = await context.client.deleteHost(node, given.force === true);
  const format = outputFormat(given);
  if (format === 'json' || format === 'yaml') await context.out(await formatStructured(result, format));
  else await context.out(deletionText(result));
  return exitCode.fine;
}

/** "Node host3 deleted: 2 WorkloadEndpoints, 1 BlockAffinity, ..." */
export function deletionText({ node, deleted, remarks }: DeleteHostResult): string {
  const counts = deleted.map(({ kind, count }) => formatCount(count, singular(kind), plural(kind)));
  const what = counts.length === 0 ? 'there was nothing of it' : counts.join(', ');
  return [`${node} deleted: ${what}`, ...remarks].map(line => `${line}\n`).join('');
}

function singular(kind: string): string {
  return kind === 'addresses' ? 'address' : kind;
}

function plural(kind: string): string {
  if (kind === 'addresses') return kind;
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? `${kind}es` : `${kind}s`;
}
