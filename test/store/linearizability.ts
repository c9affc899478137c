/**
 * Whether what clients of a register with compare-and-swap were answered can have happened one operation after the other, each between its
 * call and its answer (Herlihy and Wing 1990; the search is Wing and Gong's with a memory of what was tried, after Lowe 2017).
 */

/** What the register holds is the mark of the write that put it there; undefined: nothing. */
export type Held = string | undefined;

export interface Operation {
  readonly kind: 'read' | 'create' | 'update' | 'delete';
  /** What an update or a deletion wants to be there. */
  readonly expected?: string;
  /** What a create or an update puts there. */
  readonly mark?: string;
  readonly answer:
    | { readonly kind: 'ok' }
    /** Of a read. */
    | { readonly kind: 'held'; readonly held: Held }
    | { readonly kind: 'already-exists' | 'not-found' | 'conflict' }
    /** It happened at any time after its call, or never. */
    | { readonly kind: 'unknown' };
  readonly calledAt: number;
  /** Infinite where it is unknown. */
  readonly answeredAt: number;
}

/** What is there after it; `false`: it cannot have been answered so. */
function step(held: Held, { kind, expected, mark, answer }: Operation): { readonly held: Held } | false {
  const is = (condition: boolean, after: Held) => (condition ? { held: after } : false);
  switch (answer.kind) {
    case 'held':
      return is(answer.held === held, held);
    case 'not-found':
      return is(held === undefined, held);
    case 'already-exists':
      return is(kind === 'create' && held !== undefined, held);
    case 'conflict':
      return is(held !== undefined && held !== expected, held);
    case 'ok':
    case 'unknown': {
      const fits = kind === 'create' ? held === undefined : held === expected;
      if (!fits) return answer.kind === 'unknown' ? { held } : false;
      return { held: kind === 'delete' ? undefined : mark };
    }
  }
}

/** Of one register, that holds nothing at first. */
export function isLinearizable(history: readonly Operation[]): boolean {
  const operations = history.toSorted((a, b) => a.calledAt - b.calledAt);
  const tried = new Set<string>();
  const done = new Uint8Array(operations.length);
  const search = (held: Held): boolean => {
    const left = operations.filter((_, i) => done[i] === 0);
    if (left.every(({ answer }) => answer.kind === 'unknown')) return true;
    const key = `${Buffer.from(done).toString('latin1')} ${held}`;
    if (tried.has(key)) return false;
    tried.add(key);
    const firstAnswer = Math.min(...left.map(({ answeredAt }) => answeredAt));
    for (const [i, operation] of operations.entries()) {
      if (done[i] !== 0) continue;
      if (operation.calledAt > firstAnswer) break;
      const after = step(held, operation);
      if (after === false) continue;
      done[i] = 1;
      if (search(after.held)) return true;
      done[i] = 0;
    }
    return false;
  };
  return search(undefined);
}
