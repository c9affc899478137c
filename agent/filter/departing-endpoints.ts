/**
 * Order of life of a workload (pure): its chains are there before its route is, and stay until its route has gone.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixAddress } from '../../core/prefix.js';
import { asksForCuts } from '../../policy/flush-on-deny.js';
import type { EndpointKey, HostPolicy, Policy, WorkloadEndpoint } from '../../policy/model.js';

/** A workload's chains go at the latest after this, whatever became of its route. */
const LONGEST_DEPARTURE_MS = 10_000;

interface Departure {
  readonly endpoint: WorkloadEndpoint;
  /** Its policies that cut connections, without their rules: what they have cut stays so. */
  readonly cutting: readonly Policy[];
  readonly untilMs: number;
}

export class DepartingEndpoints {
  readonly #departing = new Map<EndpointKey, Departure>();
  /** Those that workloads have now. */
  #held: ReadonlySet<Prefix> = new Set();

  get size(): number {
    return this.#departing.size;
  }

  /** Those that no other workload has. */
  get addresses(): ReadonlySet<IpAddress> {
    const all = [...this.#departing.values()].flatMap(({ endpoint }) => endpoint.addresses);
    return new Set(all.filter(one => !this.#held.has(one)).map(prefixAddress));
  }

  /**
   * @param before what was enforced, `now` what the documents want enforced
   * @returns addresses that another workload has from now on, or none, and whose owner's chains do not wait for anything
   */
  follow(
    before: Pick<HostPolicy, 'workloads' | 'policies'>,
    now: HostPolicy['workloads'],
    nowMs: number,
  ): readonly Prefix[] {
    const lost: Prefix[] = [];
    for (const [key, endpoint] of before.workloads) {
      const after = now.get(key);
      if (after !== undefined) lost.push(...endpoint.addresses.filter(one => !after.addresses.includes(one)));
      else if (!this.#departing.has(key))
        this.#departing.set(key, {
          endpoint,
          cutting: cuttingPolicies(endpoint, before.policies),
          untilMs: nowMs + LONGEST_DEPARTURE_MS,
        });
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

  /** What is to be enforced: with those that are about to go, which go on with the connections they have, and begin no more. */
  with(policy: HostPolicy): HostPolicy {
    if (this.#departing.size === 0) return policy;
    const departing = [...this.#departing].map(([key, one]) => [key, closed(one)] as const);
    const cutting = [...this.#departing.values()].flatMap(one => one.cutting);
    return {
      ...policy,
      workloads: new Map([...departing, ...policy.workloads]),
      policies: new Map([...cutting.map(one => [one.key, one] as const), ...policy.policies]),
    };
  }
}

/** Nothing may be left of the policies it had, nor of the sets they ask: what an endpoint of nobody may do is not for them to say. */
function closed({ endpoint, cutting }: Departure): WorkloadEndpoint {
  const keys = cutting.map(({ key }) => key);
  const tier = { name: 'departing', defaultAction: 'deny', ingress: keys, egress: keys } as const;
  return { ...endpoint, tiers: keys.length === 0 ? [] : [tier], profiles: [] };
}

function cuttingPolicies({ tiers }: WorkloadEndpoint, policies: HostPolicy['policies']): readonly Policy[] {
  const keys = new Set(tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress]));
  return [...keys].flatMap(key => {
    const policy = policies.get(key);
    if (policy === undefined || !asksForCuts(policy)) return [];
    return [{ ...policy, key: `${key} (departing)`, ingress: [], egress: [] }];
  });
}
