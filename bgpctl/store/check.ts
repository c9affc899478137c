/** SHELL: whether a store can be used as it is. */
import { describeProblem } from '../../core/resources/problems.js';
import type { InvalidDocument } from '../../store/port.js';
import type { StoreCheck } from '../../store/redis/check.js';
import { formatCount } from '../format/text.js';
import { contentsOf } from './contents.js';
import type { OpenStore } from './open.js';

export interface CheckedStore {
  readonly store: string;
  /** That can be used. */
  readonly documents: number;
  /** Null: it is a directory. */
  readonly redis: Pick<StoreCheck, 'cluster' | 'revision' | 'entries' | 'copies'> | null;
  /** In words. */
  readonly problems: readonly string[];
}

export async function checkStore({ store, location }: OpenStore): Promise<CheckedStore> {
  const contents = await contentsOf(store, location);
  const known = { store: location, documents: contents.length };
  if (!('check' in store)) return { ...known, redis: null, problems: await unusableDocuments(store) };
  const { cluster, revision, entries, copies, problems } = await store.check();
  return { ...known, redis: { cluster, revision, entries, copies }, problems };
}

export function formatStoreCheck({ store, documents, redis, problems }: CheckedStore): string {
  const lines = [
    `${store}: ${formatCount(documents, 'document')} can be used.`,
    ...(redis === null ? [] : redisLines(redis)),
    ...problems.map(problem => `PROBLEM ${problem}`),
    problems.length === 0 ? 'No problems.' : `${formatCount(problems.length, 'problem')}.`,
  ];
  return lines.map(line => `${line}\n`).join('');
}

function redisLines({ cluster, revision, entries, copies }: NonNullable<CheckedStore['redis']>): string[] {
  const history =
    cluster === ''
      ? 'Nothing was ever written to it.'
      : `Cluster ${cluster}, revision ${revision}; the log goes back ${entries} of them.`;
  return [history, `Copies: ${copies.there} there, ${copies.known} known.`];
}

/** What is wrong with those that nobody can use, in words. */
export async function unusableDocuments(store: OpenStore['store']): Promise<readonly string[]> {
  const ending = new AbortController();
  let found: readonly InvalidDocument[] = [];
  for await (const events of store.watch({ signal: ending.signal })) {
    for (const event of events) if (event.kind === 'invalid') found = event.documents;
    if (events.some(({ kind }) => kind === 'in-sync' || kind === 'unavailable')) ending.abort();
  }
  return found.flatMap(problemLines);
}

function problemLines({ location, problems }: InvalidDocument): readonly string[] {
  return problems.map(problem => `${location}: ${describeProblem(problem)}`);
}
