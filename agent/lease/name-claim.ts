/**
 * Whose a host's name is (pure). A name belongs to the host that holds its lease and renews it. Another host that is given the same name
 * watches until it has seen a renewal, and leaves the name alone, or none for as long as the lease lasts, and takes it over. A host that
 * comes back has its name at once. Two processes with one identity (a machine was copied) are told apart by the number of their claim: the
 * one that came later leaves.
 */
import { isLapsed, type LeaseSight } from './lease-sight.js';

/** Who asks. */
export interface Claimant {
  readonly instance: string;
  readonly process: string;
  readonly boot: string;
  /** By which it would announce itself. */
  readonly addresses: readonly string[];
  /** Of its claim; undefined: this process has not held the name. */
  readonly term: number | undefined;
}

export type NameMove =
  /** The name is free, or ours: the lease is claimed with a new term. */
  | 'claim'
  | 'renew'
  /** Somebody with our identity has claimed it after us: the lease is written with our term again. */
  | 'take-back'
  /** It is not known yet whether its holder lives. */
  | 'wait'
  /** Its holder lives. */
  | 'refuse'
  /** It was taken from this process by hand. */
  | 'leave';

export function nameMove(sight: LeaseSight | undefined, self: Claimant): NameMove {
  if (sight === undefined) return 'claim';
  const { spec } = sight;
  if (spec.process === self.process) return spec.retired === true ? 'leave' : 'renew';
  if (spec.retired === true || isLapsed(sight)) return 'claim';
  const twin = spec.instance === self.instance;
  if (twin && self.term !== undefined) return cameFirst(self, self.term, sight) ? 'take-back' : 'refuse';
  if (twin && isRestart(sight, self)) return 'claim';
  return sight.renewed ? 'refuse' : 'wait';
}

/**
 * It announces the host that the process before it announced. With other addresses it may as well be a copy of a machine that runs, and would
 * take the sessions of that one away; without any it is told by the boot of its kernel.
 */
function isRestart({ spec }: LeaseSight, { boot, addresses }: Claimant): boolean {
  const before = spec.addresses ?? [];
  if (before.length > 0 && addresses.length > 0)
    return before.some(({ address }) => addresses.includes(address));
  return boot !== '' && spec.boot === boot;
}

function cameFirst({ process }: Claimant, term: number, { spec }: LeaseSight): boolean {
  return term === spec.term ? process < spec.process : term < spec.term;
}
