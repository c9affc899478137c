/** SHELL: documents of this host that its agent keeps as they should be, whatever becomes of them in the store. */
import type { Clock, Timer } from '../core/clock.js';
import type { Resource, ResourceId } from '../core/resources/resource.js';
import type { Store, StoreError } from '../store/port.js';
import { describeStoreError } from '../store/results.js';

export type Kept =
  /** It was written anew. */
  | { readonly kind: 'written'; readonly resource: Resource }
  /** It is right as it is. */
  | { readonly kind: 'unchanged' }
  /** In words. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Somebody else may write the same document at the same time: it is read and looked at again. */
const ATTEMPTS = 5;

/**
 * One that somebody has ruined is put back.
 * @param wanted the document as it should be, given the one that is there; undefined: that one is right
 */
export async function keepDocument(
  store: Store,
  id: ResourceId,
  wanted: (found: Resource | undefined) => Resource | undefined,
): Promise<Kept> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.get(id);
    if (found.kind === 'error' && found.error.kind !== 'not-found') return failed(found.error);
    const known = found.kind === 'ok' ? found.value : undefined;
    const resource = wanted(known?.resource) ?? (known?.lastGood === true ? known.resource : undefined);
    if (resource === undefined) return { kind: 'unchanged' };
    const result =
      found.kind === 'ok' ? await store.update(resource, found.value.revision) : await store.create(resource);
    if (result.kind === 'ok') return { kind: 'written', resource: result.value.resource };
    if (result.error.kind === 'unavailable' || attempt === ATTEMPTS) return failed(result.error);
  }
}

function failed(error: StoreError): Kept {
  return { kind: 'failed', problem: describeStoreError(error) };
}

const RETRY_MS = 5000;

/** One document: kept on request, one write at a time, tried again while the store refuses. */
export class KeptDocument {
  readonly #clock: Clock;
  readonly #keep: () => Promise<Kept>;
  readonly #kept: (kept: Kept) => void;
  #running: Promise<void> | undefined;
  #again = false;
  #retry: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, keep: () => Promise<Kept>, kept: (kept: Kept) => void) {
    this.#clock = clock;
    this.#keep = keep;
    this.#kept = kept;
  }

  /** Resolves when what was wanted at the time of the call has been tried. */
  request(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #run(): Promise<void> {
    this.#retry?.cancel();
    while (this.#again && !this.#closed) {
      this.#again = false;
      const kept = await this.#keep();
      if (this.#closed) break;
      this.#kept(kept);
      if (kept.kind === 'failed') this.#retry = this.#clock.schedule(RETRY_MS, () => void this.request());
    }
  }
}
