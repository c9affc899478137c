/** The resources a store knows, and the watchers that follow them. Shared by every store. */
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../core/resources/resource.js';
import type { InvalidDocument, StoredResource, WatchEvent } from './port.js';
import { WatchQueue } from './watch-queue.js';

export class ResourceTable {
  readonly #resources = new Map<string, StoredResource>();
  readonly #queues = new Set<WatchQueue>();
  #invalid: readonly InvalidDocument[] = [];
  #unavailable: string | undefined;
  #loaded = false;

  get(id: ResourceId): StoredResource | undefined {
    return this.#resources.get(formatResourceId(id));
  }

  list(kind?: Resource['kind']): readonly StoredResource[] {
    const all = [...this.#resources.values()];
    return kind === undefined ? all : all.filter(({ resource }) => resource.kind === kind);
  }

  /** No event if the revision is the one that is known. */
  set(stored: StoredResource): void {
    const key = formatResourceId(resourceIdOf(stored.resource));
    if (this.#resources.get(key)?.revision === stored.revision) return;
    this.#resources.set(key, stored);
    for (const queue of this.#told) queue.changed(stored);
  }

  delete(id: ResourceId): void {
    if (!this.#resources.delete(formatResourceId(id))) return;
    for (const queue of this.#told) queue.deleted(id);
  }

  setInvalid(documents: readonly InvalidDocument[]): void {
    if (JSON.stringify(documents) === JSON.stringify(this.#invalid)) return;
    this.#invalid = documents;
    for (const queue of this.#told) queue.invalid(documents);
  }

  /**
   * All that is there has been read, for the first time or again after {@link unavailable}; what changed meanwhile has been told.
   * @param forked the store has forgotten what was told: everybody begins anew
   */
  loaded(forked = false): void {
    const first = !this.#loaded;
    const wasAway = this.#unavailable !== undefined;
    this.#loaded = true;
    this.#unavailable = undefined;
    for (const queue of this.#queues) {
      if (first || forked) this.#tellAll(queue, forked);
      else if (wasAway) queue.inSync();
    }
  }

  unavailable(detail: string): void {
    if (this.#unavailable === detail) return;
    this.#unavailable = detail;
    for (const queue of this.#queues) queue.unavailable(detail);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly WatchEvent[]> {
    const queue = new WatchQueue(signal);
    this.#queues.add(queue);
    try {
      if (this.#loaded) this.#tellAll(queue);
      if (this.#unavailable !== undefined) queue.unavailable(this.#unavailable);
      yield* queue;
    } finally {
      this.#queues.delete(queue);
    }
  }

  /** Before all has been read, nobody is told a part of it. */
  get #told(): Iterable<WatchQueue> {
    return this.#loaded ? this.#queues : [];
  }

  #tellAll(queue: WatchQueue, forked = false): void {
    queue.beginSnapshot(forked);
    for (const stored of this.#resources.values()) queue.changed(stored);
    queue.invalid(this.#invalid);
    queue.inSync();
  }
}
