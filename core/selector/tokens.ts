/**
 * A selector's text as tokens, read as Calico reads it: blanks are spaces and tabs alone; what follows a label is an operator, so that
 * labels may be called like one; `has(`, `all(` and `global(` are one word with their bracket.
 */

export interface Token {
  readonly kind: 'label' | 'text' | 'symbol' | 'operator' | 'has' | 'all' | 'global';
  /** Of an operator its words with one space between them, of `has` its label. */
  readonly value: string;
  readonly at: number;
}

/** Where a text stopped being a selector: `at` counts characters from 0. */
export interface SelectorProblem {
  readonly kind: 'malformed';
  readonly at: number;
  readonly expected: string;
}

export const operators = '"==", "!=", "in", "not in", "contains", "starts with" or "ends with"';
const MAX_LABEL_LENGTH = 512;

export function tokenize(text: string): readonly Token[] | SelectorProblem {
  const reader = new Reader(text);
  const tokens: Token[] = [];
  for (reader.skipBlanks(); !reader.atEnd; reader.skipBlanks()) {
    const token = reader.read(tokens.at(-1)?.kind === 'label');
    if (token.kind === 'malformed') return token;
    tokens.push(token);
  }
  return tokens;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  skipBlanks(): void {
    this.#take(/[ \t]*/y);
  }

  read(afterLabel: boolean): Token | SelectorProblem {
    const at = this.#at;
    const symbol = this.#take(/&&|\|\||==|!=|[!(){},]/y);
    if (symbol !== undefined) return { kind: 'symbol', value: symbol, at };
    const quoted = this.#take(/"[^"]*"|'[^']*'/y);
    if (quoted !== undefined) return { kind: 'text', value: quoted.slice(1, -1), at };
    return afterLabel ? this.#operator(at) : this.#call(at);
  }

  #operator(at: number): Token | SelectorProblem {
    const first = this.#take(/contains|in|not|starts|ends/y);
    if (first === undefined) return this.#problem(operators);
    const second = ({ not: 'in', starts: 'with', ends: 'with' } as const)[first];
    if (second === undefined) return { kind: 'operator', value: first, at };
    this.skipBlanks();
    if (this.#take(new RegExp(second, 'y')) === undefined) return this.#problem(`"${second}"`);
    return { kind: 'operator', value: `${first} ${second}`, at };
  }

  #call(at: number): Token | SelectorProblem {
    const name = this.#take(/(?:has|all|global)\(/y)?.slice(0, -1) as 'has' | 'all' | 'global' | undefined;
    if (name === undefined) return this.#label(at, 'label', 'a label, an operator or a quoted text');
    this.skipBlanks();
    const token =
      name === 'has' ? this.#label(at, 'has', 'a label') : ({ kind: name, value: '', at } as const);
    if (token.kind === 'malformed') return token;
    this.skipBlanks();
    return this.#take(/\)/y) === undefined ? this.#problem('")"') : token;
  }

  #label(at: number, kind: 'label' | 'has', expected: string): Token | SelectorProblem {
    const label = this.#take(/[A-Za-z0-9_./-]+/y);
    if (label === undefined) return this.#problem(expected);
    if (label.length <= MAX_LABEL_LENGTH) return { kind, value: label, at };
    return { kind: 'malformed', at, expected: `a label of at most ${MAX_LABEL_LENGTH} characters` };
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #problem(expected: string): SelectorProblem {
    return { kind: 'malformed', at: this.#at, expected };
  }
}
