/**
 * Which of a plan's chains the kernel refuses, and which of their rules: by trying parts of the plan. It decides what is tried next, and tries
 * nothing itself. Chains that are taken are in force afterwards.
 */
import type { RuleAt } from './restore-text.js';
import type { ChainWrite } from './table-plan.js';

export type Attempt =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string; readonly at: RuleAt | undefined }
  /** It was not looked at: a lock, a time-out. */
  | { readonly kind: 'busy'; readonly reason: string };

export type RefusedAttempt = Extract<Attempt, { kind: 'refused' }>;

/** The search was given up: something else than single chains is wrong. */
export class SearchFailure extends Error {
  readonly attempt: Attempt;

  constructor(attempt: Exclude<Attempt, { kind: 'done' }>) {
    super(attempt.reason);
    this.attempt = attempt;
  }
}

/** A kernel that takes nothing any more would be asked for every chain. */
const MOST_ATTEMPTS = 400;

/**
 * Tries to write ever fewer chains until every one is written or known to be refused.
 *
 * @param failed what came of writing all of them
 * @throws SearchFailure
 */
export async function findRefusedChains(
  writes: readonly ChainWrite[],
  failed: RefusedAttempt,
  attempt: (part: readonly ChainWrite[]) => Promise<Attempt>,
): Promise<ReadonlyMap<string, RefusedAttempt>> {
  const refused = new Map<string, RefusedAttempt>();
  let attempts = 0;
  const tryPart = async (part: readonly ChainWrite[]): Promise<void> => {
    if (part.length === 0) return;
    const outcome = await attempt(part);
    if (outcome.kind === 'busy' || ++attempts > MOST_ATTEMPTS)
      throw new SearchFailure(outcome.kind === 'done' ? failed : outcome);
    if (outcome.kind === 'refused') await narrow(part, outcome);
  };
  const narrow = async (part: readonly ChainWrite[], outcome: RefusedAttempt): Promise<void> => {
    if (part.length === 1) {
      refused.set(part[0]!.name, outcome);
      return;
    }
    const named = part.find(({ name }) => name === outcome.at?.chain);
    if (named !== undefined) {
      await tryPart([named]);
      await tryPart(part.filter(write => write !== named));
    } else {
      await tryPart(part.slice(0, part.length >> 1));
      await tryPart(part.slice(part.length >> 1));
    }
  };
  await narrow(writes, failed);
  return refused;
}

/**
 * The numbers of all rules of a chain that are refused.
 *
 * @param attempt writes these rules of the chain to where no packet comes by
 * @throws SearchFailure
 */
export async function findRefusedRules(
  count: number,
  attempt: (rules: readonly number[]) => Promise<Attempt>,
): Promise<readonly number[]> {
  const refused: number[] = [];
  let attempts = 0;
  const tryPart = async (part: readonly number[]): Promise<void> => {
    if (part.length === 0) return;
    const outcome = await attempt(part);
    if (outcome.kind === 'busy' || ++attempts > MOST_ATTEMPTS)
      throw new SearchFailure(outcome.kind === 'done' ? noEnd : outcome);
    if (outcome.kind === 'done') return;
    if (part.length === 1) {
      refused.push(part[0]!);
      return;
    }
    // It reads from the top: what stands before the rule that it names is right, or would have been named.
    const named = outcome.at === undefined ? undefined : part.indexOf(outcome.at.rule);
    const cut = named === undefined || named < 0 ? part.length >> 1 : named;
    if (named !== undefined && named >= 0) {
      await tryPart([part[cut]!]);
      await tryPart(part.filter((_, i) => i !== cut));
    } else {
      await tryPart(part.slice(0, cut));
      await tryPart(part.slice(cut));
    }
  };
  await tryPart(Array.from({ length: count }, (_, i) => i));
  return refused.toSorted((a, b) => a - b);
}

const noEnd = { kind: 'refused', reason: 'too many rules are refused', at: undefined } as const;
