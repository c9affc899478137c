/**
 * When the RIB decides and packs: at once when idle, so that a single change costs no latency; under load what comes meanwhile is packed
 * together. A flush is followed by a window that is as long as the flush took, so that half of the time stays for reading, and at least as
 * long as what it wrote costs: a write to a socket is most of the price of a change, so the more peers are told, the more changes have to
 * share one write to each.
 */
import type { Clock } from '../../core/clock.js';

/** Never let load delay a change by more than this. */
const LONGEST_WINDOW_MS = 20;
/** A timer of Node's is no finer than a millisecond: where a window is much shorter, to wait for one would only add to a lone change. */
const SHORTEST_WINDOW_MS = 0.5;
/** By peer that was written to. Measured: a small write costs 7 us, most of it the kernel's. */
const WINDOW_PER_WRITE_MS = 0.01;

export class FlushScheduler {
  readonly #clock: Clock;
  readonly #flush: () => number;
  #scheduled = false;
  #window = 0;
  #notBefore = 0;

  /** @param flush returns how many writes it made */
  constructor(clock: Clock, flush: () => number) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Idempotent until the flush has run. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = this.#window < SHORTEST_WINDOW_MS ? 0 : this.#notBefore - this.#clock.now();
    this.#clock.schedule(wait, () => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const began = this.#clock.now();
    const writes = this.#flush();
    const ended = this.#clock.now();
    this.#window = Math.min(LONGEST_WINDOW_MS, Math.max(ended - began, writes * WINDOW_PER_WRITE_MS));
    this.#notBefore = ended + this.#window;
  }
}
