/**
 * A store whose documents stay in force over a restart of the agent: where it holds one that nobody can use, and has not told a good version
 * of it since the agent began, the last good one of before is told in its place, until the document is good again or gone. A store that is
 * away when the agent begins is told as it was.
 */
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../core/resources/resource.js';
import type {
  InvalidDocument,
  Revision,
  Store,
  StoredResource,
  StoreResult,
  WatchEvent,
  WriteOptions,
} from './port.js';

/** What remembers good documents from one start of the agent to the next. */
export interface GoodMemory {
  /** Keys ({@link formatResourceId}) of documents from before that have not been replaced or forgotten since. */
  keysBefore(): readonly string[];
  /** Undefined: none, or none that can be read now. */
  before(key: string): Resource | undefined;
  remember(resource: Resource): void;
  forget(key: string): void;
  /** Of what was before nothing else is needed. */
  settled(needed: ReadonlySet<string>): void;
  /** Everything is written, or cannot be. */
  close(): Promise<void>;
}

/** Of a document that the store does not hold. */
const NO_REVISION: Revision = '';

/** One watch's events, with what stands in for invalid documents (pure but for the memory). */
export class LastGoodWatch {
  readonly #memory: GoodMemory;
  /** What the store itself has told in this snapshot. */
  readonly #told = new Set<string>();
  readonly #standing = new Map<string, Resource>();
  /** The store itself has told something, or its copy was told. */
  #begun = false;

  constructor(memory: GoodMemory) {
    this.#memory = memory;
  }

  /** Told in place of what cannot be used. */
  get standing(): readonly Resource[] {
    return [...this.#standing.values()];
  }

  /** A consumer's events from the store's. */
  follow(events: readonly WatchEvent[]): readonly WatchEvent[] {
    return events.flatMap(event => [...this.#before(event), event]);
  }

  /** What is to be told before it. */
  #before(event: WatchEvent): readonly WatchEvent[] {
    switch (event.kind) {
      case 'snapshot-begin':
        this.#begun = true;
        this.#told.clear();
        this.#standing.clear();
        return [];
      case 'changed': {
        const { resource } = event.stored;
        this.#isTold(formatResourceId(resourceIdOf(resource)));
        this.#memory.remember(resource);
        return [];
      }
      case 'deleted': {
        const key = formatResourceId(event.id);
        this.#told.delete(key);
        this.#standing.delete(key);
        this.#memory.forget(key);
        return [];
      }
      case 'invalid':
        return [...this.#withdrawn(event.documents), ...this.#standIns(event.documents)];
      case 'in-sync':
        this.#settled();
        return [];
      case 'copy-told':
        return [];
      case 'unavailable':
        return this.#copy();
    }
  }

  #copy(): readonly WatchEvent[] {
    const copy = this.#begun ? [] : this.#memory.keysBefore().map(key => this.#memory.before(key));
    this.#begun = true;
    const documents = copy.filter(one => one !== undefined);
    if (documents.length === 0) return [];
    return [
      { kind: 'snapshot-begin' },
      ...documents.map((resource): WatchEvent => {
        return { kind: 'changed', stored: { resource, revision: NO_REVISION } };
      }),
      { kind: 'copy-told' },
    ];
  }

  #isTold(key: string): void {
    this.#told.add(key);
    this.#standing.delete(key);
  }

  #standIns(documents: readonly InvalidDocument[]): readonly WatchEvent[] {
    const keys = isUnknownAmong(documents) ? this.#memory.keysBefore() : documents.map(keyOf);
    return keys.flatMap((key): WatchEvent[] => {
      if (key === undefined || this.#told.has(key) || this.#standing.has(key)) return [];
      const resource = this.#memory.before(key);
      if (resource === undefined) return [];
      this.#standing.set(key, resource);
      return [{ kind: 'changed', stored: { resource, revision: NO_REVISION } }];
    });
  }

  /** Those whose document is not there any more: a good one has taken its place by now, or nothing. */
  #withdrawn(documents: readonly InvalidDocument[]): readonly WatchEvent[] {
    if (isUnknownAmong(documents)) return [];
    const invalid = new Set(documents.map(keyOf));
    return [...this.#standing].flatMap(([key, resource]): WatchEvent[] => {
      if (invalid.has(key)) return [];
      this.#standing.delete(key);
      this.#memory.forget(key);
      return [{ kind: 'deleted', id: resourceIdOf(resource) }];
    });
  }

  #settled(): void {
    for (const key of this.#memory.keysBefore())
      if (!this.#told.has(key) && !this.#standing.has(key)) this.#memory.forget(key);
    this.#memory.settled(new Set(this.#standing.keys()));
  }
}

/** Where nobody knows what a document is, it may be any that was there before. */
function isUnknownAmong(documents: readonly InvalidDocument[]): boolean {
  return documents.some(({ id }) => id === undefined);
}

function keyOf({ id }: InvalidDocument): string | undefined {
  return id === undefined ? undefined : formatResourceId(id);
}

export class LastGoodStore implements Store {
  readonly #store: Store;
  readonly #memory: GoodMemory;
  /** The one that is followed. */
  #watch: LastGoodWatch | undefined;

  constructor(store: Store, memory: GoodMemory) {
    this.#store = store;
    this.#memory = memory;
  }

  /** With what stands in for documents that cannot be used. */
  async list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    const listed = await this.#store.list(kind);
    const standing = (this.#watch?.standing ?? []).filter(one => kind === undefined || one.kind === kind);
    if (listed.kind === 'error' || standing.length === 0) return listed;
    const there = new Set(listed.value.map(({ resource }) => formatResourceId(resourceIdOf(resource))));
    const more = standing.filter(one => !there.has(formatResourceId(resourceIdOf(one))));
    return {
      kind: 'ok',
      value: [...listed.value, ...more.map(resource => ({ resource, revision: NO_REVISION }))],
    };
  }

  get(id: ResourceId, options?: WriteOptions): Promise<StoreResult<StoredResource>> {
    return this.#store.get(id, options);
  }

  create(resource: Resource, options?: WriteOptions): Promise<StoreResult<StoredResource>> {
    return this.#store.create(resource, options);
  }

  update(
    resource: Resource,
    expected: Revision,
    options?: WriteOptions,
  ): Promise<StoreResult<StoredResource>> {
    return this.#store.update(resource, expected, options);
  }

  delete(id: ResourceId, expected?: Revision, options?: WriteOptions): Promise<StoreResult<undefined>> {
    return this.#store.delete(id, expected, options);
  }

  remind(claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>> {
    return this.#store.remind(claimant, work);
  }

  async *watch(options: { readonly signal: AbortSignal }): AsyncGenerator<readonly WatchEvent[]> {
    const watch = new LastGoodWatch(this.#memory);
    this.#watch = watch;
    for await (const events of this.#store.watch(options)) yield watch.follow(events);
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#memory.close();
  }
}
