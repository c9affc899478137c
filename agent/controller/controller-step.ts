/**
 * Who is the controller (pure). The holder acts for as long as its last confirmed renewal lasts, less a margin; others claim the lease when
 * they themselves have seen no renewal for as long, and only in place of the very document that they have watched. So the one has ended
 * before another can begin, whatever the store, the network and the clocks of day do.
 */
import { durationMs, isLapsed, type LeaseSight, type LeaseSpec } from '../lease/lease-sight.js';

/** Clocks run at slightly different speeds, and what was sent at the last moment takes its time. */
const MARGIN = 1 / 6;

export type ControllerState =
  /** Somebody else has it, or nobody. */
  | { readonly kind: 'following'; readonly sight: LeaseSight | undefined }
  /** `confirmedMs`: when the last write that was acknowledged began. `doubtful`: one after it may have been made or not. */
  | {
      readonly kind: 'holding';
      readonly spec: LeaseSpec;
      readonly confirmedMs: number;
      readonly doubtful: boolean;
    };

export const nobody: ControllerState = { kind: 'following', sight: undefined };

/** Whether it may act as the controller now. */
export function mayAct(state: ControllerState, nowMs: number): boolean {
  return state.kind === 'holding' && nowMs < endsMs(state);
}

/** When it stops, unless it is renewed. */
export function endsMs(state: ControllerState & { readonly kind: 'holding' }): number {
  return state.confirmedMs + durationMs(state.spec) * (1 - MARGIN);
}

export type ControllerMove = 'claim' | 'renew' | 'follow';

/**
 * What is to be done about what was read. @param process one's own @param patienceMs beyond the lease's duration: each candidate has another
 */
export function controllerMove(
  sight: LeaseSight | undefined,
  process: string,
  patienceMs: number,
): ControllerMove {
  if (sight === undefined) return 'claim';
  if (sight.spec.process === process) return 'renew';
  return isLapsed(sight) && sight.silentMs > durationMs(sight.spec) + patienceMs ? 'claim' : 'follow';
}

/** When to look or renew next, from now. @param random from 0 to 1 */
export function nextTurnMs(
  state: ControllerState,
  patienceMs: number,
  durationSeconds: number,
  random: number,
): number {
  const usual = (durationSeconds * 1000) / 3;
  if (state.kind === 'holding') return (state.doubtful ? usual / 3 : usual) * (0.8 + 0.2 * random);
  if (state.sight === undefined) return usual * random;
  const left = durationMs(state.sight.spec) + patienceMs - state.sight.silentMs;
  return Math.max(usual / 10, Math.min(usual * (0.8 + 0.4 * random), left));
}
