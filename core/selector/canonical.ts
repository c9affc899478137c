/**
 * The one text of a selector: selectors that differ in blanks, quotes, brackets that change nothing, and order and repetitions inside
 * sets have the same, so it may be the key of what they share. Operands keep their order.
 */
import type { Selector } from '../selector.js';

/**
 * Reads as a selector of the same meaning, and as the same one if it was parsed. A text must not hold both kinds of quotes: nobody
 * can write one that does.
 */
export function canonicalSelector(selector: Selector): string {
  return text(normalised(selector));
}

/** As the parser leaves it: no `and` directly inside an `and`, no `or` inside an `or`, no `not` inside a `not`, no chain of one. */
function normalised(selector: Selector): Selector {
  if (selector.kind === 'not') {
    const operand = normalised(selector.operand);
    return operand.kind === 'not' ? operand.operand : { kind: 'not', operand };
  }
  if (selector.kind !== 'and' && selector.kind !== 'or') return selector;
  const { kind } = selector;
  const operands = selector.operands
    .map(normalised)
    .flatMap(operand => (operand.kind === kind ? operand.operands : [operand]));
  if (operands.length === 1) return operands[0] as Selector;
  if (operands.length > 1) return { kind, operands };
  return kind === 'and' ? { kind: 'all' } : { kind: 'not', operand: { kind: 'all' } };
}

function text(selector: Selector): string {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return `${selector.kind}()`;
    case 'has':
      return `has(${selector.label})`;
    case 'equals':
      return `${selector.label} == ${quoted(selector.value)}`;
    case 'not-equals':
      return `${selector.label} != ${quoted(selector.value)}`;
    case 'contains':
      return `${selector.label} contains ${quoted(selector.value)}`;
    case 'starts-with':
      return `${selector.label} starts with ${quoted(selector.value)}`;
    case 'ends-with':
      return `${selector.label} ends with ${quoted(selector.value)}`;
    case 'in':
      return `${selector.label} in ${set(selector.values)}`;
    case 'not-in':
      return `${selector.label} not in ${set(selector.values)}`;
    case 'not':
      return `!${bracketed(selector.operand, ['and', 'or'])}`;
    case 'and':
      return selector.operands.map(operand => bracketed(operand, ['or'])).join(' && ');
    case 'or':
      return selector.operands.map(text).join(' || ');
  }
}

/** What binds looser than the operator around it. */
function bracketed(operand: Selector, looser: readonly Selector['kind'][]): string {
  return looser.includes(operand.kind) ? `(${text(operand)})` : text(operand);
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

function set(values: readonly string[]): string {
  return `{${[...new Set(values)].sort().map(quoted).join(', ')}}`;
}
