/**
 * SHELL: the routing side of one host: best routes and local facts in, kernel routes out. Reads what it needs of the kernel (links,
 * addresses, foreign routes), hears of changes, and repairs what strays.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import { type KernelChange, KernelMonitor } from '../linux/netlink/monitor.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';
import { MARGAY_ROUTE_PROTOCOL, type RouteRefusal } from './desired.js';
import { doubtAfter } from './kernel-events.js';
import { type HostIntent, type KernelFacts, ownAddresses, routeEnvironment } from './kernel-facts.js';
import { type BestPath, KernelRoutesCalculator } from './kernel-routes.js';
import { type NextHopReachability, NextHopWatch } from './next-hop-watch.js';
import { NextHopResolver } from './next-hops.js';
import { RouteDriver, type RouteDriverStatus } from './route-driver.js';
import { SharedRoutes } from './shared-routes.js';

export interface DataplaneHandler {
  /** Of the next hops that are watched; only those whose state changed. */
  nextHops(statuses: readonly NextHopReachability[]): void;
  /** This host's own addresses, the whole set. */
  ownAddresses(addresses: readonly IpAddress[]): void;
  changed(): void;
  log(level: 'info' | 'warn' | 'error', message: string, detail: string): void;
}

export interface DataplaneOptions {
  readonly clock: Clock;
  readonly metric: number;
  readonly networkNamespace?: string | undefined;
  readonly handler: DataplaneHandler;
}

/** Notifications come in bursts; one look at the kernel answers many. */
const SETTLE_MS = 50;
const LONGEST_PAUSE_MS = 800;
const RETRY_MS = 1000;
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
  #intent: HostIntent | undefined;
  #ownAddresses: readonly IpAddress[] = [];
  /** The kernel has been read once: before that nothing is known of what should be. */
  #ready = false;
  #deletions: 'no' | 'wanted' | 'allowed' = 'no';
  #factsDoubted = true;
  #routesDoubted = true;
  #lookTookMs = 0;
  #look: Timer | undefined;
  #looking = false;
  #periodic: Timer | undefined;
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

  /** After any number of {@link setBest}. */
  flush(): void {
    if (!this.#ready) return;
    const { set, deleted } = this.#calculator.flush();
    for (const prefix of deleted) this.#driver.deleteDesired(prefix);
    for (const [prefix, route] of set) this.#driver.setDesired(prefix, route);
    if (set.size + deleted.size > 0) this.#driver.request();
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

  /** Lets go of the kernel and leaves everything in it as it is. */
  close(): void {
    this.#closed = true;
    this.#look?.cancel();
    this.#periodic?.cancel();
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
        const facts = await this.#readFacts();
        if (this.#closed) return undefined;
        this.#take(this.#intent, facts);
      } catch (error) {
        this.#factsDoubted = true;
        if (this.#closed) return undefined;
        this.#options.handler.log('warn', 'the kernel could not be read', (error as Error).message);
        return RETRY_MS;
      }
    }
    this.#lookTookMs = this.#options.clock.now() - began;
    return this.#factsDoubted || this.#routesDoubted ? SETTLE_MS : undefined;
  }

  async #readFacts(): Promise<KernelFacts> {
    const [links, addresses, ipv4, ipv6] = await Promise.all([
      this.#kernel.links(),
      this.#kernel.addresses(),
      this.#kernel.routes({ family: 'ipv4', exceptProtocol: MARGAY_ROUTE_PROTOCOL }),
      this.#kernel.routes({ family: 'ipv6', exceptProtocol: MARGAY_ROUTE_PROTOCOL }),
    ]);
    return { links, addresses, foreignRoutes: [...ipv4, ...ipv6] };
  }

  #take(intent: HostIntent, facts: KernelFacts): void {
    this.#resolver.replaceRoutes(facts.foreignRoutes);
    const { metric, handler } = this.#options;
    this.#calculator.setEnvironment(routeEnvironment(intent, facts, this.#resolver, metric));
    const addresses = ownAddresses(facts);
    if (addresses.join() !== this.#ownAddresses.join()) {
      this.#ownAddresses = addresses;
      handler.ownAddresses(addresses);
    }
    this.#ready = true;
    this.flush();
    this.#tellNextHops();
    this.#allowDeletionsSoon();
  }

  #tellNextHops(): void {
    const news = this.#watch.news(nextHop => this.#resolver.resolve(nextHop));
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
