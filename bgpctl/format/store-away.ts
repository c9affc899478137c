/** What is said of a store that is away, wherever something is shown that it would know better. */
import type { StoreAway } from '../../agent/control/types.js';
import type { Context } from '../command.js';
import { formatSpan, printable } from './text.js';

/** @param instead what is shown, or known, instead: a sentence */
export function storeAwayWords({ sinceUnixMs, detail }: StoreAway, instead: string, now: number): string {
  return `The store has been away for ${formatSpan(now - sinceUnixMs)}: ${printable(detail)}. ${instead}`;
}

/** Beside the output, which a program may read. */
export function tellStoreAway(away: StoreAway | undefined, { err, now }: Pick<Context, 'err' | 'now'>): void {
  if (away !== undefined) err(storeAwayWords(away, 'This is what is in force on this host.', now()));
}
