/**
 * When a tunnel that nobody wants any more may go: a host that began to send by it a moment ago has not said so yet. Until the agent is in
 * sync nothing may go at all: what routes lead into is not known.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { TunnelKind } from '../ipip/desired.js';

/** Longer than a change takes to be known in all of a cluster. */
const LINGER_MS = 10_000;

export class LingeringTunnels {
  readonly #clock: Clock;
  readonly #changed: () => void;
  /** Until when a tunnel lingers. */
  readonly #until = new Map<TunnelKind, number>();
  #wanted: ReadonlySet<TunnelKind> = new Set();
  #removableFrom = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  /** @param changed called when something that lingered may go */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** The store and the RIB are in sync. */
  allowRemovals(): void {
    if (this.#removableFrom !== Number.POSITIVE_INFINITY) return;
    this.#removableFrom = this.#clock.now() + LINGER_MS;
    this.#wake();
  }

  get mayRemove(): boolean {
    return this.#clock.now() >= this.#removableFrom;
  }

  /** What stays open beside what is wanted now. */
  update(wanted: ReadonlySet<TunnelKind>): ReadonlySet<TunnelKind> {
    const now = this.#clock.now();
    for (const tunnel of this.#wanted) if (!wanted.has(tunnel)) this.#until.set(tunnel, now + LINGER_MS);
    for (const [tunnel, until] of this.#until) {
      if (wanted.has(tunnel) || until <= now) this.#until.delete(tunnel);
    }
    this.#wanted = new Set(wanted);
    this.#wake();
    return new Set(this.#until.keys());
  }

  close(): void {
    this.#timer?.cancel();
  }

  #wake(): void {
    this.#timer?.cancel();
    const now = this.#clock.now();
    const times = [...this.#until.values(), this.#removableFrom].filter(
      time => time > now && time !== Number.POSITIVE_INFINITY,
    );
    if (times.length === 0) return;
    this.#timer = this.#clock.schedule(Math.min(...times) - now, this.#changed);
  }
}
