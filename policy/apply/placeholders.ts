/** Plans for looking for what the kernel refuses (pure). */
import { CHAIN_PREFIX } from '../rendered.js';
import { onlyWrites } from './restore-text.js';
import { hashRules } from './rule-hash.js';
import type { TablePlan, WantedTable } from './table-plan.js';

/** Of trying single rules. */
const SCRATCH_CHAIN = `${CHAIN_PREFIX}try`;

/** Chains that are not there yet, so that others can refer to them: closed to the endpoints that they are for. */
export function placeholders(plan: TablePlan, wanted: WantedTable): TablePlan {
  const writes = plan.writes
    .filter(({ isNew }) => isNew)
    .map(({ name }) => {
      const closed = (wanted.chains.get(name)?.endpoints.length ?? 0) > 0;
      const rules = closed ? [{ text: '-j DROP', comments: ['Is about to be written'] }] : [];
      return { name, rules: hashRules(name, rules), isNew: true };
    });
  return onlyWrites(plan, writes);
}

/** @param lines of the chain, as they are sent */
export function scratchPlan(plan: TablePlan, lines: readonly string[]): TablePlan {
  const refersTo = { chains: new Set<string>(), sets: new Set<string>() };
  const rules = { lines, signature: '', refersTo, broken: [] };
  return onlyWrites(plan, [{ name: SCRATCH_CHAIN, rules, isNew: false }]);
}
