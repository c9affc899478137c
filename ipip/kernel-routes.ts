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
import { NO_TUNNELS, type TunnelsTaken, TunnelUse } from './tunnel-use.js';

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

/** What is known of one destination. */
interface Entry {
  readonly prefix: Prefix;
  best: BestPath | undefined;
  /** By the last flush. */
  told: DesiredRoute | undefined;
  /** What the told route leaves by. */
  by: TunnelsTaken;
  dirty: boolean;
}

export class KernelRoutesCalculator {
  readonly #shared: SharedRoutes;
  readonly #entries = new Map<Prefix, Entry>();
  readonly #refusals = new Map<Prefix, RouteRefusal>();
  /** By path and pool, as long as the environment is the same. */
  #verdicts = new WeakMap<BestPath, Map<PoolModes | undefined, PathVerdict>>();
  readonly #resolutions = new Map<IpAddress, Resolution>();
  /** As told by the last flush. */
  readonly tunnelUse = new TunnelUse();
  #compiled: Compiled | undefined;
  #dirty: Entry[] = [];

  constructor(shared: SharedRoutes) {
    this.#shared = shared;
  }

  /** Undefined: there is no route any more. */
  setBest(prefix: Prefix, path: BestPath | undefined): void {
    if (path === undefined && !this.#entries.has(prefix)) return;
    const entry = this.#entry(prefix);
    entry.best = path;
    this.#touch(entry);
  }

  /** What has not changed costs nothing: only routes by next hops that lie elsewhere now are judged again. */
  setEnvironment(environment: RouteEnvironment): void {
    const before = this.#compiled;
    if (before === undefined || !sameFacts(before.environment, environment)) {
      this.#compiled = compile(environment);
      this.#resolutions.clear();
      for (const entry of this.#entries.values()) this.#touch(entry);
      for (const prefix of [...environment.ownBlocks, ...environment.workloads.keys()])
        this.#touch(this.#entry(prefix));
    } else {
      this.#compiled = { ...before, environment };
      const moved = changedNextHops(this.#resolutions, before.environment, environment);
      if (moved.size === 0) return;
      for (const [nextHop, resolution] of moved) this.#resolutions.set(nextHop, resolution);
      for (const entry of this.#entries.values()) {
        if (entry.best?.nextHops.some(nextHop => moved.has(nextHop))) this.#touch(entry);
      }
    }
    this.#verdicts = new WeakMap();
  }

  *bestPrefixes(): Generator<Prefix> {
    for (const { prefix, best } of this.#entries.values()) if (best !== undefined) yield prefix;
  }

  /** As told by the last flush. */
  desired(prefix: Prefix): DesiredRoute | undefined {
    return this.#entries.get(prefix)?.told;
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
    for (const entry of this.#dirty) {
      const { prefix, told } = entry;
      const verdict = this.#judge(entry, compiled);
      if (verdict?.kind === 'refused') this.#refusals.set(prefix, verdict.why);
      else if (this.#refusals.size > 0) this.#refusals.delete(prefix);
      entry.dirty = false;
      entry.told = verdict?.kind === 'route' ? verdict.route : undefined;
      const by = verdict?.kind === 'route' ? verdict.by : NO_TUNNELS;
      this.tunnelUse.move(prefix, entry.by, by);
      entry.by = by;
      if (entry.told === undefined && entry.best === undefined) this.#entries.delete(prefix);
      if (entry.told === told) continue;
      if (entry.told === undefined) deleted.add(prefix);
      else set.set(prefix, entry.told);
    }
    this.#dirty = [];
    return { set, deleted };
  }

  #entry(prefix: Prefix): Entry {
    let entry = this.#entries.get(prefix);
    if (entry === undefined) {
      entry = { prefix, best: undefined, told: undefined, by: NO_TUNNELS, dirty: false };
      this.#entries.set(prefix, entry);
    }
    return entry;
  }

  #touch(entry: Entry): void {
    if (entry.dirty) return;
    entry.dirty = true;
    this.#dirty.push(entry);
  }

  #judge({ prefix, best }: Entry, compiled: Compiled): PathVerdict | undefined {
    const { environment, surroundings, pools, blackholes } = compiled;
    const { metric } = environment;
    const workload = environment.workloads.get(prefix);
    if (workload !== undefined) {
      const legs = [{ gateway: undefined, ifindex: workload, onlink: false }];
      return this.#route({ kind: 'unicast', legs, preferredSource: undefined, mtu: undefined, metric });
    }
    if (blackholes.has(prefix)) return this.#route({ kind: 'blackhole', metric });
    if (best === undefined || best.origin === 'own') return undefined;
    const verdict = this.#verdictOf(best, pools.covering(prefix), environment);
    const tunnelled = verdict.kind === 'route' && verdict.by !== NO_TUNNELS;
    const never = refusal(prefix, tunnelled ? best.nextHops : NO_ADDRESSES, surroundings);
    return never === undefined ? verdict : { kind: 'refused', why: never };
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
      if (verdict.kind === 'route') verdict = this.#route(verdict.route, verdict.by);
      byPool.set(pool, verdict);
    }
    return verdict;
  }

  #resolve(nextHop: IpAddress, environment: RouteEnvironment): Resolution {
    const resolution = environment.resolve(nextHop);
    this.#resolutions.set(nextHop, resolution);
    return resolution;
  }

  #route(route: DesiredRoute, by: TunnelsTaken = NO_TUNNELS): PathVerdict {
    return { kind: 'route', route: this.#shared.share(route), by };
  }
}

const NO_ADDRESSES: readonly IpAddress[] = [];

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
