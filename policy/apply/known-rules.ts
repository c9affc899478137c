/**
 * Chains that are rendered anew and say what they said before are taken for what they were (pure): comparing texts is quicker than hashing them.
 */
import type { RenderedChain, RenderedRule } from '../rendered.js';
import type { WantedTable } from './table-plan.js';

export interface KnownTable {
  readonly wanted: WantedTable;
  /** Chains that say something else than before, or were not there; undefined: nobody knows. */
  readonly changed: ReadonlySet<string> | undefined;
}

export function withKnownRules(wanted: WantedTable, before: WantedTable | undefined): KnownTable {
  if (before === undefined) return { wanted, changed: undefined };
  const changed = new Set<string>();
  const replaced = new Map<string, RenderedChain>();
  for (const [name, chain] of wanted.chains) {
    const known = before.chains.get(name)?.rules;
    if (known === chain.rules) continue;
    // Endpoints and origins may be others.
    if (known !== undefined && sameRules(chain.rules, known)) replaced.set(name, { ...chain, rules: known });
    else changed.add(name);
  }
  if (replaced.size === 0) return { wanted, changed };
  const chains = new Map(wanted.chains);
  for (const [name, chain] of replaced) chains.set(name, chain);
  return { wanted: { ...wanted, chains }, changed };
}

function sameRules(rules: readonly RenderedRule[], known: readonly RenderedRule[]): boolean {
  if (rules.length !== known.length) return false;
  return rules.every(({ text, comments }, i) => {
    const other = known[i]!;
    return (
      text === other.text &&
      comments.length === other.comments.length &&
      comments.every((comment, n) => comment === other.comments[n])
    );
  });
}
