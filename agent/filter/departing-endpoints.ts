/**
 * Order of life of a workload (pure): its chains are there before its route is, and stay until its route has gone.
 */
import type { Prefix } from '../../core/prefix.js';
import type { EndpointKey, HostPolicy, WorkloadEndpoint } from '../../policy/model.js';

export class DepartingEndpoints {
  readonly #departing = new Map<EndpointKey, WorkloadEndpoint>();

  get size(): number {
    return this.#departing.size;
  }

  /** @param before what was enforced, `now` what the documents want enforced */
  follow(before: ReadonlyMap<EndpointKey, WorkloadEndpoint>, now: HostPolicy['workloads']): void {
    for (const [key, endpoint] of before) if (!now.has(key)) this.#departing.set(key, endpoint);
    const taken = new Set([...now.values()].map(({ interfaceName }) => interfaceName));
    for (const [key, { interfaceName }] of this.#departing) {
      if (now.has(key) || taken.has(interfaceName)) this.#departing.delete(key);
    }
  }

  /** Those without a route are let go. Returns them. */
  release(isRouted: (address: Prefix) => boolean): readonly WorkloadEndpoint[] {
    const gone = [...this.#departing.values()].filter(({ addresses }) => !addresses.some(isRouted));
    for (const { key } of gone) this.#departing.delete(key);
    return gone;
  }

  /** What is to be enforced: with those that are about to go as they were. */
  with(policy: HostPolicy): HostPolicy {
    if (this.#departing.size === 0) return policy;
    return { ...policy, workloads: new Map([...this.#departing, ...policy.workloads]) };
  }
}
