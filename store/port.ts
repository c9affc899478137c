/**
 * The store's port: where the desired state of the cluster lives. Two adapters (file, Redis) obey one contract suite.
 *
 * Every write is compare-and-swap on a revision. A watch begins with a snapshot, says when it is complete, then tells changes
 * in order; one that lost its place starts over with a new snapshot, so a consumer keeps nothing but current state.
 *
 * Records (`isRecord`: what agents keep for each other) are read and written like everything else, and no watch tells of them: they
 * change too often for everybody to hear of it.
 */
import type { Resource, ResourceId } from '../core/resources/resource.js';

/** Opaque; equal means unchanged. */
export type Revision = string;

export interface StoredResource {
  readonly resource: Resource;
  readonly revision: Revision;
  /** What stands there can be used by nobody: this is what stood there before, and by its revision it can be put back. */
  readonly lastGood?: true;
}

export type StoreError =
  | { readonly kind: 'already-exists'; readonly id: ResourceId }
  | { readonly kind: 'not-found'; readonly id: ResourceId }
  /** Someone else changed it since `expected`. */
  | {
      readonly kind: 'conflict';
      readonly id: ResourceId;
      readonly expected: Revision;
      readonly found: Revision;
    }
  /**
   * The store cannot be read or written now: full disk, read-only, connection lost. Retry may help; a write may have been made
   * nevertheless, so it is to be read first what is there. `reminder`: the claimant is to {@link Store.remind} it first.
   */
  | {
      readonly kind: 'unavailable';
      readonly operation: string;
      readonly detail: string;
      readonly reminder?: true;
    };

export type StoreResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'error'; readonly error: StoreError };

/** A document the store holds but nobody can use: it is reported, and the last good version stays in force. */
export interface InvalidDocument {
  /** File and document number, or Redis key. */
  readonly location: string;
  /** What could be made out of it. */
  readonly id: ResourceId | undefined;
  readonly problems: readonly { readonly path: string; readonly value: string; readonly allowed: string }[];
  /** Of a policy alone, as it was written: whom it was meant for is not to be left open because of a slip in it. */
  readonly written?: unknown;
}

export type WatchEvent =
  /**
   * Forget what you know that the following snapshot does not repeat. `forked`: the store went on from an earlier state than one that was
   * told, and what was written since then, by anybody, may be lost.
   */
  | { readonly kind: 'snapshot-begin'; readonly forked?: true }
  | { readonly kind: 'changed'; readonly stored: StoredResource }
  | { readonly kind: 'deleted'; readonly id: ResourceId }
  /** The whole list of invalid documents, each time it changes. */
  | { readonly kind: 'invalid'; readonly documents: readonly InvalidDocument[] }
  /** Everything that was there when the watch began has been told. */
  | { readonly kind: 'in-sync' }
  /** The same of a copy from before this process: the store itself has not been read yet, and says with a new snapshot what is so. */
  | { readonly kind: 'copy-told' }
  /**
   * The store is away; what was told stays true until it says otherwise. When it is back, what changed meanwhile is told, then `in-sync`;
   * or a new snapshot, where the place was lost.
   */
  | { readonly kind: 'unavailable'; readonly detail: string };

export interface WriteOptions {
  /**
   * For claims: where the store has copies, the write is on as many of them as outlive the loss of one, or it is 'unavailable'. Without it
   * a write that was acknowledged may be forgotten by a store whose copies lag.
   */
  readonly replicated?: boolean;
  /** Of a record that claims something new: who claims it. What that asks of him: {@link Store.remind}. */
  readonly claimant?: string;
}

export interface Store {
  /** Without a kind: everything but records. */
  list(kind?: Resource['kind']): Promise<StoreResult<readonly StoredResource[]>>;
  /** @param options `replicated`: what is told is on the copies, too, however its writer wrote it */
  get(id: ResourceId, options?: WriteOptions): Promise<StoreResult<StoredResource>>;
  create(resource: Resource, options?: WriteOptions): Promise<StoreResult<StoredResource>>;
  update(
    resource: Resource,
    expected: Revision,
    options?: WriteOptions,
  ): Promise<StoreResult<StoredResource>>;
  delete(id: ResourceId, expected?: Revision, options?: WriteOptions): Promise<StoreResult<undefined>>;
  /**
   * Does `work`, which writes back what a claimant holds, and takes new claims of his from then on. A store that may have forgotten what it
   * acknowledged (another primary, or one that was restarted) takes none, of anybody, until all who had reminded it before have done so
   * again, or for 30 s: so nothing is given out twice that was merely forgotten.
   *
   * @throws what the work throws
   */
  remind(claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>>;
  /** Batches of events, coalesced while the consumer is busy; ends when `signal` aborts. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]>;
  close(): Promise<void>;
}
