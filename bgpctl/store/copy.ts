/** SHELL: documents written into a store, each with what became of it. */
import type { Resource } from '../../core/resources/resource.js';
import { resourceIdOf } from '../../core/resources/resource.js';
import { idText, sameDocument, storeErrorWords } from './contents.js';
import type { OpenStore } from './open.js';

export interface CopyOutcome {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** What is there is another one, and stays. */
  readonly kept: readonly string[];
  /** In words. */
  readonly failed: readonly string[];
}

/** @param overwrite what is there is replaced where it is another one */
export async function copyInto(
  store: OpenStore['store'],
  resources: readonly Resource[],
  overwrite: boolean,
): Promise<CopyOutcome> {
  const hosts = resources.filter(({ kind }) => kind === 'Node').length;
  if ('expectClaimants' in store) await store.expectClaimants(hosts);
  const counts = { created: 0, updated: 0, unchanged: 0 };
  const kept: string[] = [];
  const failed: string[] = [];
  for (const resource of resources) {
    const outcome = await copyOne(store, resource, overwrite);
    if (typeof outcome === 'object') failed.push(outcome.failed);
    else if (outcome === 'kept') kept.push(idText(resource));
    else counts[outcome]++;
  }
  return { ...counts, kept, failed };
}

async function copyOne(
  store: OpenStore['store'],
  resource: Resource,
  overwrite: boolean,
): Promise<'created' | 'updated' | 'unchanged' | 'kept' | { readonly failed: string }> {
  const found = await store.get(resourceIdOf(resource));
  if (found.kind === 'error' && found.error.kind !== 'not-found')
    return { failed: `${idText(resource)}: ${storeErrorWords(found.error)}` };
  if (found.kind === 'ok' && sameDocument(found.value.resource, resource)) return 'unchanged';
  if (found.kind === 'ok' && !overwrite) return 'kept';
  const written =
    found.kind === 'ok'
      ? await store.update(resource, found.value.revision, { replicated: true })
      : await store.create(resource, { replicated: true });
  if (written.kind === 'error') return { failed: `${idText(resource)}: ${storeErrorWords(written.error)}` };
  return found.kind === 'ok' ? 'updated' : 'created';
}
