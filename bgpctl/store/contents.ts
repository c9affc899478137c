/** SHELL: everything of a store that is worth keeping: all documents, and of the records those that say who has which address. */
import { isDeepStrictEqual } from 'node:util';
import { formatResourceId, type Resource, resourceIdOf } from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import type { Store, StoredResource, StoreError } from '../../store/port.js';

/** Leases and reports are of the moment. */
const keptRecords = ['IPAMBlock', 'IPAMHandle'] as const;

/** In the order of their ids. @throws with the reason in words */
export async function contentsOf(store: Store, location: string): Promise<readonly StoredResource[]> {
  const found: StoredResource[] = [];
  for (const kind of [undefined, ...keptRecords]) {
    const listed = await store.list(kind);
    if (listed.kind === 'error') throw new Error(`${location}: ${storeErrorWords(listed.error)}`);
    found.push(...listed.value);
  }
  return found.toSorted((a, b) => (idText(a.resource) < idText(b.resource) ? -1 : 1));
}

export function idText(resource: Resource): string {
  return formatResourceId(resourceIdOf(resource));
}

export function sameDocument(a: Resource, b: Resource): boolean {
  return isDeepStrictEqual(serialiseResource(a), serialiseResource(b));
}

export function storeErrorWords(error: StoreError): string {
  switch (error.kind) {
    case 'unavailable':
      return `${error.operation}: ${error.detail}`;
    case 'already-exists':
      return `${formatResourceId(error.id)} exists already`;
    case 'not-found':
      return `there is no ${formatResourceId(error.id)}`;
    case 'conflict':
      return `${formatResourceId(error.id)} was changed by somebody else meanwhile`;
  }
}
