/** What a consumer makes of a store's watch: its state, and how it came to it. */
import { formatResourceId, type Resource, resourceIdOf } from '../../core/resources/resource.js';
import type { Store, WatchEvent } from '../../store/port.js';

export class StoreWatcher {
  /** By id: the revision. */
  readonly state = new Map<string, string>();
  readonly resources = new Map<string, Resource>();
  readonly events: WatchEvent[] = [];
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #unseen: Set<string> | undefined;
  #told = 0;

  constructor(store: Store, pauseMs = 0) {
    this.#running = this.#follow(store, pauseMs);
  }

  /** Changes and deletions that made a difference. */
  get told(): number {
    return this.#told;
  }

  count(kind: WatchEvent['kind']): number {
    return this.events.filter(event => event.kind === kind).length;
  }

  get isInSync(): boolean {
    return (
      this.events.findLast(({ kind }) => kind === 'in-sync' || kind === 'unavailable')?.kind === 'in-sync'
    );
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #follow(store: Store, pauseMs: number): Promise<void> {
    for await (const events of store.watch({ signal: this.#ending.signal })) {
      for (const event of events) this.#take(event);
      if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs));
    }
  }

  #take(event: WatchEvent): void {
    this.events.push(event);
    switch (event.kind) {
      case 'snapshot-begin':
        this.#unseen = new Set(this.state.keys());
        break;
      case 'changed': {
        const { resource, revision } = event.stored;
        const key = formatResourceId(resourceIdOf(resource));
        if (this.state.get(key) !== revision) this.#told++;
        this.state.set(key, revision);
        this.resources.set(key, resource);
        this.#unseen?.delete(key);
        break;
      }
      case 'deleted':
        this.#forget(formatResourceId(event.id));
        break;
      case 'in-sync':
        for (const key of this.#unseen ?? []) this.#forget(key);
        this.#unseen = undefined;
        break;
      default:
    }
  }

  #forget(key: string): void {
    if (this.state.delete(key)) this.#told++;
    this.resources.delete(key);
  }
}
