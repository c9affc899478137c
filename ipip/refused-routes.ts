/** What the kernel refused, in its words, and when to try again: after a second, then twice as long each time, a minute at most. */
import type { Clock } from '../core/clock.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

interface Refused {
  readonly error: string;
  readonly attempts: number;
  notBefore: number;
}

export class RefusedRoutes<K> {
  readonly #clock: Clock;
  readonly #refused = new Map<K, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#refused.size;
  }

  refuse(key: K, error: string): void {
    const attempts = (this.#refused.get(key)?.attempts ?? 0) + 1;
    const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
    this.#refused.set(key, { error, attempts, notBefore: this.#clock.now() + pause });
  }

  forget(key: K): void {
    if (this.#refused.size > 0) this.#refused.delete(key);
  }

  /** At once, whatever was agreed: the world has changed. What was refused stays known until it succeeds. */
  retryAll(): void {
    for (const refused of this.#refused.values()) refused.notBefore = 0;
  }

  mustWait(key: K): boolean {
    if (this.#refused.size === 0) return false;
    const refused = this.#refused.get(key);
    return refused !== undefined && refused.notBefore > this.#clock.now();
  }

  error(key: K): string | undefined {
    return this.#refused.get(key)?.error;
  }

  *errors(): Generator<readonly [K, string]> {
    for (const [key, { error }] of this.#refused) yield [key, error];
  }

  /** From now until the first of them may be tried again; undefined if there is none. */
  nextRetryMs(): number | undefined {
    if (this.#refused.size === 0) return undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (const { notBefore } of this.#refused.values()) soonest = Math.min(soonest, notBefore);
    return Math.max(1, soonest - this.#clock.now());
  }
}
