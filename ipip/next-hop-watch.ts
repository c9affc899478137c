/** Which next hops somebody wants to hear of, and what they have been told (pure). */
import type { IpAddress } from '../core/ip-address.js';
import type { Resolution } from './next-hops.js';

export interface NextHopReachability {
  readonly nextHop: IpAddress;
  readonly reachable: boolean;
}

export class NextHopWatch {
  readonly #told = new Map<IpAddress, boolean | undefined>();

  /** The whole set. */
  watch(nextHops: readonly IpAddress[]): void {
    const wanted = new Set(nextHops);
    for (const nextHop of this.#told.keys()) if (!wanted.has(nextHop)) this.#told.delete(nextHop);
    for (const nextHop of wanted) if (!this.#told.has(nextHop)) this.#told.set(nextHop, undefined);
  }

  /** What is to be told: those that are new, and those whose state has changed. */
  news(resolve: (nextHop: IpAddress) => Resolution): readonly NextHopReachability[] {
    const news: NextHopReachability[] = [];
    for (const [nextHop, told] of this.#told) {
      const reachable = resolve(nextHop).kind !== 'unreachable';
      if (reachable === told) continue;
      this.#told.set(nextHop, reachable);
      news.push({ nextHop, reachable });
    }
    return news;
  }
}
