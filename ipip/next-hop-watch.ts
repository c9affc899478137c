/** Which next hops somebody wants to hear of, and what they have been told (pure). */
import type { IpAddress } from '../core/ip-address.js';
import type { Resolution } from './next-hops.js';

export interface NextHopReachability {
  readonly nextHop: IpAddress;
  readonly reachable: boolean;
  /** The one that it resolves through, by name. */
  readonly interface: string | undefined;
}

export class NextHopWatch {
  readonly #told = new Map<IpAddress, NextHopReachability | undefined>();

  /** The whole set. */
  watch(nextHops: readonly IpAddress[]): void {
    const wanted = new Set(nextHops);
    for (const nextHop of this.#told.keys()) if (!wanted.has(nextHop)) this.#told.delete(nextHop);
    for (const nextHop of wanted) if (!this.#told.has(nextHop)) this.#told.set(nextHop, undefined);
  }

  /** What is to be told: those that are new, and those whose state has changed. */
  news(
    resolve: (nextHop: IpAddress) => Resolution,
    nameOf: (ifindex: number) => string | undefined,
  ): readonly NextHopReachability[] {
    const news: NextHopReachability[] = [];
    for (const [nextHop, told] of this.#told) {
      const resolution = resolve(nextHop);
      const reachable = resolution.kind !== 'unreachable';
      const through = resolution.kind === 'unreachable' ? undefined : nameOf(resolution.ifindex);
      if (told?.reachable === reachable && told.interface === through) continue;
      const status = { nextHop, reachable, interface: through };
      this.#told.set(nextHop, status);
      news.push(status);
    }
    return news;
  }
}
