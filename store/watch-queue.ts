/**
 * What one watcher has not been told yet: the newest state of each resource, however often it changed. A consumer that is busy for
 * long costs memory by the number of resources, never by the number of changes.
 */
import { formatResourceId, type ResourceId, resourceIdOf } from '../core/resources/resource.js';
import type { InvalidDocument, StoredResource, WatchEvent } from './port.js';

type Change = Extract<WatchEvent, { kind: 'changed' | 'deleted' }>;

export class WatchQueue implements AsyncIterable<readonly WatchEvent[]> {
  readonly #changes = new Map<string, Change>();
  readonly #signal: AbortSignal;
  #snapshotBegins = false;
  #forked = false;
  #inSync = false;
  #invalid: readonly InvalidDocument[] | undefined;
  #unavailable: string | undefined;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  /** Everything told before is void; the resources follow, then {@link inSync}. */
  beginSnapshot(forked = false): void {
    this.#changes.clear();
    this.#forked ||= forked;
    this.#snapshotBegins = true;
    this.#unavailable = undefined;
    this.#wake?.();
  }

  changed(stored: StoredResource): void {
    this.#put(formatResourceId(resourceIdOf(stored.resource)), { kind: 'changed', stored });
  }

  deleted(id: ResourceId): void {
    this.#put(formatResourceId(id), { kind: 'deleted', id });
  }

  inSync(): void {
    this.#inSync = true;
    this.#unavailable = undefined;
    this.#wake?.();
  }

  invalid(documents: readonly InvalidDocument[]): void {
    this.#invalid = documents;
    this.#wake?.();
  }

  unavailable(detail: string): void {
    this.#unavailable = detail;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly WatchEvent[]> {
    while (!this.#signal.aborted) {
      const events = this.#take();
      if (events.length > 0) {
        yield events;
        continue;
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
        if (this.#signal.aborted) resolve();
      });
      this.#wake = undefined;
    }
  }

  #put(key: string, change: Change): void {
    this.#changes.delete(key);
    this.#changes.set(key, change);
    this.#wake?.();
  }

  #take(): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    if (this.#snapshotBegins)
      events.push({ kind: 'snapshot-begin', ...(this.#forked ? { forked: true } : {}) });
    events.push(...this.#changes.values());
    if (this.#invalid !== undefined) events.push({ kind: 'invalid', documents: this.#invalid });
    if (this.#inSync) events.push({ kind: 'in-sync' });
    if (this.#unavailable !== undefined) events.push({ kind: 'unavailable', detail: this.#unavailable });
    this.#changes.clear();
    this.#snapshotBegins = false;
    this.#forked = false;
    this.#invalid = undefined;
    this.#inSync = false;
    this.#unavailable = undefined;
    return events;
  }
}
