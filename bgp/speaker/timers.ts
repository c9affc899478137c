/**
 * The named timers of one session. Restarting one later than it would fire only moves its deadline: a session that restarts the
 * hold timer for each batch of UPDATEs arms nothing.
 */
import type { Clock, Timer } from '../../core/clock.js';

interface Running {
  deadline: number;
  armedFor: number;
  timer: Timer;
}

/** What a clock can count to (Node: 2^31 - 1, 24 days); a long-lived stale time has 24 bits of seconds (RFC 9494), 194 days. */
const LONGEST_DELAY_MS = 0x7fffffff;

export class Timers<Name extends string> {
  readonly #clock: Clock;
  readonly #expired: (name: Name) => void;
  readonly #running = new Map<Name, Running>();

  constructor(clock: Clock, expired: (name: Name) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  set(name: Name, seconds: number): void {
    const deadline = this.#clock.now() + seconds * 1000;
    const running = this.#running.get(name);
    if (running !== undefined && running.armedFor <= deadline) {
      running.deadline = deadline;
      return;
    }
    running?.timer.cancel();
    this.#arm(name, deadline);
  }

  isRunning(name: Name): boolean {
    return this.#running.has(name);
  }

  clear(name: Name): void {
    this.#running.get(name)?.timer.cancel();
    this.#running.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.#running.keys()]) this.clear(name);
  }

  #arm(name: Name, deadline: number): void {
    const now = this.#clock.now();
    const delay = Math.min(LONGEST_DELAY_MS, Math.max(0, deadline - now));
    const timer = this.#clock.schedule(delay, () => this.#fire(name));
    this.#running.set(name, { deadline, armedFor: now + delay, timer });
  }

  #fire(name: Name): void {
    const running = this.#running.get(name);
    if (running === undefined) return;
    // A real timer may fire a fraction of a millisecond early.
    if (running.deadline - this.#clock.now() > 1) {
      this.#arm(name, running.deadline);
      return;
    }
    this.#running.delete(name);
    this.#expired(name);
  }
}
