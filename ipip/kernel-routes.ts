/**
 * The calculator from best routes to kernel routes (pure): what was told in, and on `flush` the differences of what the kernel should
 * hold. Everything is derived from the present state of its inputs; nothing is remembered of how they came about.
 */
import { addressBits, compareAddresses, type IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixFamily, prefixLength } from '../core/prefix.js';
import type { DesiredRoute, RouteLeg, RouteRefusal } from './desired.js';
import { encapsulationFor, type PoolModes, poolOf } from './encapsulation.js';
import { refusal, type Surroundings } from './never-program.js';
import type { Resolution } from './next-hops.js';

export interface BestPath {
  readonly nextHops: readonly IpAddress[];
  readonly origin: 'own' | 'ibgp' | 'ebgp';
}

/** Everything but the routes themselves. A change of any of it has every route judged again. */
export interface RouteEnvironment extends Surroundings {
  readonly pools: readonly PoolModes[];
  readonly ownSubnet: Prefix | undefined;
  /** RTA_PREFSRC of routes to pods; undefined leaves the choice to the kernel. */
  readonly preferredSource: IpAddress | undefined;
  readonly metric: number;
  readonly resolve: (nextHop: IpAddress) => Resolution;
  /** Interfaces of workloads on this host by their addresses. */
  readonly workloads: ReadonlyMap<Prefix, number>;
}

export interface RoutesDelta {
  readonly set: ReadonlyMap<Prefix, DesiredRoute>;
  readonly deleted: ReadonlySet<Prefix>;
}

type Verdict =
  | { readonly kind: 'route'; readonly route: DesiredRoute }
  | { readonly kind: 'refused'; readonly why: RouteRefusal };

export class KernelRoutesCalculator {
  readonly #best = new Map<Prefix, BestPath>();
  readonly #told = new Map<Prefix, DesiredRoute>();
  readonly #refusals = new Map<Prefix, RouteRefusal>();
  #environment: RouteEnvironment | undefined;
  #dirty = new Set<Prefix>();
  #all = false;

  /** Undefined: there is no route any more. */
  setBest(prefix: Prefix, path: BestPath | undefined): void {
    if (path === undefined) this.#best.delete(prefix);
    else this.#best.set(prefix, path);
    this.#dirty.add(prefix);
  }

  setEnvironment(environment: RouteEnvironment): void {
    this.#environment = environment;
    this.#all = true;
  }

  bestPrefixes(): Iterable<Prefix> {
    return this.#best.keys();
  }

  /** As told by the last flush. */
  desired(prefix: Prefix): DesiredRoute | undefined {
    return this.#told.get(prefix);
  }

  /** Why a best route is not programmed. */
  refusals(): ReadonlyMap<Prefix, RouteRefusal> {
    return this.#refusals;
  }

  flush(): RoutesDelta {
    const set = new Map<Prefix, DesiredRoute>();
    const deleted = new Set<Prefix>();
    const environment = this.#environment;
    if (environment === undefined) return { set, deleted };
    for (const prefix of this.#toJudge(environment)) {
      const verdict = this.#judge(prefix, environment);
      if (verdict?.kind === 'refused') this.#refusals.set(prefix, verdict.why);
      else this.#refusals.delete(prefix);
      const told = this.#told.get(prefix);
      if (verdict?.kind === 'route') {
        if (told !== undefined && sameDesiredRoute(told, verdict.route)) continue;
        this.#told.set(prefix, verdict.route);
        set.set(prefix, verdict.route);
      } else if (told !== undefined) {
        this.#told.delete(prefix);
        deleted.add(prefix);
      }
    }
    this.#dirty = new Set();
    this.#all = false;
    return { set, deleted };
  }

  #toJudge(environment: RouteEnvironment): Iterable<Prefix> {
    if (!this.#all) return this.#dirty;
    return new Set([
      ...this.#told.keys(),
      ...this.#refusals.keys(),
      ...this.#best.keys(),
      ...environment.ownBlocks,
      ...environment.workloads.keys(),
    ]);
  }

  #judge(prefix: Prefix, environment: RouteEnvironment): Verdict | undefined {
    const { metric } = environment;
    const workload = environment.workloads.get(prefix);
    if (workload !== undefined) {
      const leg: RouteLeg = { gateway: undefined, ifindex: workload, onlink: false };
      return { kind: 'route', route: unicast(prefix, [leg], undefined, metric) };
    }
    const host = prefixLength(prefix) === addressBits(prefixFamily(prefix));
    if (!host && environment.ownBlocks.includes(prefix)) {
      return { kind: 'route', route: { kind: 'blackhole', destination: prefix, metric } };
    }
    const path = this.#best.get(prefix);
    if (path === undefined || path.origin === 'own') return undefined;
    return judgePath(prefix, path, environment);
  }
}

function judgePath(prefix: Prefix, path: BestPath, environment: RouteEnvironment): Verdict {
  const pool = poolOf(environment.pools, prefix);
  const legs: RouteLeg[] = [];
  let why: RouteRefusal | undefined;
  for (const nextHop of path.nextHops) {
    const encapsulation = encapsulationFor(pool, nextHop, environment.ownSubnet);
    const never = refusal(prefix, encapsulation, environment);
    if (never !== undefined) return { kind: 'refused', why: never };
    if (encapsulation !== 'none') {
      why = { kind: 'no-tunnel', encapsulation };
      continue;
    }
    const leg = plainLeg(nextHop, environment.resolve(nextHop));
    if (leg === undefined) why = { kind: 'next-hop-unreachable', nextHop };
    else legs.push(leg);
  }
  if (legs.length === 0) {
    return { kind: 'refused', why: why ?? { kind: 'next-hop-unreachable', nextHop: path.nextHops[0]! } };
  }
  legs.sort(compareLegs);
  // Only what leads to pods has the node's address as its source; a switch's default route has the kernel's choice.
  const source = pool === undefined ? undefined : environment.preferredSource;
  const sameFamily = source !== undefined && source.includes(':') === prefix.includes(':');
  return { kind: 'route', route: unicast(prefix, legs, sameFamily ? source : undefined, environment.metric) };
}

function plainLeg(nextHop: IpAddress, resolution: Resolution): RouteLeg | undefined {
  switch (resolution.kind) {
    case 'connected':
      return { gateway: nextHop, ifindex: resolution.ifindex, onlink: false };
    case 'via':
      return { gateway: resolution.gateway, ifindex: resolution.ifindex, onlink: resolution.onlink };
    case 'unreachable':
      return undefined;
  }
}

function unicast(
  destination: Prefix,
  legs: readonly RouteLeg[],
  preferredSource: IpAddress | undefined,
  metric: number,
): DesiredRoute {
  return { kind: 'unicast', destination, legs, preferredSource, mtu: undefined, metric };
}

function compareLegs(a: RouteLeg, b: RouteLeg): number {
  if (a.gateway === undefined || b.gateway === undefined) return a.ifindex - b.ifindex;
  return compareAddresses(a.gateway, b.gateway) || a.ifindex - b.ifindex;
}

/** Whether a route in the kernel needs no change to be the desired one. */
export function sameDesiredRoute(a: DesiredRoute, b: DesiredRoute): boolean {
  if (a.destination !== b.destination || a.metric !== b.metric) return false;
  if (a.kind === 'blackhole' || b.kind === 'blackhole') return a.kind === b.kind;
  return (
    a.preferredSource === b.preferredSource &&
    a.mtu === b.mtu &&
    a.legs.length === b.legs.length &&
    a.legs.every((leg, i) => sameLeg(leg, b.legs[i]!))
  );
}

function sameLeg(a: RouteLeg, b: RouteLeg): boolean {
  return a.gateway === b.gateway && a.ifindex === b.ifindex && a.onlink === b.onlink;
}
