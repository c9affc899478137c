/** `bgpctl get KIND [NAME]`: documents in the store. */
import type { Resource } from '../../core/resources/resource.js';
import { type Command, exitCode, outputFormat, outputOption, text, watchOption } from '../command.js';
import { formatResources } from '../format/resources.js';
import { parseKind, parseResource } from '../kinds.js';
import { show } from '../show.js';

export const getCommand: Command = {
  name: 'get',
  summary: 'documents in the store',
  positionals: [
    {
      name: 'kind',
      describe:
        'node, ippool, bgpconfiguration, felixconfiguration, bgppeer, workloadendpoint, blockaffinity',
      required: true,
    },
    { name: 'name', describe: 'one of them; NAMESPACE/NAME where the kind has namespaces', required: false },
  ],
  options: { ...outputOption, ...watchOption },
  examples: [
    ['bgpctl get nodes -o wide', 'every node with its addresses'],
    ['bgpctl get bgppeer tor -o yaml', 'a document that can be edited and applied again'],
  ],
  async run(given, context) {
    const kindText = text(given, 'kind') as string;
    const { client, columns: width, colour } = context;
    const one =
      text(given, 'name') !== undefined || kindText.includes('/')
        ? parseResource(kindText, text(given, 'name'))
        : undefined;
    const kind = one?.kind ?? parseKind(kindText);
    const wanted = (resource: Resource) =>
      one === undefined ||
      (resource.metadata.name === one.name && resource.metadata.namespace === one.namespace);
    const watch = async function* (signal: AbortSignal) {
      for await (const { resources } of client.watchResources(kind, signal)) {
        yield resources.map(stored => stored.resource).filter(wanted);
      }
    };
    await show<readonly Resource[]>(
      context,
      outputFormat(given),
      {
        once: async () =>
          one === undefined
            ? (await client.resources(kind)).resources.map(stored => stored.resource)
            : [(await client.resource(one)).resource],
        watch: given.watch === true ? watch : undefined,
      },
      (resources, wide) => formatResources(kind, resources, { width, colour, wide }),
      resources =>
        one === undefined
          ? { apiVersion: 'projectcalico.org/v3', kind: `${kind}List`, items: resources }
          : resources[0],
    );
    return exitCode.fine;
  },
};
