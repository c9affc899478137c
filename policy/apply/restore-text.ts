/** The input of `iptables-restore --noflush` that carries out a plan, and which rule a line of it is (pure). */
import type { ChainWrite, TablePlan } from './table-plan.js';

/** Where `iptables-restore` stopped. */
export interface RuleAt {
  readonly chain: string;
  /** From 0. */
  readonly rule: number;
}

export function restoreText(plan: TablePlan): string {
  return [...restorePieces(plan)].join('');
}

/** About so many characters at a time. */
const PIECE = 1 << 16;

/** The same piece by piece: the command reads the first while the rules of the next are hashed. */
export function* restorePieces(plan: TablePlan): Generator<string> {
  let lines: string[] = [];
  let length = 0;
  for (const line of restoreLines(plan)) {
    lines.push(line, '\n');
    length += line.length;
    if (length < PIECE) continue;
    yield lines.join('');
    lines = [];
    length = 0;
  }
  if (lines.length > 0) yield lines.join('');
}

function* restoreLines({ table, writes, hooks, removals, emptied }: TablePlan): Generator<string> {
  yield `*${table}`;
  // Naming a chain makes it, or empties it: what is to go no longer refers to anything then.
  for (const { name } of writes) yield `:${name} - [0:0]`;
  for (const name of emptied) yield `:${name} - [0:0]`;
  for (const name of removals) yield `:${name} - [0:0]`;
  for (const { name, rules } of writes) for (const line of rules.lines) yield `-A ${name} ${line}`;
  for (const { chain, deleted, first, last } of hooks) {
    // By what they say, never by their number: that may be another's rule by now.
    for (const { text } of deleted) yield `-D ${chain} ${text}`;
    for (const line of first.lines.toReversed()) yield `-I ${chain} ${line}`;
    for (const line of last.lines) yield `-A ${chain} ${line}`;
  }
  for (const name of removals) yield `-X ${name}`;
  yield 'COMMIT';
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
