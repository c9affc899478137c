/** `bgpctl delete KIND NAME`. */
import { formatResourceId } from '../../core/resources/resource.js';
import { type Command, exitCode, text } from '../command.js';
import { parseResource } from '../kinds.js';

export const deleteCommand: Command = {
  name: 'delete',
  summary: 'delete a document from the store',
  positionals: [
    { name: 'kind', describe: 'a kind, or KIND/NAME', required: true },
    { name: 'name', describe: 'its name; NAMESPACE/NAME where the kind has namespaces', required: false },
  ],
  options: {},
  examples: [['bgpctl delete bgppeer tor', '']],
  async run(given, context) {
    const id = parseResource(text(given, 'kind') as string, text(given, 'name'));
    await context.client.deleteResource(id);
    await context.out(`${formatResourceId(id)} deleted\n`);
    if (id.kind === 'Node') context.err(nodeRemark(id.name));
    return exitCode.fine;
  },
};

function nodeRemark(name: string): string {
  return `Of host ${name} this was the document alone: an agent that lives writes it again. With all that it had it goes by: bgpctl node delete ${name}`;
}
