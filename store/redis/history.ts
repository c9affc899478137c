/**
 * Where a client stands in a store's history, and what it makes of the store it comes back to (pure).
 *
 * Every write adds one to the revision and an entry to the log; each entry carries the hash of the one before and of itself. Two histories
 * that went apart have different hashes at the same revision, however they got there: a replica that lacked the last writes and became the
 * primary, a restored backup, another cluster under the same address.
 */
import { createHash } from 'node:crypto';

export interface Position {
  /** 0: before the first write. */
  readonly revision: number;
  /** {@link chained}; "" before the first write. */
  readonly chain: string;
  /** Of the cluster, made with its first write; "" before it. */
  readonly cluster: string;
}

export const ORIGIN: Position = { revision: 0, chain: '', cluster: '' };

/** The store as it is found. */
export interface SeenHistory {
  readonly head: Position;
  /** The hash in the log at the revision that the client knows; undefined: the log does not go back to it, or not that far. */
  readonly chainAtKnown: string | undefined;
}

export type Resumption =
  /** Everything from the known revision on stands in the log. */
  | { readonly kind: 'continue' }
  /** All of it is to be read. `forked`: it went on from before the known revision. */
  | { readonly kind: 'snapshot'; readonly forked: boolean }
  /** It is empty and was not: nobody has deleted thousands of documents one by one. */
  | { readonly kind: 'emptied' }
  | { readonly kind: 'other-cluster'; readonly cluster: string };

/** @param known undefined: nothing has been read yet @param cluster the one that is known from before; "": none is */
export function resume(known: Position | undefined, cluster: string, seen: SeenHistory): Resumption {
  const { head, chainAtKnown } = seen;
  const expected = known === undefined || known.cluster === '' ? cluster : known.cluster;
  if (head.cluster === '' && expected !== '') return { kind: 'emptied' };
  if (expected !== '' && head.cluster !== expected) return { kind: 'other-cluster', cluster: head.cluster };
  if (known === undefined) return { kind: 'snapshot', forked: false };
  if (known.revision === 0)
    return head.revision === 0 ? { kind: 'continue' } : { kind: 'snapshot', forked: false };
  if (head.revision < known.revision) return { kind: 'snapshot', forked: true };
  const chain = head.revision === known.revision ? head.chain : chainAtKnown;
  if (chain === undefined) return { kind: 'snapshot', forked: false };
  return chain === known.chain ? { kind: 'continue' } : { kind: 'snapshot', forked: true };
}

/** What of an entry of the log is in its hash. */
export interface ChainedEntry {
  readonly id: string;
  /** With the write's own mark: to write the same again after it was forgotten is another history. */
  readonly revision: string;
  /** As it is stored; "" of a deletion. */
  readonly document: string;
}

/** The hash of an entry. */
export function chained(before: string, { id, revision, document }: ChainedEntry): string {
  return createHash('sha1').update(`${before}\n${id}\n${revision}\n${document}`).digest('hex');
}
