/** `bgpctl get KIND [NAME]`: documents in the store. */
import type { ControlClient } from '../../agent/control/client.js';
import { apiOf, type Resource, type ResourceId, type ResourceKind } from '../../core/resources/resource.js';
import { serialiseResource, writtenKind } from '../../core/resources/written-form.js';
import {
  type Command,
  type Context,
  exitCode,
  outputFormat,
  outputOption,
  text,
  watchOption,
} from '../command.js';
import { type HostReport, hostReports } from '../format/pool-hosts.js';
import { formatResources } from '../format/resources.js';
import { tellStoreAway } from '../format/store-away.js';
import { kindWords, parseKind, parseResource } from '../kinds.js';
import { latest } from '../latest.js';
import { show } from '../show.js';

export const getCommand: Command = {
  name: 'get',
  summary: 'documents in the store',
  positionals: [
    {
      name: 'kind',
      describe: kindWords.join(', '),
      required: true,
    },
    { name: 'name', describe: 'one of them; NAMESPACE/NAME where the kind has namespaces', required: false },
  ],
  options: { ...outputOption, ...watchOption },
  examples: [
    ['bgpctl get nodes -o wide', 'every node with its addresses'],
    ['bgpctl get ippools -o wide', 'every pool with its modes, and which hosts cannot receive them'],
    ['bgpctl get bgppeer tor -o yaml', 'a document that can be edited and applied again'],
  ],
  async run(given, context) {
    const kindText = text(given, 'kind') as string;
    const { columns: width, colour } = context;
    const one =
      text(given, 'name') !== undefined || kindText.includes('/')
        ? parseResource(kindText, text(given, 'name'))
        : undefined;
    const kind = one?.kind ?? parseKind(kindText);
    const format = outputFormat(given);
    const source = new DocumentSource(context, kind, one, kind === 'IPPool' && format === 'wide');
    await show<Documents>(
      context,
      format,
      { once: () => source.once(), watch: given.watch === true ? signal => source.watch(signal) : undefined },
      ({ resources, hosts }, wide) => formatResources(kind, resources, { width, colour, wide, hosts }),
      ({ resources }) => {
        const items = resources.map(serialiseResource);
        return one === undefined
          ? { apiVersion: apiOf(kind), kind: `${writtenKind(kind)}List`, items }
          : items[0];
      },
    );
    return exitCode.fine;
  },
};

interface Documents {
  readonly resources: readonly Resource[];
  /** What hosts say of themselves, where it is asked for. */
  readonly hosts: readonly HostReport[] | undefined;
}

const ofHosts = ['Node', 'NodeStatus'] as const;

class DocumentSource {
  readonly #context: Context;
  readonly #client: ControlClient;
  readonly #kind: ResourceKind;
  readonly #one: ResourceId | undefined;
  readonly #withHosts: boolean;

  constructor(context: Context, kind: ResourceKind, one: ResourceId | undefined, withHosts: boolean) {
    this.#context = context;
    this.#client = context.client;
    this.#kind = kind;
    this.#one = one;
    this.#withHosts = withHosts;
  }

  async once(): Promise<Documents> {
    const resources = this.#one === undefined ? await this.#list(this.#kind) : [await this.#get(this.#one)];
    if (!this.#withHosts) return { resources, hosts: undefined };
    const reports = await Promise.all(ofHosts.map(kind => this.#list(kind)));
    return { resources, hosts: hostReports(reports.flat()) };
  }

  async *watch(signal: AbortSignal): AsyncIterable<Documents> {
    const kinds = [this.#kind, ...(this.#withHosts ? ofHosts : [])];
    for await (const [documents, ...reports] of latest(
      kinds.map(kind => this.#client.watchResources(kind, signal)),
    )) {
      tellStoreAway(documents!.storeAway, this.#context);
      const resources = documents!.resources
        .map(({ resource }) => resource)
        .filter(one => this.#isWanted(one));
      const said = reports.flatMap(report => report.resources.map(({ resource }) => resource));
      yield { resources, hosts: this.#withHosts ? hostReports(said) : undefined };
    }
  }

  async #list(kind: ResourceKind): Promise<readonly Resource[]> {
    const { resources, storeAway } = await this.#client.resources(kind);
    if (kind === this.#kind) tellStoreAway(storeAway, this.#context);
    return resources.map(({ resource }) => resource);
  }

  async #get(id: ResourceId): Promise<Resource> {
    const { resource, storeAway } = await this.#client.resource(id);
    tellStoreAway(storeAway, this.#context);
    return resource;
  }

  #isWanted({ metadata: { name, namespace } }: Resource): boolean {
    return this.#one === undefined || (name === this.#one.name && namespace === this.#one.namespace);
  }
}
