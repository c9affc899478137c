/**
 * Packets that belong to nobody cost a little each. Where they come by the hundred a second the transport is told to let the kernel drop
 * all but those from our peers; every few seconds it is seen whether that is still needed.
 */
import type { Clock, Timer } from '../../core/clock.js';
import { RateLimit } from '../../core/rate-limit.js';
import type { BfdTransport } from './transport.js';

const TOLERATED_PER_SECOND = 200;
const LOOK_AGAIN_MS = 5000;

export class FloodWatch {
  readonly #clock: Clock;
  readonly #transport: Pick<BfdTransport, 'shield' | 'dropped'>;
  readonly #tolerance: RateLimit;
  #shielded: Timer | undefined;

  constructor(clock: Clock, transport: Pick<BfdTransport, 'shield' | 'dropped'>) {
    this.#clock = clock;
    this.#transport = transport;
    this.#tolerance = new RateLimit(clock, TOLERATED_PER_SECOND, TOLERATED_PER_SECOND);
  }

  /** One more packet was of no use. */
  discarded(): void {
    if (this.#tolerance.take() || this.#shielded !== undefined) return;
    this.#transport.shield(true);
    this.#watch();
  }

  close(): void {
    this.#shielded?.cancel();
  }

  #watch(): void {
    const before = this.#transport.dropped;
    this.#shielded = this.#clock.schedule(LOOK_AGAIN_MS, () => {
      const perSecond = ((this.#transport.dropped - before) * 1000) / LOOK_AGAIN_MS;
      if (perSecond > TOLERATED_PER_SECOND) {
        this.#watch();
        return;
      }
      this.#shielded = undefined;
      this.#transport.shield(false);
    });
  }
}
