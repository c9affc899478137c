/**
 * Another program that insists on being first in a built-in chain, as we do (pure): we give way for a while, and say so, rather than that two
 * of us rewrite it for ever.
 */
import type { TablePlan } from './table-plan.js';

const WINDOW_MS = 60_000;
/** So often in the window our rules are put back. */
const MOST_MOVES = 3;

export class Displacement {
  readonly #moves = new Map<string, readonly number[]>();

  /** Others have changed a table. Only what moved our rules, and left them whole, counts. */
  seen({ family, table, hooks }: TablePlan, nowMs: number): void {
    for (const { chain, deleted, first, last } of hooks) {
      if (deleted.length !== first.lines.length + last.lines.length) continue;
      const key = `${family} ${table} ${chain}`;
      this.#moves.set(key, [...this.#recent(key, nowMs), nowMs]);
    }
  }

  /** Built-in chains of a table in which our rules are left where they are, for now. */
  givenWay(family: string, table: string, nowMs: number): ReadonlySet<string> {
    const start = `${family} ${table} `;
    const chains = new Set<string>();
    for (const key of this.#moves.keys())
      if (key.startsWith(start) && this.#recent(key, nowMs).length > MOST_MOVES)
        chains.add(key.slice(start.length));
    return chains;
  }

  #recent(key: string, nowMs: number): readonly number[] {
    return (this.#moves.get(key) ?? []).filter(atMs => nowMs - atMs < WINDOW_MS);
  }
}
