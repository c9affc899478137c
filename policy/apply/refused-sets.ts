/** What becomes of chains whose sets the kernel does not take (pure). */
import type { Refusal } from './refusals.js';
import { hashRules, ReferenceList } from './rule-hash.js';
import type { WantedTable } from './table-plan.js';

/** By name of the set; `missing`: there is none; else it holds something else than it should. */
export type BadSets = ReadonlyMap<string, { readonly reason: string; readonly missing: boolean }>;

/** What everybody goes through can live with a set that is not up to date, but not without it; endpoints with neither. */
export function refusalsBySets(wanted: WantedTable, bad: BadSets): ReadonlyMap<string, Refusal> {
  const refusals = new Map<string, Refusal>();
  if (bad.size === 0) return refusals;
  for (const { name, rules, endpoints } of wanted.chains.values()) {
    const { signature, refersTo } = hashRules(name, rules);
    const concerned = [...bad].filter(([set, { missing }]) => {
      return refersTo.sets.has(set) && (missing || endpoints.length > 0);
    });
    const [first] = concerned;
    if (first === undefined) continue;
    const names = new Set(concerned.map(([set]) => set));
    const numbers = rules.flatMap(({ text }, i) => {
      const list = new ReferenceList();
      list.add(text);
      return [...list.sets].some(set => names.has(set)) ? [i] : [];
    });
    const reason = `set ${first[0]}: ${first[1].reason}`;
    refusals.set(name, { chain: name, signature, rules: numbers, reason });
  }
  return refusals;
}
