/**
 * SHELL: the routing side of one host: best routes and local facts in, kernel routes out. Reads what it needs of the kernel (links,
 * addresses, foreign routes), hears of changes, and repairs what strays.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { AddressFamily, IpAddress, PerFamily } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { type KernelChange, KernelMonitor } from '../linux/netlink/monitor.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';
import { type RoutesHere, routeProblem } from './check/route-problem.js';
import { type RouteTaken, routeTaken } from './check/route-taken.js';
import { MARGAY_ROUTE_PROTOCOL, type RouteRefusal } from './desired.js';
import { doubtAfter } from './kernel-events.js';
import { type HostIntent, type KernelFacts, ownAddresses, routeEnvironment } from './kernel-facts.js';
import { type BestPath, KernelRoutesCalculator } from './kernel-routes.js';
import { type NextHopReachability, NextHopWatch } from './next-hop-watch.js';
import { NextHopResolver } from './next-hops.js';
import { RouteDriver, type RouteDriverStatus } from './route-driver.js';
import type { RouteEnvironment } from './route-environment.js';
import { SharedRoutes } from './shared-routes.js';
import { underlayOf } from './tunnel-devices.js';
import { TunnelDriver, type TunnelHost, type TunnelView } from './tunnel-driver.js';
import type { TunnelUse } from './tunnel-use.js';

export interface DataplaneHandler {
  /** Of the next hops that are watched; only those whose state changed. */
  nextHops(statuses: readonly NextHopReachability[]): void;
  /** This host's own addresses, the whole set. */
  ownAddresses(addresses: readonly IpAddress[]): void;
  /** What was read of the kernel, after each look. */
  looked(facts: KernelFacts): void;
  /** A tunnel of this host opened or closed, or its routes lead into others. */
  tunnelsChanged(): void;
  changed(): void;
  log(level: 'info' | 'warn' | 'error', message: string, detail: string): void;
}

export interface DataplaneSurroundings {
  readonly environment: RouteEnvironment;
  /** The node's. */
  readonly addresses: PerFamily<IpAddress>;
  /** Undefined: no interface has the address. */
  readonly underlayMtus: PerFamily<number>;
}

export interface DataplaneOptions {
  readonly clock: Clock;
  readonly metric: number;
  readonly networkNamespace?: string | undefined;
  readonly tunnelHost: TunnelHost;
  readonly handler: DataplaneHandler;
}

/** Notifications come in bursts; one look at the kernel answers many. */
const SETTLE_MS = 50;
const LONGEST_PAUSE_MS = 800;
const RETRY_MS = 1000;
/** A tunnel that could not be opened is tried again: its kernel module may have been loaded. */
const TUNNEL_RETRY_MS = 10_000;
/** A device takes two steps to be made, and one that must be renamed three. */
const MOST_TUNNEL_STEPS = 6;
/** Whatever was missed is found by this time. */
const RESYNCHRONISE_MS = 60_000;
/** Next hops that were told a moment ago have not come back as routes yet. */
const BEFORE_DELETIONS_MS = 1000;

export class Dataplane {
  readonly #options: DataplaneOptions;
  readonly #kernel: Rtnetlink;
  readonly #monitor: KernelMonitor;
  readonly #driver: RouteDriver;
  readonly #calculator: KernelRoutesCalculator;
  readonly #resolver = new NextHopResolver();
  readonly #watch = new NextHopWatch();
  readonly #tunnels: TunnelDriver;
  #intent: HostIntent | undefined;
  #ownAddresses: readonly IpAddress[] = [];
  #toldTunnels = '';
  #surroundings: DataplaneSurroundings | undefined;
  /** The kernel has been read once: before that nothing is known of what should be. */
  #ready = false;
  #deletions: 'no' | 'wanted' | 'allowed' = 'no';
  #factsDoubted = true;
  #routesDoubted = true;
  #lookTookMs = 0;
  #look: Timer | undefined;
  #looking = false;
  #periodic: Timer | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: DataplaneOptions) {
    this.#options = options;
    const { networkNamespace, clock, metric, handler } = options;
    const shared = new SharedRoutes();
    this.#calculator = new KernelRoutesCalculator(shared);
    this.#monitor = new KernelMonitor(changes => this.#heard(changes), { networkNamespace });
    this.#kernel = new Rtnetlink({ networkNamespace, opened: port => this.#monitor.ignoreSender(port) });
    this.#driver = new RouteDriver({
      kernel: this.#kernel,
      clock,
      shared,
      metric,
      describeRefusal,
      changed: () => handler.changed(),
      failed: error => handler.log('warn', 'routes cannot be written now', error.message),
    });
    this.#tunnels = new TunnelDriver({
      kernel: this.#kernel,
      host: options.tunnelHost,
      describeRefusal,
      log: (level, message, detail) => handler.log(level, message, detail),
    });
    this.#schedulePeriodic();
  }

  setIntent(intent: HostIntent): void {
    this.#intent = intent;
    this.#factsDoubted = true;
    this.#lookSoon(0);
  }

  setBest(prefix: Prefix, path: BestPath | undefined): void {
    this.#calculator.setBest(prefix, path);
  }

  bestPrefixes(): Iterable<Prefix> {
    return this.#calculator.bestPrefixes();
  }

  /** Something that tunnels depend on has changed outside of the kernel's tables. */
  review(): void {
    this.#factsDoubted = true;
    this.#lookSoon(0);
  }

  /** After any number of {@link setBest}. */
  flush(): void {
    if (!this.#ready) return;
    const { set, deleted } = this.#calculator.flush();
    for (const prefix of deleted) this.#driver.deleteDesired(prefix);
    for (const [prefix, route] of set) this.#driver.setDesired(prefix, route);
    if (set.size + deleted.size > 0) this.#driver.request();
    this.#tellTunnels();
  }

  /** The whole set of next hops whose reachability matters. */
  watchNextHops(nextHops: readonly IpAddress[]): void {
    this.#watch.watch(nextHops);
    if (this.#ready) this.#tellNextHops();
  }

  /** The store and the RIB are in sync: what nobody desires may go. */
  allowDeletions(): void {
    if (this.#deletions === 'no') this.#deletions = 'wanted';
    this.#allowDeletionsSoon();
  }

  status(): RouteDriverStatus {
    return this.#driver.status();
  }

  refusals(): ReadonlyMap<Prefix, RouteRefusal> {
    return this.#calculator.refusals();
  }

  stateOf(prefix: Prefix): ReturnType<RouteDriver['stateOf']> {
    return this.#driver.stateOf(prefix);
  }

  /** False once the kernel has no route of ours to it, and is to have none. */
  mayHold(destination: Prefix): boolean {
    return this.#calculator.desired(destination) !== undefined || this.stateOf(destination) === 'pending';
  }

  /** What the desired routes leave by. */
  get tunnelUse(): TunnelUse {
    return this.#calculator.tunnelUse;
  }

  get underlayMtu(): number | undefined {
    return this.#tunnels.underlayMtu;
  }

  tunnels(): readonly TunnelView[] {
    return this.#tunnels.views();
  }

  /** What routes were judged by last; undefined: nothing is known yet, or no interface has the node's address. */
  get surroundings(): DataplaneSurroundings | undefined {
    return this.#surroundings;
  }

  /** Why packets to a destination do not leave by a route of ours, in words; undefined: they do. */
  routeProblem(destination: Prefix): string | undefined {
    return routeProblem(destination, this.#routesHere());
  }

  /** By which route packets to an address leave this host. */
  routeTaken(destination: IpAddress): RouteTaken {
    return routeTaken(destination, {
      ...this.#routesHere(),
      isOwn: address => this.#ownAddresses.includes(address),
      nameOf: ifindex => this.#resolver.nameOf(ifindex),
    });
  }

  /** This host's. */
  get ownAddresses(): readonly IpAddress[] {
    return this.#ownAddresses;
  }

  #routesHere(): RoutesHere {
    return {
      desired: prefix => this.#calculator.desired(prefix),
      refusal: prefix => this.refusals().get(prefix),
      state: prefix => this.stateOf(prefix),
      foreign: address => this.#resolver.lookUp(address),
    };
  }

  /** Lets go of the kernel and leaves everything in it as it is. */
  close(): void {
    this.#closed = true;
    this.#look?.cancel();
    this.#periodic?.cancel();
    this.#retry?.cancel();
    this.#driver.close();
    this.#monitor.close();
    this.#kernel.close();
  }

  #heard(changes: readonly KernelChange[]): void {
    const doubt = doubtAfter(changes, destination => this.#calculator.desired(destination));
    this.#factsDoubted ||= doubt.facts;
    this.#routesDoubted ||= doubt.ownRoutes;
    if (doubt.facts || doubt.ownRoutes) this.#lookSoon(SETTLE_MS);
  }

  /** A large table that changes all the time must not be read all the time: a fifth of it at most. */
  #lookSoon(delayMs: number): void {
    if (this.#look !== undefined || this.#looking || this.#closed) return;
    const pause = Math.max(delayMs, Math.min(LONGEST_PAUSE_MS, 4 * this.#lookTookMs));
    this.#look = this.#options.clock.schedule(pause, () => {
      this.#look = undefined;
      this.#looking = true;
      void this.#lookAtKernel().then(againMs => {
        this.#looking = false;
        if (againMs !== undefined) this.#lookSoon(againMs);
      });
    });
  }

  /** Returns when to look again, if that is known now. */
  async #lookAtKernel(): Promise<number | undefined> {
    if (this.#intent === undefined || this.#closed) return undefined;
    const began = this.#options.clock.now();
    if (this.#routesDoubted) this.#driver.requestReadBack();
    this.#routesDoubted = false;
    if (this.#factsDoubted) {
      this.#factsDoubted = false;
      try {
        const facts = await this.#settledFacts();
        if (facts === undefined) return undefined;
        this.#take(this.#intent, facts);
      } catch (error) {
        this.#factsDoubted = true;
        if (this.#closed) return undefined;
        this.#options.handler.log('warn', 'the kernel could not be read', (error as Error).message);
        return RETRY_MS;
      }
    }
    this.#lookTookMs = this.#options.clock.now() - began;
    if (this.#factsDoubted || this.#routesDoubted) return SETTLE_MS;
    return this.#tunnels.views().some(({ state }) => state === 'unavailable')
      ? this.#doubtFactsIn(TUNNEL_RETRY_MS)
      : undefined;
  }

  /** The facts once the tunnels are what they should be, as far as they can be; undefined: closed meanwhile. */
  async #settledFacts(): Promise<KernelFacts | undefined> {
    let facts = await this.#readFacts();
    for (let i = 0; i < MOST_TUNNEL_STEPS; i++) {
      const intent = this.#intent;
      if (this.#closed || intent === undefined) return undefined;
      if (!(await this.#tunnels.step(intent.tunnels, intent.remoteHosts, facts))) break;
      // Routes go with their device, and the monitor does not tell what we do ourselves.
      this.#driver.requestReadBack();
      facts = await this.#readFacts();
    }
    return this.#closed ? undefined : facts;
  }

  async #readFacts(): Promise<KernelFacts> {
    const tunnels = this.#intent?.tunnels;
    const vxlan = tunnels?.vxlan !== undefined || tunnels?.['vxlan-v6'] !== undefined;
    const [links, addresses, ipv4, ipv6, fdb, neighbours] = await Promise.all([
      this.#kernel.links(),
      this.#kernel.addresses(),
      this.#kernel.routes({ family: 'ipv4', exceptProtocol: MARGAY_ROUTE_PROTOCOL }),
      this.#kernel.routes({ family: 'ipv6', exceptProtocol: MARGAY_ROUTE_PROTOCOL }),
      vxlan ? this.#kernel.fdb() : [],
      vxlan ? this.#kernel.neighbours() : [],
    ]);
    return { links, addresses, foreignRoutes: [...ipv4, ...ipv6], fdb, neighbours };
  }

  #doubtFactsIn(delayMs: number): undefined {
    this.#retry?.cancel();
    this.#retry = this.#options.clock.schedule(delayMs, () => {
      this.#factsDoubted = true;
      this.#lookSoon(0);
    });
  }

  #take(intent: HostIntent, facts: KernelFacts): void {
    this.#resolver.replaceRoutes(facts.foreignRoutes);
    this.#resolver.replaceLinks(facts.links);
    const { metric, handler } = this.#options;
    const { states } = this.#tunnels;
    const environment = routeEnvironment(intent, facts, this.#resolver, metric, new Map(states));
    this.#calculator.setEnvironment(environment);
    this.#surroundings = surroundingsOf(intent, environment, facts);
    const addresses = ownAddresses(facts);
    if (addresses.join() !== this.#ownAddresses.join()) {
      this.#ownAddresses = addresses;
      handler.ownAddresses(addresses);
    }
    this.#ready = true;
    handler.looked(facts);
    this.flush();
    this.#tellNextHops();
    this.#allowDeletionsSoon();
  }

  #tellTunnels(): void {
    const { inUse, udpRevision } = this.#calculator.tunnelUse;
    const words = JSON.stringify([this.#tunnels.views(), inUse, udpRevision, this.underlayMtu]);
    if (words === this.#toldTunnels) return;
    this.#toldTunnels = words;
    this.#options.handler.tunnelsChanged();
  }

  #tellNextHops(): void {
    const resolver = this.#resolver;
    const news = this.#watch.news(
      nextHop => resolver.resolve(nextHop),
      ifindex => resolver.nameOf(ifindex),
    );
    if (news.length > 0) this.#options.handler.nextHops(news);
  }

  #allowDeletionsSoon(): void {
    if (!this.#ready || this.#deletions !== 'wanted') return;
    this.#deletions = 'allowed';
    this.#options.clock.schedule(BEFORE_DELETIONS_MS, () => this.#driver.allowDeletions());
  }

  #schedulePeriodic(): void {
    this.#periodic = this.#options.clock.schedule(RESYNCHRONISE_MS, () => {
      this.#factsDoubted = this.#routesDoubted = true;
      this.#lookSoon(0);
      this.#schedulePeriodic();
    });
  }
}

function surroundingsOf(
  { preferredSources, tunnels }: HostIntent,
  environment: RouteEnvironment,
  facts: KernelFacts,
): DataplaneSurroundings | undefined {
  const mtuOf = (family: AddressFamily) => underlayOf(preferredSources[family], facts)?.mtu;
  const underlayMtus = { ipv4: mtuOf('ipv4'), ipv6: mtuOf('ipv6') };
  if (tunnels === undefined || (underlayMtus.ipv4 ?? underlayMtus.ipv6) === undefined) return undefined;
  return { environment, addresses: preferredSources, underlayMtus };
}
