/** What applying needs of the packet filter's commands, as a port; `commands.ts` runs them. */
import type { AddressFamily } from '../../core/ip-address.js';
import type { Implementation, VariantUsage } from '../../linux/iptables-choice.js';
import type { TableName } from '../rendered.js';

/** `done`; `refused`: by the command or the kernel; `busy`: a lock was not to be had in time, or the command did not end. */
export type WriteOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'busy'; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** Of the input, from 1. */
      readonly line: number | undefined;
    };

/** The host has no such command; the message says how it is had. */
export class MissingCommandError extends Error {}

/** The host has no ipsets: no command, or nothing in the kernel that it could speak to; the message says which. */
export class NoSetsError extends Error {}

export interface FilterKernel {
  /**
   * What `iptables-save` prints of these tables, or of all. Reading makes no table that is not there.
   *
   * @throws with what the command said; MissingCommandError
   */
  saveTables(backend: Implementation, family: AddressFamily, tables?: readonly TableName[]): Promise<string>;
  /** The same of every table, with packets and bytes of each rule (`iptables-save -c`). @throws with what the command said */
  saveCounters(backend: Implementation, family: AddressFamily): Promise<string>;
  /** `iptables-restore --noflush`: all or nothing. @param input pieces are asked for while the command reads what came before */
  restoreTable(
    backend: Implementation,
    family: AddressFamily,
    input: string | Iterable<string>,
  ): Promise<WriteOutcome>;
  /** What `ipset save` prints. @throws NoSetsError; with what the command said where it may be otherwise soon */
  saveSets(): Promise<string>;
  /** `ipset -exist restore`: what stands before a line that is refused is done. */
  restoreSets(input: string): Promise<WriteOutcome>;
  destroySet(name: string): Promise<WriteOutcome>;
  /** What others have in a backend. */
  usage(backend: Implementation, family: AddressFamily): Promise<VariantUsage>;
  /** The one that `iptables` without a suffix is. */
  preferred(): Promise<Implementation | undefined>;
  /** Children that write carry these numbers: what they change is no other's doing. */
  isOwnChild(pid: number): boolean;
}
