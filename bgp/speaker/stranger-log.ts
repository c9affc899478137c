/** Which refused connections are worth a line in the log: whoever can reach the port must not be able to fill a disk with lines. Pure. */
import type { IpAddress } from '../../core/ip-address.js';

const PERIOD_MS = 60_000;
const MOST_IN_A_PERIOD = 100;

export class StrangerLog {
  readonly #told = new Set<IpAddress>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** True once a minute for an address, and for at most a hundred of them. */
  isNews(address: IpAddress, nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= PERIOD_MS) {
      this.#sinceMs = nowMs;
      this.#told.clear();
    }
    if (this.#told.has(address) || this.#told.size >= MOST_IN_A_PERIOD) return false;
    this.#told.add(address);
    return true;
  }
}
