/** SHELL: one lease in the store: read, and written in place of what was read. */
import type { Clock } from '../../core/clock.js';
import type { Revision, Store } from '../../store/port.js';
import { leaseDocument } from './lease-document.js';
import type { LeaseSpec } from './lease-sight.js';

export interface FoundLease {
  readonly kind: 'found';
  /** Undefined: there is none. */
  readonly spec: LeaseSpec | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface Unavailable {
  readonly kind: 'unavailable';
  readonly detail: string;
}

export type WrittenLease =
  /** `startedMs`: it was there no earlier. */
  | { readonly kind: 'written'; readonly startedMs: number }
  /** Somebody else has written meanwhile. */
  | { readonly kind: 'raced' }
  /** It may have been written nevertheless. */
  | Unavailable;

/** On as many copies as outlive the loss of one: what is held is not to be forgotten. */
const CLAIM = { replicated: true } as const;

export class LeaseRecord {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #name: string;
  /** Of what was read or written last; undefined: there was none. */
  #revision: Revision | undefined;

  constructor(store: Store, clock: Clock, name: string) {
    this.#store = store;
    this.#clock = clock;
    this.#name = name;
  }

  async read(): Promise<FoundLease | Unavailable> {
    const startedMs = this.#clock.now();
    const found = await this.#store.get({ kind: 'Lease', name: this.#name });
    if (found.kind === 'error' && found.error.kind === 'unavailable') return found.error;
    const endedMs = this.#clock.now();
    this.#revision = found.kind === 'ok' ? found.value.revision : undefined;
    const resource = found.kind === 'ok' ? found.value.resource : undefined;
    const spec = resource?.kind === 'Lease' ? resource.spec : undefined;
    return { kind: 'found', spec, startedMs, endedMs };
  }

  /** In place of what was read or written last. */
  async write(spec: LeaseSpec): Promise<WrittenLease> {
    const document = leaseDocument(this.#name, spec);
    const startedMs = this.#clock.now();
    const written =
      this.#revision === undefined
        ? await this.#store.create(document, CLAIM)
        : await this.#store.update(document, this.#revision, CLAIM);
    if (written.kind === 'ok') {
      this.#revision = written.value.revision;
      return { kind: 'written', startedMs };
    }
    return written.error.kind === 'unavailable' ? written.error : { kind: 'raced' };
  }

  /** If it is still what was read or written last. */
  async remove(): Promise<void> {
    if (this.#revision === undefined) return;
    await this.#store.delete({ kind: 'Lease', name: this.#name }, this.#revision, CLAIM);
  }
}
