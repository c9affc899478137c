/**
 * Next hops as the paths share them: whether they can be reached, at what interior cost, and whether they are us (RFC 4271
 * sections 5.1.3, 9.1.2.1). One that nobody has reported yet counts as reachable at no cost.
 */
import type { IpAddress } from '../../core/ip-address.js';
import type { NextHopStatus } from '../speaker/contract.js';

export interface NextHop {
  readonly address: IpAddress;
  reachable: boolean;
  metric: number;
  ours: boolean;
  /** Paths that lead here. */
  references: number;
}

export class NextHops {
  readonly #byAddress = new Map<IpAddress, NextHop>();
  #own = new Set<IpAddress>();
  #watched = new Set<IpAddress>();
  #mayHaveChanged = false;

  of(address: IpAddress): NextHop {
    let nextHop = this.#byAddress.get(address);
    if (nextHop === undefined) {
      nextHop = { address, reachable: true, metric: 0, ours: this.#own.has(address), references: 0 };
      this.#byAddress.set(address, nextHop);
    }
    return nextHop;
  }

  acquire(nextHop: NextHop): void {
    if (nextHop.references++ === 0) this.#mayHaveChanged = true;
  }

  release(nextHop: NextHop): void {
    if (--nextHop.references === 0) this.#mayHaveChanged = true;
  }

  /** Returns those that paths lead to and that really changed. */
  setStatus(statuses: readonly NextHopStatus[]): Set<NextHop> {
    const changed = new Set<NextHop>();
    for (const { nextHop: address, reachable, metric } of statuses) {
      const nextHop = this.of(address);
      if (nextHop.reachable === reachable && nextHop.metric === metric) continue;
      nextHop.reachable = reachable;
      nextHop.metric = metric;
      if (nextHop.references > 0) changed.add(nextHop);
    }
    return changed;
  }

  /** Returns those that became ours or no longer are. */
  setOwn(addresses: readonly IpAddress[]): Set<NextHop> {
    this.#own = new Set(addresses);
    const changed = new Set<NextHop>();
    for (const nextHop of this.#byAddress.values()) {
      const ours = this.#own.has(nextHop.address);
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
  takeWatched(): readonly IpAddress[] | undefined {
    if (!this.#mayHaveChanged) return undefined;
    this.#mayHaveChanged = false;
    const watched = new Set<IpAddress>();
    for (const { address, references, ours } of this.#byAddress.values()) {
      if (references > 0 && !ours) watched.add(address);
    }
    for (const { address, references, reachable, metric } of this.#byAddress.values()) {
      const told = this.#watched.has(address) || (reachable && metric === 0);
      if (references === 0 && told) this.#byAddress.delete(address);
    }
    if (watched.size === this.#watched.size && [...watched].every(each => this.#watched.has(each))) {
      return undefined;
    }
    this.#watched = watched;
    return [...watched];
  }
}
