/** From the store's watch to single changes: what a snapshot does not repeat is deleted (pure but for the loop at the end). */
import {
  formatResourceId,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../core/resources/resource.js';
import type { InvalidDocument, Store, WatchEvent } from '../store/port.js';
import type { ResourceChange } from './calculators/calculator.js';

export interface FeedHandler {
  /** All changes of one batch. */
  changes(changes: readonly ResourceChange[]): void;
  inSync(): void;
  /** What was told is how the store was before this process; it has not been read yet. */
  copyTold(): void;
  invalid(documents: readonly InvalidDocument[]): void;
  unavailable(detail: string): void;
}

export class ResourceFeed {
  readonly #handler: FeedHandler;
  readonly #known = new Map<ResourceKind, Map<string, Resource>>();
  /** While a snapshot is being told: what it has not repeated yet. */
  #unseen: Map<string, ResourceId> | undefined;

  constructor(handler: FeedHandler) {
    this.#handler = handler;
  }

  /** Resources known now. */
  get size(): number {
    let size = 0;
    for (const ofKind of this.#known.values()) size += ofKind.size;
    return size;
  }

  /** The good version that is in force. */
  get(id: ResourceId): Resource | undefined {
    return this.#ofKind(id.kind).get(formatResourceId(id));
  }

  count(kind: ResourceKind): number {
    return this.#ofKind(kind).size;
  }

  /** Those of a kind that are in force. */
  list<K extends ResourceKind>(kind: K): readonly Extract<Resource, { readonly kind: K }>[] {
    return [...this.#ofKind(kind).values()] as Extract<Resource, { readonly kind: K }>[];
  }

  /** Of every kind. */
  all(): readonly Resource[] {
    return [...this.#known.values()].flatMap(ofKind => [...ofKind.values()]);
  }

  handle(events: readonly WatchEvent[]): void {
    let changes: ResourceChange[] = [];
    const tell = () => {
      if (changes.length > 0) this.#handler.changes(changes);
      changes = [];
    };
    for (const event of events) {
      switch (event.kind) {
        case 'snapshot-begin':
          this.#unseen = this.#ids();
          break;
        case 'changed':
          changes.push(this.#changed(event.stored.resource));
          break;
        case 'deleted':
          changes.push(this.#deleted(event.id));
          break;
        case 'in-sync':
          for (const id of this.#unseen?.values() ?? []) changes.push(this.#deleted(id));
          this.#unseen = undefined;
          tell();
          this.#handler.inSync();
          break;
        case 'copy-told':
          tell();
          this.#handler.copyTold();
          break;
        case 'invalid':
          this.#handler.invalid(event.documents);
          break;
        case 'unavailable':
          this.#handler.unavailable(event.detail);
          break;
      }
    }
    tell();
  }

  #changed(resource: Resource): ResourceChange {
    const id = resourceIdOf(resource);
    const key = formatResourceId(id);
    this.#ofKind(id.kind).set(key, resource);
    this.#unseen?.delete(key);
    return { kind: 'changed', resource };
  }

  #deleted(id: ResourceId): ResourceChange {
    const key = formatResourceId(id);
    this.#ofKind(id.kind).delete(key);
    this.#unseen?.delete(key);
    return { kind: 'deleted', id };
  }

  #ofKind(kind: ResourceKind): Map<string, Resource> {
    const found = this.#known.get(kind);
    if (found !== undefined) return found;
    const made = new Map<string, Resource>();
    this.#known.set(kind, made);
    return made;
  }

  #ids(): Map<string, ResourceId> {
    const ids = new Map<string, ResourceId>();
    for (const ofKind of this.#known.values())
      for (const [key, resource] of ofKind) ids.set(key, resourceIdOf(resource));
    return ids;
  }
}

/** Until the signal aborts. */
export async function feedFrom(store: Store, feed: ResourceFeed, signal: AbortSignal): Promise<void> {
  for await (const events of store.watch({ signal })) feed.handle(events);
}
