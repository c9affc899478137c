/** What tells that others may have changed the packet filter, as a port. */
import type { AddressFamily } from '../../core/ip-address.js';
import type { TableName } from '../rendered.js';

export interface ForeignChange {
  /** Undefined: any of that backend, e.g. because notifications were lost. */
  readonly table: WatchedTable | undefined;
  /** The process, where the kernel tells. */
  readonly by: string | undefined;
  /** How long ago it was done at most; 0: just now. */
  readonly atMostAgoMs: number;
}

/** A table that is looked after. */
export interface WatchedTable {
  readonly family: AddressFamily;
  readonly table: TableName;
}

export interface ForeignWatch {
  /**
   * What is of interest from now on. @param rewritten we have just changed them, and read them again soon: what they are now is ours, as far as
   * can be told; otherwise what was seen last is what is known
   */
  watch(tables: readonly WatchedTable[], rewritten: boolean): void;
  close(): void;
}

/** @throws where it cannot be had */
export type OpenForeignWatch = (changed: (changes: readonly ForeignChange[]) => void) => ForeignWatch;
