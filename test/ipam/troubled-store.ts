/** Stores that do to their users what real ones may: answer late, say what was true a moment ago, fail before or after a write, forget. */
import { setImmediate } from 'node:timers/promises';
import { formatResourceId, type Resource, type ResourceId } from '../../core/resources/resource.js';
import type {
  Revision,
  Store,
  StoredResource,
  StoreResult,
  WatchEvent,
  WriteOptions,
} from '../../store/port.js';
import type { Random } from '../support/random.js';

const unavailable = {
  kind: 'error',
  error: { kind: 'unavailable', operation: 'test', detail: 'not now' },
} as const;

/** A process that is no more: whatever it waits for never comes. */
const never = new Promise<never>(() => {});

/** Everything is handed on; what happens around it is the subclasses' affair. */
class Through implements Store {
  readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>> {
    return this.inner.list(kind);
  }

  get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    return this.inner.get(id);
  }

  create(resource: Resource, options?: WriteOptions): Promise<StoreResult<StoredResource>> {
    return this.around(() => this.inner.create(resource, options));
  }

  update(
    resource: Resource,
    expected: Revision,
    options?: WriteOptions,
  ): Promise<StoreResult<StoredResource>> {
    return this.around(() => this.inner.update(resource, expected, options));
  }

  delete(id: ResourceId, expected?: Revision, options?: WriteOptions): Promise<StoreResult<undefined>> {
    return this.around(() => this.inner.delete(id, expected, options));
  }

  remind(claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>> {
    return this.inner.remind(claimant, work);
  }

  watch(options: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]> {
    return this.inner.watch(options);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  protected around<T>(write: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    return write();
  }
}

/** Late, stale and unreliable, each with a chance of its own in 100. */
export class TroubledStore extends Through {
  readonly #random: Random;
  readonly #before = new Map<string, StoreResult<StoredResource>>();

  constructor(inner: Store, random: Random) {
    super(inner);
    this.#random = random;
  }

  override async get(id: ResourceId): Promise<StoreResult<StoredResource>> {
    await this.#pause();
    if (this.#chance(3)) return unavailable;
    const key = formatResourceId(id);
    const found = await this.inner.get(id);
    const before = this.#before.get(key);
    this.#before.set(key, found);
    return before !== undefined && this.#chance(10) ? before : found;
  }

  protected override async around<T>(write: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    await this.#pause();
    if (this.#chance(3)) return unavailable;
    const result = await write();
    await this.#pause();
    return this.#chance(5) ? unavailable : result;
  }

  async #pause(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns--) await setImmediate();
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }
}

/** Its user dies at the write of that number, before or after it is made. */
export class FatalStore extends Through {
  #left: number;
  readonly #moment: 'before' | 'after';
  /** Resolves when its user is dead. */
  readonly died: Promise<void>;
  #die: () => void = () => {};

  constructor(inner: Store, writes: number, moment: 'before' | 'after') {
    super(inner);
    this.#left = writes;
    this.#moment = moment;
    this.died = new Promise(resolve => {
      this.#die = resolve;
    });
  }

  protected override async around<T>(write: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    if (--this.#left !== 0) return await write();
    if (this.#moment === 'after') await write();
    this.#die();
    return await never;
  }
}

/** The planted race: writes what it is told whatever was there. */
export class CarelessStore extends Through {
  override async create(resource: Resource): Promise<StoreResult<StoredResource>> {
    const { kind, metadata } = resource;
    const found = await this.inner.get({ kind, name: metadata.name });
    return found.kind === 'ok' ? this.update(resource) : super.create(resource);
  }

  override async update(resource: Resource): Promise<StoreResult<StoredResource>> {
    const { kind, metadata } = resource;
    const found = await this.inner.get({ kind, name: metadata.name });
    return found.kind === 'ok' ? super.update(resource, found.value.revision) : this.create(resource);
  }
}
