/**
 * Chains that are rendered anew and say what they said before are taken for what they were (pure): comparing texts is quicker than hashing them.
 */
import type { RenderedChain, RenderedRule } from '../rendered.js';
import type { WantedTable } from './table-plan.js';

export function withKnownRules(wanted: WantedTable, before: WantedTable | undefined): WantedTable {
  if (before === undefined || before === wanted) return wanted;
  const replaced = new Map<string, RenderedChain>();
  for (const [name, chain] of wanted.chains) {
    const known = before.chains.get(name)?.rules;
    // Endpoints and origins may be others.
    if (known !== undefined && known !== chain.rules && sameRules(chain.rules, known))
      replaced.set(name, { ...chain, rules: known });
  }
  if (replaced.size === 0) return wanted;
  const chains = new Map(wanted.chains);
  for (const [name, chain] of replaced) chains.set(name, chain);
  return { ...wanted, chains };
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
