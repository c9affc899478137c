/** The search for the largest packet that passes where a full one does not: by bisection, a probe at a time (pure). */
import type { Outcome } from './probe.js';

export class SizeSearch {
  /** The largest that is known to pass. */
  #passes: number;
  /** The smallest that is known not to. */
  #fails: number;
  /** What somebody said would pass: looked at first. */
  #said: number | undefined;

  /** @param passes bytes, less than `fails` */
  constructor(passes: number, fails: number) {
    this.#passes = passes;
    this.#fails = fails;
  }

  /** Bytes to try next; undefined: {@link largest} is found. */
  next(): number | undefined {
    if (this.#fails - this.#passes <= 1) return undefined;
    const said = this.#said;
    this.#said = undefined;
    if (said !== undefined && said > this.#passes && said < this.#fails) return said;
    return Math.floor((this.#passes + this.#fails) / 2);
  }

  tell(bytes: number, outcome: Outcome): void {
    if (outcome.kind === 'answered') {
      this.#passes = Math.max(this.#passes, bytes);
      return;
    }
    this.#fails = Math.min(this.#fails, bytes);
    if (outcome.kind !== 'too-big' || outcome.mtu >= bytes) return;
    this.#said = outcome.mtu;
    if (outcome.mtu > this.#passes) this.#fails = Math.min(this.#fails, outcome.mtu + 1);
  }

  get largest(): number {
    return this.#passes;
  }
}
