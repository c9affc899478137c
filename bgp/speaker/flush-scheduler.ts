/**
 * When the RIB decides and packs: at once when idle, so that a single change costs no latency; under load not more often than the
 * last flush took, so that what comes meanwhile is packed together and half of the time stays for reading.
 */
import type { Clock } from '../../core/clock.js';

/** Never let load delay a change by more than this. */
const LONGEST_WINDOW_MS = 20;
/** A timer of Node's is no finer, and to wait for one where a flush is cheap would only add its millisecond to a lone change. */
const SHORTEST_WINDOW_MS = 1;

export class FlushScheduler {
  readonly #clock: Clock;
  readonly #flush: () => void;
  #scheduled = false;
  #notBefore = 0;

  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Idempotent until the flush has run. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const window = this.#notBefore - this.#clock.now();
    this.#clock.schedule(window < SHORTEST_WINDOW_MS ? 0 : window, () => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const began = this.#clock.now();
    this.#flush();
    const ended = this.#clock.now();
    this.#notBefore = ended + Math.min(LONGEST_WINDOW_MS, ended - began);
  }
}
