/** SHELL: whether a store can be used as it is. */
import { describeProblem } from '../../core/resources/problems.js';
import type { InvalidDocument } from '../../store/port.js';
import { formatCount } from '../format/text.js';
import { contentsOf } from './contents.js';
import type { OpenStore } from './open.js';

export interface CheckedStore {
  /** What there is. */
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

export async function checkStore({ store, location }: OpenStore): Promise<CheckedStore> {
  const contents = await contentsOf(store, location);
  const known = `${formatCount(contents.length, 'document')} can be used.`;
  if (!('check' in store)) {
    return { lines: [`${location}: ${known}`], problems: await unusableDocuments(store) };
  }
  const { cluster, revision, entries, copies, problems } = await store.check();
  const lines = [
    `${location}: ${known}`,
    cluster === ''
      ? 'Nothing was ever written to it.'
      : `Cluster ${cluster}, revision ${revision}; the log goes back ${entries} of them.`,
    `Copies: ${copies.there} there, ${copies.known} known.`,
  ];
  return { lines, problems };
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
