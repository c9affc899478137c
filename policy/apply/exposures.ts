/** When others took away of our rules, and for how long it was so (pure). */
import type { Damage } from './filter-driver.js';

export interface Exposure {
  /** "ipv4 filter: 3 chains, rules in FORWARD" */
  readonly what: string;
  /** The process that did it, where the kernel tells. */
  readonly by: string | undefined;
  /** On the clock's scale: when it was done, or the last moment at which it was not yet. */
  readonly sinceMs: number;
  /** Whether `sinceMs` is when it was done. */
  readonly exact: boolean;
  /** Undefined: not healed yet. */
  readonly untilMs: number | undefined;
}

/** Key of a table, or of all sets. */
export function damageKey(damage: Damage): string {
  return damage.kind === 'sets' ? 'sets' : `${damage.plan.family} ${damage.plan.table}`;
}

export function damageWords(damage: Damage): string {
  if (damage.kind === 'sets') {
    const { changes, mistyped } = damage.plan;
    return `sets: ${[...changes.map(({ name }) => name), ...mistyped].join(', ')}`;
  }
  const { writes, hooks, removals, emptied } = damage.plan;
  const strange = removals.length + emptied.length;
  const parts = [
    ...(writes.length > 0 ? [`${writes.length} of our chains`] : []),
    ...(hooks.length > 0 ? [`rules in ${hooks.map(({ chain }) => chain).join(', ')}`] : []),
    ...(strange > 0 ? [`${strange} chains that should not be`] : []),
  ];
  return `${damageKey(damage)}: ${parts.join(', ')}`;
}

/** Of those that are over, so many are kept for people to see. */
const MOST_KEPT = 20;

export class ExposureLog {
  readonly #open = new Map<string, Exposure>();
  readonly #over: Exposure[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isExposed(): boolean {
    return this.#open.size > 0;
  }

  /** The latest last. */
  get list(): readonly Exposure[] {
    return [...this.#over, ...this.#open.values()];
  }

  opened(
    damage: Damage,
    since: { readonly ms: number; readonly exact: boolean; readonly by?: string },
  ): void {
    const key = damageKey(damage);
    if (this.#open.has(key)) return;
    this.#count++;
    const { ms: sinceMs, exact, by } = since;
    this.#open.set(key, { what: damageWords(damage), by, sinceMs, exact, untilMs: undefined });
  }

  /** Everything is as it should be. @returns what is over */
  closed(nowMs: number): readonly Exposure[] {
    const over = [...this.#open.values()].map(exposure => ({ ...exposure, untilMs: nowMs }));
    this.#open.clear();
    this.#over.push(...over);
    this.#over.splice(0, this.#over.length - MOST_KEPT);
    return over;
  }
}
