/** Which chains of a table were refused, so that they are not tried at every apply: again after a while, for modules and kernels change. */
import type { Clock } from '../../core/clock.js';
import { type Refusal, type RefusalEffect, refusedUnseen, stillRefused } from './refusals.js';
import type { WantedTable } from './table-plan.js';

export interface KeptRefusal extends Refusal {
  readonly effect: RefusalEffect;
}

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

export class RefusalMemory {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { refusal: Refusal; pauseMs: number; tryAtMs: number }>();
  /** Their rules cannot be told to the kernel at all. */
  #unseen: ReadonlyMap<string, Refusal> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get refusals(): ReadonlyMap<string, Refusal> {
    const now = this.#clock.now();
    const known = [...this.#entries].filter(([, { tryAtMs }]) => tryAtMs > now);
    return new Map([...known.map(([name, { refusal }]) => [name, refusal] as const), ...this.#unseen]);
  }

  /** With those that can be told by looking at them. */
  unseen(wanted: WantedTable): ReadonlyMap<string, Refusal> {
    const unseen = new Map<string, Refusal>();
    for (const chain of wanted.chains.values()) {
      const refusal = refusedUnseen(chain);
      if (refusal !== undefined) unseen.set(chain.name, refusal);
    }
    this.#unseen = unseen;
    return this.refusals;
  }

  add(refusal: Refusal): void {
    const before = this.#entries.get(refusal.chain);
    const again = before?.refusal.signature === refusal.signature;
    const pauseMs = again ? Math.min(LONGEST_PAUSE_MS, 2 * before.pauseMs) : FIRST_PAUSE_MS;
    this.#entries.set(refusal.chain, { refusal, pauseMs, tryAtMs: this.#clock.now() + pauseMs });
  }

  /** Of chains that are gone, or are others now. */
  forgetOutdated(wanted: WantedTable): void {
    for (const [name, { refusal }] of this.#entries) {
      const chain = wanted.chains.get(name);
      if (chain === undefined || !stillRefused(refusal, chain)) this.#entries.delete(name);
    }
  }
}
