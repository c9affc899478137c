/**
 * What one sees of somebody else's lease (pure). No clock but one's own is trusted: a holder lives if its renewals go on, and is silent for
 * as long as they have been seen not to. Time for which the store could not be read is no silence.
 */
import type { LeaseResource } from '../../core/resources/cluster-documents.js';

export type LeaseSpec = LeaseResource['spec'];

export interface LeaseSight {
  readonly spec: LeaseSpec;
  /** For how long it has been seen as it is. */
  readonly silentMs: number;
  /** When the last look began; undefined: the store could not be read since. */
  readonly lookedMs: number | undefined;
  /** It has been seen to be renewed: its holder lives, or did. */
  readonly renewed: boolean;
}

/** From when it was asked for to when the answer came: what was read stood there at some moment between. */
export interface Look {
  readonly startedMs: number;
  readonly endedMs: number;
  /** What lies between two looks counts for no more than this: who slept has seen nothing. */
  readonly longestGapMs: number;
}

export function seeLease(before: LeaseSight | undefined, spec: LeaseSpec, look: Look): LeaseSight {
  if (before === undefined || !isSameSign(before.spec, spec)) {
    const renewed = before !== undefined && before.spec.process === spec.process;
    return { spec, silentMs: 0, lookedMs: look.endedMs, renewed };
  }
  const { lookedMs = look.startedMs } = before;
  const gapMs = Math.min(Math.max(0, look.startedMs - lookedMs), look.longestGapMs);
  return { ...before, spec, silentMs: before.silentMs + gapMs, lookedMs: look.endedMs };
}

/** The store could not be read: nothing is known from the last look to the next. */
export function missLease(before: LeaseSight | undefined): LeaseSight | undefined {
  return before === undefined ? undefined : { ...before, lookedMs: undefined };
}

export function durationMs({ durationSeconds }: LeaseSpec): number {
  return durationSeconds * 1000;
}

export function isLapsed({ spec, silentMs }: LeaseSight): boolean {
  return silentMs > durationMs(spec);
}

/** Any difference is one: a store that was set back to an earlier state tells of it by an older count. */
function isSameSign(a: LeaseSpec, b: LeaseSpec): boolean {
  return a.process === b.process && a.renewals === b.renewals && a.term === b.term;
}
