/** `bgpctl store`: a store as a whole, with or without an agent: moved, written to a file and read back, looked through. */
import { type Resource, resourceIdOf } from '../../core/resources/resource.js';
import {
  type Arguments,
  type Command,
  type Context,
  exitCode,
  type OutputFormat,
  outputFormat,
  outputOption,
  text,
  UsageError,
} from '../command.js';
import { formatCount } from '../format/text.js';
import { checkResult, show } from '../show.js';
import { checkStore, formatStoreCheck, unusableDocuments } from '../store/check.js';
import { contentsOf, idText } from '../store/contents.js';
import { type CopyOutcome, copyInto } from '../store/copy.js';
import { exportText, readExport, writeExport } from '../store/export-file.js';
import { type OpenStore, openNamedStore, openStoreThatIs, storeAllowed } from '../store/open.js';

const words = ['export', 'import', 'migrate', 'check'] as const;
type Word = (typeof words)[number];

/** Of each, how many stores and files it is told at most, and its flags. */
const takes: Readonly<Record<Word, { readonly most: 1 | 2; readonly options: readonly string[] }>> = {
  export: { most: 1, options: ['file'] },
  import: { most: 2, options: ['overwrite'] },
  migrate: { most: 2, options: ['overwrite'] },
  check: { most: 1, options: ['output'] },
};

/** How often a store that is written to meanwhile is copied again. */
const MOST_ROUNDS = 10;

export const storeCommand: Command = {
  name: 'store',
  summary: "the cluster's store as a whole: export, import, migrate to another, check",
  positionals: [
    { name: 'what', describe: 'what is done', required: true, choices: words },
    {
      name: 'first',
      describe: 'export, check: the store; import: the file, or -; migrate: FROM',
      required: false,
    },
    { name: 'second', describe: 'import: the store; migrate: TO', required: false },
  ],
  options: {
    output: { ...outputOption.output, describe: 'check: output format' },
    file: {
      type: 'string',
      alias: 'f',
      placeholder: 'PATH',
      describe: 'export: write this file, which its owner alone may read, for there are secrets in it',
    },
    overwrite: {
      type: 'boolean',
      describe: 'import, migrate: replace what is there and is another one',
    },
  },
  examples: [
    ['bgpctl store export -f cluster.yaml', 'that of this host, by /etc/margay/agent.yaml'],
    ['bgpctl store import cluster.yaml redis://10.0.0.5:6379/margay', ''],
    ['bgpctl store migrate /var/lib/margay/store redis://10.0.0.5:6379/margay', 'from one host to a cluster'],
    [
      'bgpctl store import /var/lib/margay/good-documents',
      'a Redis that lost everything, from what an agent knows',
    ],
    ['bgpctl store check', 'ends with 1 if something does not fit together'],
  ],
  async run(given, context) {
    const what = text(given, 'what') as Word;
    const [first, second] = [text(given, 'first'), text(given, 'second')];
    refuseOthers(what, given);
    switch (what) {
      case 'export':
        return await withStore(openStoreThatIs(first), store =>
          exportStore(store, text(given, 'file'), context),
        );
      case 'import':
        if (first === undefined) throw new UsageError('give the file to import, or -');
        return await importFile(first, second, given, context);
      case 'migrate':
        if (first === undefined || second === undefined)
          throw new UsageError(`give both stores, FROM and TO; each is ${storeAllowed}`);
        return await withStore(openStoreThatIs(first), from =>
          withStore(openNamedStore(second), to => migrate(from, to, given, context)),
        );
      case 'check':
        return await withStore(openStoreThatIs(first), store => check(store, outputFormat(given), context));
    }
  },
};

function refuseOthers(what: Word, given: Arguments): void {
  const second = text(given, 'second');
  if (second !== undefined && takes[what].most === 1)
    throw new UsageError(
      `"${second}" is one word too many for "store ${what}"${what === 'export' ? ': the file to write is given by -f' : ''}`,
    );
  for (const option of ['file', 'overwrite', 'output']) {
    if (given[option] === undefined || takes[what].options.includes(option)) continue;
    const whose = words.filter(word => takes[word].options.includes(option)).map(word => `store ${word}`);
    throw new UsageError(`--${option} is not for "store ${what}" but for ${whose.join(' and ')}`);
  }
}

async function withStore(store: OpenStore, use: (store: OpenStore) => Promise<number>): Promise<number> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function exportStore(
  { store, location }: OpenStore,
  file: string | undefined,
  context: Context,
): Promise<number> {
  const contents = await contentsOf(store, location);
  // An export that is there already is worth more than none.
  if (contents.length === 0) throw new Error(`${location} holds no documents: nothing was exported`);
  const cluster = 'check' in store ? (await store.check()).cluster : '';
  const resources = contents.map(({ resource }) => resource);
  const output = await exportText(resources, location, cluster, context.now());
  if (file === undefined) await context.out(output);
  else {
    await writeExport(file, output);
    await context.out(`${formatCount(resources.length, 'document')} of ${location} written to ${file}\n`);
  }
  return (await leftOut(store, context)) ? exitCode.finding : exitCode.fine;
}

/** Whether there are documents that nobody can use: each is said. */
async function leftOut(store: OpenStore['store'], context: Context): Promise<boolean> {
  const unusable = await unusableDocuments(store);
  for (const line of unusable) context.err(`left out: ${line}`);
  return unusable.length > 0;
}

async function importFile(
  path: string,
  name: string | undefined,
  given: Arguments,
  context: Context,
): Promise<number> {
  const { resources, cluster } = await readExport(path);
  const target = openNamedStore(name, cluster);
  try {
    const outcome = await copyInto(target.store, resources, given.overwrite === true);
    return await tell(outcome, target.location, context);
  } finally {
    await target.close();
  }
}

/** Until what is in the one is in the other: both may be written to meanwhile. */
async function migrate(from: OpenStore, to: OpenStore, given: Arguments, context: Context): Promise<number> {
  if (from.location === to.location) throw new UsageError(`${from.location} is both FROM and TO`);
  const overwrite = given.overwrite === true;
  const there = await contentsOf(to.store, to.location);
  if (there.length > 0 && !overwrite)
    throw new Error(
      `${to.location} holds ${formatCount(there.length, 'document')} already (${idText(there[0]!.resource)}, ...): give --overwrite, or an empty one`,
    );
  if ((await contentsOf(from.store, from.location)).length === 0)
    throw new Error(`${from.location} holds no documents: nothing was copied`);
  const copied = new Map<string, Resource>();
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const contents = await contentsOf(from.store, from.location);
    const resources = contents.map(({ resource }) => resource);
    const outcome = await copyInto(to.store, resources, overwrite || round > 1);
    if (outcome.failed.length > 0) return await tell(outcome, to.location, context);
    const deleted = await withoutDeleted(to, copied, resources);
    if (outcome.created + outcome.updated + deleted > 0) continue;
    await context.out(
      `${formatCount(resources.length, 'document')} of ${from.location} copied to ${to.location}.\nSet store in the agent.yaml of every host and restart the agents; sessions and routes go on meanwhile. What is written to the old store from now on is not carried over.\n`,
    );
    return (await leftOut(from.store, context)) ? exitCode.finding : exitCode.fine;
  }
  throw new Error(`${from.location} changes faster than it is copied: try when it is quieter`);
}

/** What was copied and is not in the old store any more goes from the new one, too. */
async function withoutDeleted(
  { store }: OpenStore,
  copied: Map<string, Resource>,
  resources: readonly Resource[],
): Promise<number> {
  const there = new Set(resources.map(idText));
  const gone = [...copied].filter(([id]) => !there.has(id));
  for (const [id, resource] of gone) {
    await store.delete(resourceIdOf(resource));
    copied.delete(id);
  }
  for (const resource of resources) copied.set(idText(resource), resource);
  return gone.length;
}

async function check(store: OpenStore, format: OutputFormat, context: Context): Promise<number> {
  const once = () => checkStore(store);
  const found = await show(context, format, { once, watch: undefined }, formatStoreCheck);
  return checkResult(found === undefined || found.problems.length > 0);
}

async function tell(outcome: CopyOutcome, location: string, context: Context): Promise<number> {
  const { created, updated, unchanged, kept, failed } = outcome;
  for (const id of kept) context.err(`${id}: another one is there and stays; --overwrite replaces it`);
  for (const problem of failed) context.err(problem);
  await context.out(
    `${location}: ${created} created, ${updated} updated, ${unchanged} unchanged${kept.length > 0 ? `, ${kept.length} kept` : ''}${failed.length > 0 ? `, ${failed.length} failed` : ''}\n`,
  );
  return kept.length + failed.length > 0 ? exitCode.finding : exitCode.fine;
}
