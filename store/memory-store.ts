/** A store that lives and dies with its process: for tests, simulations and agents that need no more. */
import { type Resource, type ResourceId, resourceIdOf } from '../core/resources/resource.js';
import type { Revision, Store, StoredResource, StoreResult, WatchEvent } from './port.js';
import { ResourceTable } from './resource-table.js';

export class MemoryStore implements Store {
  readonly #table = new ResourceTable();
  #revisions = 0;

  constructor(resources: readonly Resource[] = []) {
    for (const resource of resources) this.#put(resource);
    this.#table.loaded();
  }

  async list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    return { kind: 'ok', value: this.#table.list(kind) };
  }

  async get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    const found = this.#table.get(id);
    return found === undefined
      ? { kind: 'error', error: { kind: 'not-found', id } }
      : { kind: 'ok', value: found };
  }

  async create(resource: Resource): Promise<StoreResult<StoredResource>> {
    const id = resourceIdOf(resource);
    if (this.#table.get(id) !== undefined) return { kind: 'error', error: { kind: 'already-exists', id } };
    return { kind: 'ok', value: this.#put(resource) };
  }

  async update(resource: Resource, expected: Revision): Promise<StoreResult<StoredResource>> {
    const refused = this.#refuse(resourceIdOf(resource), expected);
    return refused ?? { kind: 'ok', value: this.#put(resource) };
  }

  async delete(id: ResourceId, expected?: Revision): Promise<StoreResult<undefined>> {
    const refused = this.#refuse(id, expected);
    if (refused !== undefined) return refused;
    this.#table.delete(id);
    return { kind: 'ok', value: undefined };
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]> {
    return this.#table.watch(signal);
  }

  async close(): Promise<void> {}

  #refuse(
    id: ResourceId,
    expected: Revision | undefined,
  ): (StoreResult<never> & { kind: 'error' }) | undefined {
    const found = this.#table.get(id);
    if (found === undefined) return { kind: 'error', error: { kind: 'not-found', id } };
    if (expected === undefined || found.revision === expected) return undefined;
    return { kind: 'error', error: { kind: 'conflict', id, expected, found: found.revision } };
  }

  #put(resource: Resource): StoredResource {
    const stored = { resource, revision: String(++this.#revisions) };
    this.#table.set(stored);
    return stored;
  }
}
