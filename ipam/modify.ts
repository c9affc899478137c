/**
 * SHELL: one document of the store, changed by compare-and-swap until it is as it should be.
 *
 * Who answers "unavailable" may have written: it is read again, and what is found then counts only once a write of ours is acknowledged. A
 * `change` is told so, and writes also where nothing is left to be done.
 */
import type { Resource, ResourceId } from '../core/resources/resource.js';
import type { Store, StoredResource, StoreResult } from '../store/port.js';

export type Change<R extends Resource> =
  | { readonly kind: 'put'; readonly resource: R }
  | { readonly kind: 'delete' }
  /** It is as it should be, or is not to be changed. */
  | { readonly kind: 'leave' };

export type Modified<R extends Resource> =
  /** @property resource as it is now; undefined: it is not there */
  | { readonly kind: 'written' | 'left'; readonly resource: R | undefined }
  /** Not known whether it was written. */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly reminder: boolean };

/** Others may write the same document again and again. */
const MOST_CONFLICTS = 100;
const MOST_FAILURES = 3;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/**
 * @param change must come to the same when it is asked again about what it wanted
 * @param claimant who claims something new by it
 */
export async function modify<R extends Resource>(
  store: Store,
  id: ResourceId,
  change: (found: R | undefined, uncertain: boolean) => Change<R>,
  claimant?: string,
): Promise<Modified<R>> {
  let failures = 0;
  let detail = 'others write it all the time';
  let reminder = false;
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    if (conflicts > 0) await pause(conflicts);
    const read = await store.get(id);
    const found = read.kind === 'ok' ? read.value : undefined;
    let result: StoreResult<unknown> = read;
    if (read.kind === 'ok' || read.error.kind === 'not-found') {
      const wanted = change(found?.resource as R | undefined, failures > 0);
      if (wanted.kind === 'leave') return { kind: 'left', resource: found?.resource as R | undefined };
      if (wanted.kind === 'delete' && found === undefined) return { kind: 'written', resource: undefined };
      result = await write(store, id, found, wanted, claimant);
      if (result.kind === 'ok')
        return { kind: 'written', resource: wanted.kind === 'put' ? wanted.resource : undefined };
    }
    if (result.kind === 'error' && result.error.kind === 'unavailable') {
      detail = `${result.error.operation}: ${result.error.detail}`;
      reminder = result.error.reminder === true;
      if (reminder || ++failures === MOST_FAILURES) break;
    }
  }
  return { kind: 'unavailable', detail, reminder };
}

function write<R extends Resource>(
  store: Store,
  id: ResourceId,
  found: StoredResource | undefined,
  wanted: Exclude<Change<R>, { kind: 'leave' }>,
  claimant: string | undefined,
): Promise<StoreResult<unknown>> {
  const options = { replicated: true, ...(claimant === undefined ? {} : { claimant }) };
  if (wanted.kind === 'delete') return store.delete(id, found?.revision, options);
  return found === undefined
    ? store.create(wanted.resource, options)
    : store.update(wanted.resource, found.revision, options);
}

/** Longer each time, and not the same for all who wait. */
function pause(attempt: number): Promise<void> {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return new Promise(resolve => setTimeout(resolve, most * Math.random()));
}
