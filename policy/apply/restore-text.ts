/** The input of `iptables-restore --noflush` that carries out a plan, and which rule a line of it is (pure). */
import type { ChainWrite, TablePlan } from './table-plan.js';

/** Where `iptables-restore` stopped. */
export interface RuleAt {
  readonly chain: string;
  /** From 0. */
  readonly rule: number;
}

export function restoreText({ table, writes, hooks, removals, emptied }: TablePlan): string {
  const lines = [`*${table}`];
  // Naming a chain makes it, or empties it: what is to go no longer refers to anything then.
  for (const { name } of writes) lines.push(`:${name} - [0:0]`);
  for (const name of emptied) lines.push(`:${name} - [0:0]`);
  for (const name of removals) lines.push(`:${name} - [0:0]`);
  for (const { name, rules } of writes) for (const line of rules.lines) lines.push(`-A ${name} ${line}`);
  for (const { chain, deleted, first, last } of hooks) {
    // By what they say, never by their number: that may be another's rule by now.
    for (const { text } of deleted) lines.push(`-D ${chain} ${text}`);
    for (const line of first.lines.toReversed()) lines.push(`-I ${chain} ${line}`);
    for (const line of last.lines) lines.push(`-A ${chain} ${line}`);
  }
  for (const name of removals) lines.push(`-X ${name}`);
  lines.push('COMMIT', '');
  return lines.join('\n');
}

/** @param line from 1, as the command counts; undefined: it is no rule of a chain of ours */
export function ruleAtLine({ writes, removals, emptied }: TablePlan, line: number): RuleAt | undefined {
  let rule = line - 2 - writes.length - emptied.length - removals.length;
  if (rule < 0) return undefined;
  for (const { name, rules } of writes) {
    if (rule < rules.lines.length) return { chain: name, rule };
    rule -= rules.lines.length;
  }
  return undefined;
}

/** The part of a plan that writes these chains, and does nothing else. */
export function onlyWrites(plan: TablePlan, writes: readonly ChainWrite[]): TablePlan {
  return { ...plan, writes, hooks: [], removals: [], emptied: [] };
}
