/**
 * Next hops as the paths share them: whether they can be reached, at what interior cost, and whether they are us (RFC 4271
 * sections 5.1.3, 9.1.2.1). One that nobody has reported yet counts as reachable at no cost.
 */
import { withoutZone } from '../../core/ip-address.js';
import type { NextHopStatus, RouteNextHop } from '../speaker/contract.js';

export interface NextHop {
  readonly address: RouteNextHop;
  reachable: boolean;
  metric: number;
  /** The one it resolves through, if that was said. */
  interface: string | undefined;
  ours: boolean;
  /** Paths that lead here. */
  references: number;
}

export class NextHops {
  readonly #byAddress = new Map<RouteNextHop, NextHop>();
  #own = new Set<RouteNextHop>();
  #watched = new Set<RouteNextHop>();
  #mayHaveChanged = false;

  of(address: RouteNextHop): NextHop {
    let nextHop = this.#byAddress.get(address);
    if (nextHop === undefined) {
      const ours = this.#isOurs(address);
      nextHop = { address, reachable: true, metric: 0, interface: undefined, ours, references: 0 };
      this.#byAddress.set(address, nextHop);
    }
    return nextHop;
  }

  #isOurs(address: RouteNextHop): boolean {
    return this.#own.has(withoutZone(address));
  }

  acquire(nextHop: NextHop): void {
    if (nextHop.references++ === 0) this.#mayHaveChanged = true;
  }

  release(nextHop: NextHop): void {
    if (--nextHop.references === 0) this.#mayHaveChanged = true;
  }

  /** Returns those that paths lead to and that really changed, and of them those with another interface. */
  setStatus(statuses: readonly NextHopStatus[]): {
    readonly changed: Set<NextHop>;
    readonly moved: Set<NextHop>;
  } {
    const changed = new Set<NextHop>();
    const moved = new Set<NextHop>();
    for (const status of statuses) {
      const { reachable, metric } = status;
      const nextHop = this.of(status.nextHop);
      const inUse = nextHop.references > 0;
      if (inUse && nextHop.interface !== status.interface) moved.add(nextHop);
      nextHop.interface = status.interface;
      if (nextHop.reachable === reachable && nextHop.metric === metric) continue;
      nextHop.reachable = reachable;
      nextHop.metric = metric;
      if (inUse) changed.add(nextHop);
    }
    return { changed, moved };
  }

  /** Returns those that became ours or no longer are. */
  setOwn(addresses: readonly RouteNextHop[]): Set<NextHop> {
    this.#own = new Set(addresses);
    const changed = new Set<NextHop>();
    for (const nextHop of this.#byAddress.values()) {
      const ours = this.#isOurs(nextHop.address);
      if (nextHop.ours === ours) continue;
      nextHop.ours = ours;
      changed.add(nextHop);
    }
    this.#mayHaveChanged = true;
    return changed;
  }

  /**
   * The next hops to watch, if they are not those of the last time. What is no longer watched is forgotten with its status: it
   * will be reported again when it is watched again.
   */
  takeWatched(): readonly RouteNextHop[] | undefined {
    if (!this.#mayHaveChanged) return undefined;
    this.#mayHaveChanged = false;
    const watched = new Set<RouteNextHop>();
    for (const { address, references, ours } of this.#byAddress.values()) {
      if (references > 0 && !ours) watched.add(address);
    }
    for (const nextHop of this.#byAddress.values()) {
      if (nextHop.references > 0) continue;
      const { address, reachable, metric } = nextHop;
      const nothingKnown = reachable && metric === 0 && nextHop.interface === undefined;
      if (nothingKnown || this.#watched.has(address)) this.#byAddress.delete(address);
    }
    if (watched.size === this.#watched.size && [...watched].every(each => this.#watched.has(each))) {
      return undefined;
    }
    this.#watched = watched;
    return [...watched];
  }
}
