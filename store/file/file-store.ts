/**
 * SHELL: the embedded store: a directory of YAML documents that people may edit and several agents may share.
 *
 * A writer holds the lock, reads the file anew, compares, and replaces it whole. Readers look at what changed: inotify is a hint (it
 * drops events in silence when its queue is full), so a look is taken every few seconds anyway.
 */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import {
  formatResourceId,
  isRecord,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../../core/resources/resource.js';
import type {
  InvalidDocument,
  Revision,
  Store,
  StoredResource,
  StoreError,
  StoreResult,
  WatchEvent,
} from '../port.js';
import { ResourceTable } from '../resource-table.js';
import { failure, mismatch, nothingForgotten, unavailable } from '../results.js';
import { Directory, type FileLock, type FileStamp, isOfOneFile } from './directory.js';
import { fileNameOf, mentionsSecret, parseFile, replaceDocument } from './document-file.js';
import { RecordFiles } from './record-files.js';

export interface FileStoreOptions {
  readonly directory: string;
  readonly lock: FileLock;
  /** Between looks without a hint, milliseconds. */
  readonly rescanMs?: number;
}

interface KnownFile {
  readonly stamp: FileStamp;
  readonly stored: readonly StoredResource[];
  readonly invalid: readonly InvalidDocument[];
}

/** The folder of records inside the store's directory. */
const RECORDS = 'records';
const RESCAN_MS = 5000;
/** A save by an editor is several events. */
const SETTLE_MS = 20;

export class FileStore implements Store {
  readonly #directory: Directory;
  readonly #records: RecordFiles;
  readonly #table = new ResourceTable();
  readonly #files = new Map<string, KnownFile>();
  /** Which file holds a resource. */
  readonly #places = new Map<string, string>();
  /** What the look that is being taken has missed so far, and the one before, which may have come amid a change: it may stand in another file. */
  #missed = new Map<string, StoredResource>();
  #missedBefore: ReadonlyMap<string, StoredResource> = new Map();
  readonly #rescanMs: number;
  /** One look or write at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #started: Promise<void> | undefined;
  #closed = false;

  constructor(options: FileStoreOptions) {
    this.#directory = new Directory(options.directory, options.lock);
    this.#records = new RecordFiles(join(options.directory, RECORDS), options.lock);
    this.#rescanMs = options.rescanMs ?? RESCAN_MS;
  }

  list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    if (kind !== undefined && isRecord(kind)) return this.#records.list(kind);
    return this.#fresh('list', () => ({ kind: 'ok', value: this.#table.list(kind) }));
  }

  get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    if (isRecord(id.kind)) return this.#records.get(id);
    return this.#fresh('get', () => {
      const found = this.#table.get(id);
      return found === undefined ? failure({ kind: 'not-found', id }) : { kind: 'ok', value: found };
    });
  }

  create(resource: Resource): Promise<StoreResult<StoredResource>> {
    if (isRecord(resource.kind)) return this.#records.create(resource);
    return this.#put('create', resourceIdOf(resource), resource, found =>
      found === undefined ? undefined : { kind: 'already-exists', id: resourceIdOf(resource) },
    );
  }

  update(resource: Resource, expected: Revision): Promise<StoreResult<StoredResource>> {
    const id = resourceIdOf(resource);
    if (isRecord(id.kind)) return this.#records.update(resource, expected);
    return this.#put('update', id, resource, found => mismatch(id, found, expected));
  }

  async delete(id: ResourceId, expected?: Revision): Promise<StoreResult<undefined>> {
    if (isRecord(id.kind)) return this.#records.delete(id, expected);
    const result = await this.#write('delete', id, undefined, found => mismatch(id, found, expected));
    return result.kind === 'ok' ? { kind: 'ok', value: undefined } : result;
  }

  remind(_claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>> {
    return nothingForgotten(work);
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]> {
    void this.#start();
    return this.#table.watch(signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#settling);
    this.#watcher?.close();
    await this.#turn;
  }

  // ---------------------------------------------------------------- reading

  #start(): Promise<void> {
    this.#started ??= this.#exclusive(async () => {
      await this.#look();
      if (this.#closed) return;
      this.#timer = setInterval(() => void this.#exclusive(() => this.#look()), this.#rescanMs);
    });
    return this.#started;
  }

  async #fresh<T>(operation: string, answer: () => StoreResult<T>): Promise<StoreResult<T>> {
    return this.#exclusive(async () => {
      try {
        await this.#scan();
        return answer();
      } catch (error) {
        return unavailable(operation, error);
      }
    });
  }

  /** One look at the directory; what stands in the way is told to the watchers, and the next look tries again. */
  async #look(): Promise<void> {
    try {
      await this.#scan();
      this.#table.loaded();
    } catch (error) {
      this.#table.unavailable((error as Error).message);
    }
  }

  async #scan(): Promise<void> {
    await this.#prepare();
    const found = await this.#directory.list();
    this.#missedBefore = this.#missed;
    this.#missed = new Map();
    for (const name of [...this.#files.keys()]) if (!found.has(name)) this.#forgetFile(name);
    await this.#learnChanged(found);
    // What is missed in one file may stand in another that was read before it.
    if (this.#missed.size > 0) await this.#learnChanged(found);
    this.#table.setInvalid([...this.#files.values()].flatMap(({ invalid }) => invalid));
  }

  async #learnChanged(found: ReadonlyMap<string, FileStamp>): Promise<void> {
    for (const [name, stamp] of found) {
      if (this.#files.get(name)?.stamp === stamp) continue;
      try {
        const content = await this.#directory.read(name);
        if (content === undefined) continue;
        this.#learnFile(name, stamp, content);
        if (mentionsSecret(content)) await this.#shutFile(name);
      } catch (error) {
        if (!isOfOneFile(error)) throw error;
        this.#unreadableFile(name, (error as Error).message);
      }
    }
  }

  async #prepare(): Promise<void> {
    if (this.#watcher !== undefined || this.#closed) return;
    await this.#directory.make();
    await this.#directory.sweep().catch(() => {});
    try {
      const watcher = watch(this.#directory.path, () => this.#hint());
      watcher.on('error', () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // No more inotify watches: the regular look has to do.
    }
  }

  #hint(): void {
    if (this.#settling !== undefined || this.#closed) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      void this.#exclusive(() => this.#look());
    }, SETTLE_MS);
  }

  #learnFile(name: string, stamp: FileStamp, content: string): void {
    const parsed = parseFile(name, content);
    const before = this.#files.get(name)?.stored ?? [];
    // What cannot be read now is still meant as it was read last.
    const kept = before.filter(
      ({ resource }) =>
        parsed.unreadable || parsed.invalid.some(({ id }) => id === undefined || sameId(id, resource)),
    );
    const moved = parsed.invalid.flatMap(({ id }) => {
      const key = id === undefined ? '' : formatResourceId(id);
      return this.#missed.get(key) ?? this.#missedBefore.get(key) ?? [];
    });
    const invalid = [...parsed.invalid];
    const stored: StoredResource[] = [];
    const { documents, misplaced } = withoutRecords(name, parsed.stored);
    invalid.push(...misplaced);
    for (const one of [...documents, ...kept, ...moved]) {
      if (stored.some(({ resource }) => sameId(resourceIdOf(one.resource), resource))) continue;
      const key = formatResourceId(resourceIdOf(one.resource));
      const place = this.#places.get(key);
      if (place !== undefined && place !== name) {
        invalid.push(duplicate(name, resourceIdOf(one.resource), place));
        continue;
      }
      stored.push(one);
      this.#places.set(key, name);
      this.#table.set(one);
    }
    this.#files.set(name, { stamp, stored, invalid });
    for (const { resource } of before) {
      if (!stored.some(one => sameId(resourceIdOf(one.resource), resource))) this.#forget(resource);
    }
  }

  /** Only its owner may read secrets. One that cannot be shut is used, and said. */
  async #shutFile(name: string): Promise<void> {
    try {
      await this.#directory.shut(name);
    } catch (error) {
      const known = this.#files.get(name);
      if (known === undefined) return;
      const allowed = `shut to others, and cannot be: ${(error as Error).message}`;
      const problem = { path: '', value: 'a file with secrets', allowed };
      const invalid = [...known.invalid, { location: name, id: undefined, problems: [problem] }];
      this.#files.set(name, { ...known, invalid });
    }
  }

  /** What it held is still meant; the next look tries again. */
  #unreadableFile(name: string, error: string): void {
    const problem = { path: '', value: 'the file', allowed: `one that can be read: ${error}` };
    const invalid = [{ location: name, id: undefined, problems: [problem] }];
    this.#files.set(name, { stamp: '', stored: this.#files.get(name)?.stored ?? [], invalid });
  }

  #forgetFile(name: string): void {
    const known = this.#files.get(name);
    this.#files.delete(name);
    for (const { resource } of known?.stored ?? []) this.#forget(resource);
  }

  #forget(resource: Resource): void {
    const id = resourceIdOf(resource);
    const key = formatResourceId(id);
    const stored = this.#table.get(id);
    if (stored !== undefined) this.#missed.set(key, stored);
    this.#places.delete(key);
    this.#table.delete(id);
    // Another file may hold a duplicate that now counts.
    for (const [name, known] of this.#files) {
      if (known.invalid.some(document => document.id !== undefined && sameId(document.id, resource))) {
        this.#files.set(name, { ...known, stamp: '' });
      }
    }
  }

  // ---------------------------------------------------------------- writing

  async #put(
    operation: string,
    id: ResourceId,
    resource: Resource,
    refuse: (found: StoredResource | undefined) => StoreError | undefined,
  ): Promise<StoreResult<StoredResource>> {
    const result = await this.#write(operation, id, resource, refuse);
    if (result.kind === 'error') return result;
    return { kind: 'ok', value: result.value! };
  }

  /** `refuse` judges what is there under the lock. */
  #write(
    operation: string,
    id: ResourceId,
    resource: Resource | undefined,
    refuse: (found: StoredResource | undefined) => StoreError | undefined,
  ): Promise<StoreResult<StoredResource | undefined>> {
    return this.#exclusive(async () => {
      try {
        await this.#prepare();
        if (!this.#files.size) await this.#scan();
        return await this.#directory.exclusively(async () => {
          const name = this.#places.get(formatResourceId(id)) ?? fileNameOf(id);
          const content = (await this.#directory.read(name)) ?? '';
          const parsed = parseFile(name, content);
          if (parsed.unreadable) throw new Error(`${name} is no YAML: mend it by hand`);
          // A document that has become invalid is in force as it was, and may be replaced as what it was.
          const ruined = parsed.invalid.some(
            one => one.id !== undefined && formatResourceId(one.id) === formatResourceId(id),
          );
          const found =
            parsed.stored.find(one => sameId(id, one.resource)) ?? (ruined ? this.#table.get(id) : undefined);
          const refusal = refuse(found);
          if (refusal !== undefined) return failure(refusal);
          const text = replaceDocument(content, id, resource);
          if (text === '') await this.#directory.remove(name);
          else await this.#directory.write(name, text, mentionsSecret(text));
          await this.#written(name, text);
          return { kind: 'ok', value: resource && this.#table.get(id) };
        });
      } catch (error) {
        return unavailable(operation, error);
      }
    });
  }

  /** Our own write need not wait for the next look. */
  async #written(name: string, text: string): Promise<void> {
    const stamp = text === '' ? undefined : await this.#directory.stamp(name);
    if (stamp === undefined) this.#forgetFile(name);
    else this.#learnFile(name, stamp, text);
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function sameId(id: ResourceId, resource: Resource): boolean {
  return formatResourceId(id) === formatResourceId(resourceIdOf(resource));
}

/** A record is looked for in its own folder alone. */
function withoutRecords(
  name: string,
  stored: readonly StoredResource[],
): { readonly documents: readonly StoredResource[]; readonly misplaced: readonly InvalidDocument[] } {
  const documents = stored.filter(({ resource }) => !isRecord(resource.kind));
  const misplaced = stored.flatMap(({ resource }) => {
    if (!isRecord(resource.kind)) return [];
    const problem = { path: 'kind', value: resource.kind, allowed: `kept here: it belongs into ${RECORDS}/` };
    return [{ location: name, id: undefined, problems: [problem] }];
  });
  return { documents, misplaced };
}

function duplicate(name: string, id: ResourceId, place: string): InvalidDocument {
  const problem = {
    path: 'metadata.name',
    value: JSON.stringify(id.name),
    allowed: `free: ${formatResourceId(id)} stands in ${place} already`,
  };
  return { location: name, id, problems: [problem] };
}
