/** A store that lives and dies with its process: for tests, simulations and agents that need no more. */
import {
  formatResourceId,
  isRecord,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../core/resources/resource.js';
import type { Revision, Store, StoredResource, StoreResult, WatchEvent } from './port.js';
import { ResourceTable } from './resource-table.js';
import { nothingForgotten } from './results.js';

export class MemoryStore implements Store {
  readonly #table = new ResourceTable();
  readonly #records = new Map<string, StoredResource>();
  #revisions = 0;

  constructor(resources: readonly Resource[] = []) {
    for (const resource of resources) this.#put(resource);
    this.#table.loaded();
  }

  async list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    if (kind === undefined || !isRecord(kind)) return { kind: 'ok', value: this.#table.list(kind) };
    return {
      kind: 'ok',
      value: [...this.#records.values()].filter(({ resource }) => resource.kind === kind),
    };
  }

  async get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    const found = this.#find(id);
    return found === undefined
      ? { kind: 'error', error: { kind: 'not-found', id } }
      : { kind: 'ok', value: found };
  }

  async create(resource: Resource): Promise<StoreResult<StoredResource>> {
    const id = resourceIdOf(resource);
    if (this.#find(id) !== undefined) return { kind: 'error', error: { kind: 'already-exists', id } };
    return { kind: 'ok', value: this.#put(resource) };
  }

  async update(resource: Resource, expected: Revision): Promise<StoreResult<StoredResource>> {
    const refused = this.#refuse(resourceIdOf(resource), expected);
    return refused ?? { kind: 'ok', value: this.#put(resource) };
  }

  async delete(id: ResourceId, expected?: Revision): Promise<StoreResult<undefined>> {
    const refused = this.#refuse(id, expected);
    if (refused !== undefined) return refused;
    if (isRecord(id.kind)) this.#records.delete(formatResourceId(id));
    else this.#table.delete(id);
    return { kind: 'ok', value: undefined };
  }

  remind(_claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>> {
    return nothingForgotten(work);
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]> {
    return this.#table.watch(signal);
  }

  async close(): Promise<void> {}

  #refuse(
    id: ResourceId,
    expected: Revision | undefined,
  ): (StoreResult<never> & { kind: 'error' }) | undefined {
    const found = this.#find(id);
    if (found === undefined) return { kind: 'error', error: { kind: 'not-found', id } };
    if (expected === undefined || found.revision === expected) return undefined;
    return { kind: 'error', error: { kind: 'conflict', id, expected, found: found.revision } };
  }

  #put(resource: Resource): StoredResource {
    const stored = { resource, revision: String(++this.#revisions) };
    if (isRecord(resource.kind)) this.#records.set(formatResourceId(resourceIdOf(resource)), stored);
    else this.#table.set(stored);
    return stored;
  }

  #find(id: ResourceId): StoredResource | undefined {
    return isRecord(id.kind) ? this.#records.get(formatResourceId(id)) : this.#table.get(id);
  }
}
