/**
 * Calico's label selectors: `role == "db" && has(zone)`, as BGPPeer, IPPool and policies use them.
 *
 * Grammar, loosest first: `a || b`, `a && b`, `!a`, `(a)`, and the terms below. A label that is absent satisfies `!=` and
 * `not in`, and nothing else. The empty selector matches everything, like `all()`. What is parsed is in order: sets are sorted and
 * without repetitions, no `and` is directly inside an `and`, no `or` inside an `or`, no `not` inside a `not`.
 */
import { operators, type SelectorProblem, type Token, tokenize } from './selector/tokens.js';

export type { SelectorProblem } from './selector/tokens.js';

export type Labels = Readonly<Record<string, string>>;

export type Selector =
  | { readonly kind: 'all' }
  /** What is in no namespace. */
  | { readonly kind: 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | { readonly kind: 'equals' | 'not-equals'; readonly label: string; readonly value: string }
  | {
      readonly kind: 'contains' | 'starts-with' | 'ends-with';
      readonly label: string;
      readonly value: string;
    }
  | { readonly kind: 'in' | 'not-in'; readonly label: string; readonly values: readonly string[] }
  | { readonly kind: 'not'; readonly operand: Selector }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Selector[] };

export function isSelector(value: Selector | SelectorProblem): value is Selector {
  return value.kind !== 'malformed';
}

/** Parses the whole text; never throws. Nesting deeper than 100 is refused as malformed. */
export function parseSelector(text: string): Selector | SelectorProblem {
  const tokens = tokenize(text);
  if ('kind' in tokens) return tokens;
  if (tokens.length === 0) return { kind: 'all' };
  try {
    const parser = new Parser(tokens, text.length);
    const selector = parser.or(0);
    parser.end();
    return selector;
  } catch (error) {
    if (error instanceof Malformed) return error.problem;
    throw error;
  }
}

/** The namespace that something is in, as selectors see it. */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';

/** True if `global()` is part of it. */
export function mentionsGlobal(selector: Selector): boolean {
  switch (selector.kind) {
    case 'global':
      return true;
    case 'not':
      return mentionsGlobal(selector.operand);
    case 'and':
    case 'or':
      return selector.operands.some(mentionsGlobal);
    default:
      return false;
  }
}

/** True if the labels satisfy the selector. */
export function matchesSelector(selector: Selector, labels: Labels): boolean {
  switch (selector.kind) {
    case 'all':
      return true;
    case 'global':
      return !Object.hasOwn(labels, NAMESPACE_LABEL);
    case 'has':
      return Object.hasOwn(labels, selector.label);
    case 'equals':
      return labelOf(labels, selector.label) === selector.value;
    case 'not-equals':
      return labelOf(labels, selector.label) !== selector.value;
    case 'contains':
      return labelOf(labels, selector.label)?.includes(selector.value) ?? false;
    case 'starts-with':
      return labelOf(labels, selector.label)?.startsWith(selector.value) ?? false;
    case 'ends-with':
      return labelOf(labels, selector.label)?.endsWith(selector.value) ?? false;
    case 'in':
      return selector.values.includes(labelOf(labels, selector.label) as string);
    case 'not-in':
      return !selector.values.includes(labelOf(labels, selector.label) as string);
    case 'not':
      return !matchesSelector(selector.operand, labels);
    case 'and':
      return selector.operands.every(operand => matchesSelector(operand, labels));
    case 'or':
      return selector.operands.some(operand => matchesSelector(operand, labels));
  }
}

function labelOf(labels: Labels, label: string): string | undefined {
  return Object.hasOwn(labels, label) ? labels[label] : undefined;
}

// ---------------------------------------------------------------- tokens to tree

class Malformed extends Error {
  readonly problem: SelectorProblem;

  constructor(at: number, expected: string) {
    super(expected);
    this.problem = { kind: 'malformed', at, expected };
  }
}

const MAX_DEPTH = 100;

type Operator = 'in' | 'not in' | 'contains' | 'starts with' | 'ends with';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  or(depth: number): Selector {
    return this.#chain('||', 'or', () => this.#and(depth));
  }

  end(): void {
    if (this.#next < this.#tokens.length) throw this.#malformed('"&&", "||" or the end');
  }

  #and(depth: number): Selector {
    return this.#chain('&&', 'and', () => this.#unary(depth));
  }

  #chain(symbol: string, kind: 'and' | 'or', operand: () => Selector): Selector {
    const operands: Selector[] = [];
    do {
      const next = operand();
      operands.push(...(next.kind === kind ? next.operands : [next]));
    } while (this.#take('symbol', symbol));
    return operands.length === 1 ? (operands[0] as Selector) : { kind, operands };
  }

  #unary(depth: number): Selector {
    if (depth > MAX_DEPTH) throw this.#malformed(`at most ${MAX_DEPTH} levels of nesting`);
    if (this.#take('symbol', '!')) {
      const operand = this.#unary(depth + 1);
      return operand.kind === 'not' ? operand.operand : { kind: 'not', operand };
    }
    if (this.#take('symbol', '(')) {
      const inner = this.or(depth + 1);
      this.#require('symbol', ')', '")"');
      return inner;
    }
    return this.#term();
  }

  #term(): Selector {
    for (const kind of ['all', 'global'] as const) if (this.#take(kind)) return { kind };
    const has = this.#take('has');
    if (has !== undefined) return { kind: 'has', label: has.value };
    const label = this.#require('label', undefined, 'a label, "has(LABEL)", "all()", "!" or "("').value;
    if (this.#take('symbol', '==')) return { kind: 'equals', label, value: this.#text() };
    if (this.#take('symbol', '!=')) return { kind: 'not-equals', label, value: this.#text() };
    const operator = this.#require('operator', undefined, operators).value as Operator;
    switch (operator) {
      case 'in':
        return { kind: 'in', label, values: this.#set() };
      case 'not in':
        return { kind: 'not-in', label, values: this.#set() };
      case 'contains':
        return { kind: 'contains', label, value: this.#text() };
      case 'starts with':
        return { kind: 'starts-with', label, value: this.#text() };
      case 'ends with':
        return { kind: 'ends-with', label, value: this.#text() };
    }
  }

  #text(): string {
    return this.#require('text', undefined, 'a quoted text').value;
  }

  /** A comma may stand behind the last one. */
  #set(): readonly string[] {
    this.#require('symbol', '{', '"{"');
    const values = new Set<string>();
    for (;;) {
      const value = this.#take('text');
      if (value === undefined) break;
      values.add(value.value);
      if (this.#take('symbol', ',')) continue;
      this.#require('symbol', '}', '"," or "}"');
      return [...values].sort();
    }
    this.#require('symbol', '}', 'a quoted text or "}"');
    return [...values].sort();
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(kind: Token['kind'], value?: string): Token | undefined {
    const token = this.#peek();
    if (token === undefined || token.kind !== kind || (value !== undefined && token.value !== value))
      return undefined;
    this.#next++;
    return token;
  }

  #require(kind: Token['kind'], value: string | undefined, expected: string): Token {
    const token = this.#take(kind, value);
    if (token === undefined) throw this.#malformed(expected);
    return token;
  }

  #malformed(expected: string): Malformed {
    return new Malformed(this.#peek()?.at ?? this.#length, expected);
  }
}
