/**
 * SHELL: records of the file store: a folder with a file of JSON each, read when asked for and watched by nobody. A writer holds the folder's
 * lock, reads the file anew, compares, and replaces it whole.
 */
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../../core/resources/resource.js';
import type { Revision, StoredResource, StoreError, StoreResult } from '../port.js';
import { failure, mismatch, unavailable } from '../results.js';
import { jsonText, readDocument } from '../stored-document.js';
import { Directory, type FileLock } from './directory.js';
import { revisionOf } from './document-file.js';

export class RecordFiles {
  readonly #directory: Directory;
  #made = false;

  constructor(path: string, lock: FileLock) {
    this.#directory = new Directory(path, lock);
  }

  /** Files that hold nothing that can be used count as absent. */
  async list(kind: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    try {
      await this.#make();
      const names = [...(await this.#directory.list()).keys()].filter(name => name.startsWith(`${kind}.`));
      const found = await Promise.all(names.map(name => this.#read(idOf(name))));
      return { kind: 'ok', value: found.filter(one => one !== undefined) };
    } catch (error) {
      return unavailable('list', error);
    }
  }

  async get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    try {
      const found = await this.#read(formatResourceId(id));
      return found === undefined ? failure({ kind: 'not-found', id }) : { kind: 'ok', value: found };
    } catch (error) {
      return unavailable('get', error);
    }
  }

  create(resource: Resource): Promise<StoreResult<StoredResource>> {
    const id = resourceIdOf(resource);
    return this.#put('create', resource, found =>
      found === undefined ? undefined : { kind: 'already-exists', id },
    );
  }

  update(resource: Resource, expected: Revision): Promise<StoreResult<StoredResource>> {
    return this.#put('update', resource, found => mismatch(resourceIdOf(resource), found, expected));
  }

  delete(id: ResourceId, expected?: Revision): Promise<StoreResult<undefined>> {
    return this.#exclusively('delete', async (): Promise<StoreResult<undefined>> => {
      const refusal = mismatch(id, await this.#read(formatResourceId(id)), expected);
      if (refusal !== undefined) return failure(refusal);
      await this.#directory.remove(fileOf(formatResourceId(id)));
      return { kind: 'ok', value: undefined };
    });
  }

  #put(
    operation: string,
    resource: Resource,
    refuse: (found: StoredResource | undefined) => StoreError | undefined,
  ): Promise<StoreResult<StoredResource>> {
    const id = formatResourceId(resourceIdOf(resource));
    return this.#exclusively(operation, async (): Promise<StoreResult<StoredResource>> => {
      const refusal = refuse(await this.#read(id));
      if (refusal !== undefined) return failure(refusal);
      const text = jsonText(resource);
      await this.#directory.write(fileOf(id), text, false);
      return { kind: 'ok', value: { resource, revision: revisionOf(text) } };
    });
  }

  async #exclusively<T>(operation: string, work: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    try {
      await this.#make();
      return await this.#directory.exclusively(work);
    } catch (error) {
      return unavailable(operation, error);
    }
  }

  async #read(id: string): Promise<StoredResource | undefined> {
    const document = await this.#directory.read(fileOf(id));
    if (document === undefined) return undefined;
    const read = readDocument(id, { revision: revisionOf(document), document });
    return read.kind === 'ok' ? read.stored : undefined;
  }

  async #make(): Promise<void> {
    if (this.#made) return;
    await this.#directory.make();
    await this.#directory.sweep().catch(() => {});
    this.#made = true;
  }
}

/** `Lease/node-1` is in `Lease.node-1.json`: records have no namespace. */
function fileOf(id: string): string {
  return `${id.replace('/', '.')}.json`;
}

function idOf(file: string): string {
  return file.replace('.', '/').replace(/\.json$/, '');
}
