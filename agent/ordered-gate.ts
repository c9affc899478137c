/**
 * Actions in the order they were asked for, each after what it has to wait for. At once where nothing is waited for, so that a host without
 * tunnels never notices.
 */
import type { Clock } from '../core/clock.js';

export class OrderedGate {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #last: Promise<void> | undefined;

  /** @param patienceMs after this long an action is done nevertheless */
  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** @param ready asked for when the action's turn has come; undefined: there is nothing to wait for */
  run(action: () => void, ready: () => Promise<unknown> | undefined): void {
    if (this.#last === undefined) {
      const first = ready();
      if (first === undefined) {
        action();
        return;
      }
      this.#enqueue(this.#patiently(first), action);
      return;
    }
    this.#enqueue(
      this.#last.then(() => {
        const turn = ready();
        return turn === undefined ? undefined : this.#patiently(turn);
      }),
      action,
    );
  }

  #enqueue(turn: Promise<unknown>, action: () => void): void {
    const mine: Promise<void> = turn.then(() => {
      if (this.#last === mine) this.#last = undefined;
      action();
    });
    this.#last = mine;
  }

  #patiently(ready: Promise<unknown>): Promise<unknown> {
    return new Promise(resolve => {
      const timer = this.#clock.schedule(this.#patienceMs, () => resolve(undefined));
      const done = () => {
        timer.cancel();
        resolve(undefined);
      };
      ready.then(done, done);
    });
  }
}
