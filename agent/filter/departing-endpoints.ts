/**
 * Order of life of a workload (pure): its chains are there before its route is, and stay until its route has gone.
 */
import type { Prefix } from '../../core/prefix.js';
import type { EndpointKey, HostPolicy, WorkloadEndpoint } from '../../policy/model.js';

/** A workload's chains go at the latest after this, whatever became of its route. */
const LONGEST_DEPARTURE_MS = 10_000;

interface Departure {
  readonly endpoint: WorkloadEndpoint;
  readonly untilMs: number;
}

export class DepartingEndpoints {
  readonly #departing = new Map<EndpointKey, Departure>();
  /** Those that workloads have now. */
  #held: ReadonlySet<Prefix> = new Set();

  get size(): number {
    return this.#departing.size;
  }

  /**
   * @param before what was enforced, `now` what the documents want enforced
   * @returns addresses that another workload has from now on, or none, and whose owner's chains do not wait for anything
   */
  follow(
    before: ReadonlyMap<EndpointKey, WorkloadEndpoint>,
    now: HostPolicy['workloads'],
    nowMs: number,
  ): readonly Prefix[] {
    const lost: Prefix[] = [];
    for (const [key, endpoint] of before) {
      const after = now.get(key);
      if (after !== undefined) lost.push(...endpoint.addresses.filter(one => !after.addresses.includes(one)));
      else if (!this.#departing.has(key))
        this.#departing.set(key, { endpoint, untilMs: nowMs + LONGEST_DEPARTURE_MS });
    }
    const taken = new Set([...now.values()].map(({ interfaceName }) => interfaceName));
    this.#held = new Set([...now.values()].flatMap(({ addresses }) => addresses));
    for (const [key, { endpoint }] of this.#departing) {
      const { interfaceName, addresses } = endpoint;
      if (now.has(key)) this.#departing.delete(key);
      else if (taken.has(interfaceName) || addresses.every(one => this.#held.has(one))) {
        this.#departing.delete(key);
        lost.push(...addresses);
      }
    }
    return lost;
  }

  /** Those without a route are let go, and those that have waited too long for it. Returns them. */
  release(isRouted: (address: Prefix) => boolean, nowMs: number): readonly WorkloadEndpoint[] {
    // The route of an address that another has now is the other's.
    const stays = (address: Prefix) => !this.#held.has(address) && isRouted(address);
    const gone = [...this.#departing.values()]
      .filter(({ endpoint, untilMs }) => nowMs >= untilMs || !endpoint.addresses.some(stays))
      .map(({ endpoint }) => endpoint);
    for (const { key } of gone) this.#departing.delete(key);
    return gone;
  }

  /** What is to be enforced: with those that are about to go as they were. */
  with(policy: HostPolicy): HostPolicy {
    if (this.#departing.size === 0) return policy;
    const departing = [...this.#departing].map(([key, { endpoint }]) => [key, endpoint] as const);
    return { ...policy, workloads: new Map([...departing, ...policy.workloads]) };
  }
}
