/** What a store answers when it does not do what was asked. Pure. */
import type { ResourceId } from '../core/resources/resource.js';
import type { Revision, StoredResource, StoreError, StoreResult } from './port.js';

export type StoreFailure = StoreResult<never> & { readonly kind: 'error' };

export function failure(error: StoreError): StoreFailure {
  return { kind: 'error', error };
}

/** Full, read-only, gone: the next try may fare better. */
export function unavailable(operation: string, error: unknown): StoreFailure {
  return failure({ kind: 'unavailable', operation, detail: (error as Error).message });
}

/** Of a store that forgets nothing it has acknowledged. */
export async function nothingForgotten(work: () => Promise<void>): Promise<StoreResult<undefined>> {
  await work();
  return { kind: 'ok', value: undefined };
}

/** Of an update or a deletion, where what was found is not what was expected; undefined expects anything. */
export function mismatch(
  id: ResourceId,
  found: StoredResource | undefined,
  expected: Revision | undefined,
): StoreError | undefined {
  if (found === undefined) return { kind: 'not-found', id };
  if (expected === undefined || found.revision === expected) return undefined;
  return { kind: 'conflict', id, expected, found: found.revision };
}

/** One sentence for people. */
export function describeStoreError(error: StoreError): string {
  switch (error.kind) {
    case 'already-exists':
      return 'it exists already';
    case 'not-found':
      return 'there is none of that name';
    case 'conflict':
      return 'somebody else has changed it meanwhile: read it again';
    case 'unavailable':
      return `${error.operation}: ${error.detail}`;
  }
}
