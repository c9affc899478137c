/**
 * The calculator from best routes to kernel routes (pure): what was told in, and on `flush` the differences of what the kernel should
 * hold. Everything is derived from the present state of its inputs; nothing is remembered of how they came about.
 *
 * Hot path: a change of one route costs a few look-ups, as all routes by the same path share one verdict.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { CoveringPrefixes } from './covering-prefixes.js';
import type { DesiredRoute, RouteRefusal } from './desired.js';
import type { PoolModes } from './encapsulation.js';
import { isHostPrefix, refusal, type Surroundings } from './never-program.js';
import type { Resolution } from './next-hops.js';
import { judgePath, type PathVerdict } from './path-verdict.js';
import { changedNextHops, type RouteEnvironment, sameFacts } from './route-environment.js';
import type { SharedRoutes } from './shared-routes.js';

export interface BestPath {
  readonly nextHops: readonly IpAddress[];
  readonly origin: 'own' | 'ibgp' | 'ebgp';
}

export interface RoutesDelta {
  readonly set: ReadonlyMap<Prefix, DesiredRoute>;
  readonly deleted: ReadonlySet<Prefix>;
}

/** What an environment is looked up in. */
interface Compiled {
  readonly environment: RouteEnvironment;
  readonly surroundings: Surroundings;
  readonly pools: CoveringPrefixes<PoolModes>;
  readonly blackholes: ReadonlySet<Prefix>;
}

export class KernelRoutesCalculator {
  readonly #shared: SharedRoutes;
  readonly #best = new Map<Prefix, BestPath>();
  readonly #told = new Map<Prefix, DesiredRoute>();
  readonly #refusals = new Map<Prefix, RouteRefusal>();
  /** By path and pool, as long as the environment is the same. */
  #verdicts = new WeakMap<BestPath, Map<PoolModes | undefined, PathVerdict>>();
  readonly #resolutions = new Map<IpAddress, Resolution>();
  #compiled: Compiled | undefined;
  #dirty = new Set<Prefix>();
  #all = false;

  constructor(shared: SharedRoutes) {
    this.#shared = shared;
  }

  /** Undefined: there is no route any more. */
  setBest(prefix: Prefix, path: BestPath | undefined): void {
    if (path === undefined) this.#best.delete(prefix);
    else this.#best.set(prefix, path);
    this.#dirty.add(prefix);
  }

  /** What has not changed costs nothing: only routes by next hops that lie elsewhere now are judged again. */
  setEnvironment(environment: RouteEnvironment): void {
    const before = this.#compiled;
    if (before === undefined || !sameFacts(before.environment, environment)) {
      this.#compiled = compile(environment);
      this.#resolutions.clear();
      this.#all = true;
    } else {
      this.#compiled = { ...before, environment };
      const moved = changedNextHops(this.#resolutions, environment.resolve);
      if (moved.size === 0) return;
      for (const [nextHop, resolution] of moved) this.#resolutions.set(nextHop, resolution);
      for (const [prefix, path] of this.#best) {
        if (path.nextHops.some(nextHop => moved.has(nextHop))) this.#dirty.add(prefix);
      }
    }
    this.#verdicts = new WeakMap();
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
    const compiled = this.#compiled;
    if (compiled === undefined) return { set, deleted };
    for (const prefix of this.#toJudge(compiled.environment)) {
      const verdict = this.#judge(prefix, compiled);
      if (verdict?.kind === 'refused') this.#refusals.set(prefix, verdict.why);
      else if (this.#refusals.size > 0) this.#refusals.delete(prefix);
      const told = this.#told.get(prefix);
      if (verdict?.kind === 'route') {
        if (told === verdict.route) continue;
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

  #judge(
    prefix: Prefix,
    { environment, surroundings, pools, blackholes }: Compiled,
  ): PathVerdict | undefined {
    const { metric } = environment;
    const workload = environment.workloads.get(prefix);
    if (workload !== undefined) {
      const legs = [{ gateway: undefined, ifindex: workload, onlink: false }];
      return this.#route({ kind: 'unicast', legs, preferredSource: undefined, mtu: undefined, metric });
    }
    if (blackholes.has(prefix)) return this.#route({ kind: 'blackhole', metric });
    const path = this.#best.get(prefix);
    if (path === undefined || path.origin === 'own') return undefined;
    const verdict = this.#verdictOf(path, pools.covering(prefix), environment);
    const never = refusal(prefix, verdict.tunnelled, surroundings);
    return never === undefined ? verdict : { kind: 'refused', why: never, tunnelled: verdict.tunnelled };
  }

  #verdictOf(path: BestPath, pool: PoolModes | undefined, environment: RouteEnvironment): PathVerdict {
    let byPool = this.#verdicts.get(path);
    if (byPool === undefined) {
      byPool = new Map();
      this.#verdicts.set(path, byPool);
    }
    let verdict = byPool.get(pool);
    if (verdict === undefined) {
      const resolve = (nextHop: IpAddress) => this.#resolve(nextHop, environment);
      verdict = judgePath(path.nextHops, pool, { ...environment, resolve });
      if (verdict.kind === 'route') verdict = this.#route(verdict.route, verdict.tunnelled);
      byPool.set(pool, verdict);
    }
    return verdict;
  }

  #resolve(nextHop: IpAddress, environment: RouteEnvironment): Resolution {
    const resolution = environment.resolve(nextHop);
    this.#resolutions.set(nextHop, resolution);
    return resolution;
  }

  #route(route: DesiredRoute, tunnelled = false): PathVerdict {
    return { kind: 'route', route: this.#shared.share(route), tunnelled };
  }
}

function compile(environment: RouteEnvironment): Compiled {
  const { ownBlocks, pools, connected, underlayAddresses } = environment;
  return {
    environment,
    pools: new CoveringPrefixes(pools.map(pool => [pool.cidr, pool])),
    blackholes: new Set(ownBlocks.filter(block => !isHostPrefix(block))),
    surroundings: {
      connected,
      underlayAddresses,
      ownBlocks: new CoveringPrefixes(ownBlocks.map(block => [block, block])),
    },
  };
}
