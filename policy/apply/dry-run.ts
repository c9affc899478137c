/** A plan for people (pure): what `--dry-run` prints. */
import type { FilterPlan } from './filter-driver.js';
import { restoreText } from './restore-text.js';
import type { TablePlan } from './table-plan.js';

/** Lines of a set's change, or of a table's, that are shown. */
const MOST_LINES = 200;

/** @returns undefined: nothing would be done */
export function describePlan({ sets, tables }: FilterPlan): string | undefined {
  const lines: string[] = [];
  for (const { name, way, added, deleted, lines: input } of sets.changes) {
    lines.push(`set ${name}: ${words[way]}, ${added} members added, ${deleted} removed`, ...shown(input));
  }
  for (const name of sets.mistyped) lines.push(`set ${name}: made anew, for its type differs`);
  for (const plan of tables) {
    const input = restoreText(plan).trimEnd().split('\n');
    lines.push(`${plan.family} ${plan.table}: ${tableWords(plan)}`, ...shown(input));
  }
  for (const name of sets.obsolete) lines.push(`set ${name}: removed once no rule refers to it`);
  return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
}

const words = { create: 'new', members: 'changed', swap: 'replaced at one stroke' } as const;

function tableWords({ writes, hooks, removals, emptied }: TablePlan): string {
  const fresh = writes.filter(({ isNew }) => isNew).length;
  const parts = [
    ...(fresh > 0 ? [`${fresh} new chains`] : []),
    ...(writes.length > fresh ? [`${writes.length - fresh} chains rewritten`] : []),
    ...(hooks.length > 0 ? [`rules in ${hooks.map(({ chain }) => chain).join(', ')}`] : []),
    ...(removals.length > 0 ? [`${removals.length} chains removed`] : []),
    ...(emptied.length > 0 ? [`${emptied.length} chains emptied, which rules of others refer to`] : []),
  ];
  return parts.join(', ');
}

function shown(input: readonly string[]): readonly string[] {
  const lines = input.slice(0, MOST_LINES).map(line => `    ${line}`);
  return input.length > MOST_LINES ? [...lines, `    … ${input.length - MOST_LINES} lines more`] : lines;
}
