/**
 * SHELL: the routing side of one host: best routes and local facts in, kernel routes out. Reads what it needs of the kernel (links,
 * addresses, foreign routes), hears of changes, and repairs what strays.
 */
import type { Clock, Timer } from '../core/clock.js';
import type { IpAddress } from '../core/ip-address.js';
import { type Prefix, prefixOf } from '../core/prefix.js';
import { type KernelChange, KernelMonitor } from '../linux/netlink/monitor.js';
import { describeRefusal, Rtnetlink } from '../linux/netlink/rtnetlink.js';
import { MARGAY_ROUTE_PROTOCOL, type RouteRefusal } from './desired.js';
import type { PoolModes } from './encapsulation.js';
import { type BestPath, KernelRoutesCalculator, sameDesiredRoute } from './kernel-routes.js';
import { NextHopResolver, type Resolution } from './next-hops.js';
import { RouteDriver, type RouteDriverStatus } from './route-driver.js';
import { fromKernel } from './route-form.js';

/** What the cluster's documents say of this host. */
export interface HostIntent {
  readonly ownBlocks: readonly Prefix[];
  readonly pools: readonly PoolModes[];
  readonly ownSubnet: Prefix | undefined;
  readonly preferredSource: IpAddress | undefined;
  readonly underlayAddresses: readonly IpAddress[];
  /** Addresses of workloads here, with the name of their interface. */
  readonly workloads: ReadonlyMap<Prefix, string>;
}

export interface DataplaneHandler {
  /** Of the next hops that are watched; only those whose state changed. */
  nextHops(statuses: readonly { readonly nextHop: IpAddress; readonly reachable: boolean }[]): void;
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
/** Whatever was missed is found by this time. */
const RESYNCHRONISE_MS = 60_000;

export class Dataplane {
  readonly #options: DataplaneOptions;
  readonly #kernel: Rtnetlink;
  readonly #monitor: KernelMonitor;
  readonly #driver: RouteDriver;
  readonly #calculator = new KernelRoutesCalculator();
  readonly #resolver = new NextHopResolver();
  readonly #watched = new Map<IpAddress, string>();
  #intent: HostIntent | undefined;
  #interfaceNames: ReadonlyMap<number, string> = new Map();
  #ownAddresses: readonly IpAddress[] = [];
  #ready = false;
  #lookTookMs = 0;
  #look: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();
  #periodic: Timer | undefined;
  #closed = false;

  constructor(options: DataplaneOptions) {
    this.#options = options;
    const { networkNamespace, clock, handler } = options;
    this.#kernel = new Rtnetlink({ networkNamespace });
    this.#monitor = new KernelMonitor(changes => this.#changed(changes), { networkNamespace });
    this.#driver = new RouteDriver({
      kernel: this.#kernel,
      clock,
      describeRefusal,
      changed: () => handler.changed(),
      failed: error => handler.log('warn', 'routes cannot be written now', error.message),
    });
    this.#schedulePeriodic();
  }

  setIntent(intent: HostIntent): void {
    this.#intent = intent;
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
    const { metric } = this.#options;
    for (const prefix of deleted) this.#driver.deleteDesired(prefix, metric);
    for (const route of set.values()) this.#driver.setDesired(route);
    if (set.size + deleted.size > 0) this.#driver.request();
  }

  /** The whole set of next hops whose reachability matters. */
  watchNextHops(nextHops: readonly IpAddress[]): void {
    const wanted = new Set(nextHops);
    for (const nextHop of this.#watched.keys()) if (!wanted.has(nextHop)) this.#watched.delete(nextHop);
    for (const nextHop of wanted) if (!this.#watched.has(nextHop)) this.#watched.set(nextHop, '');
    if (this.#ready) this.#tellNextHops();
  }

  allowDeletions(): void {
    this.#driver.allowDeletions();
  }

  status(): RouteDriverStatus {
    return this.#driver.status();
  }

  refusals(): ReadonlyMap<Prefix, RouteRefusal> {
    return this.#calculator.refusals();
  }

  stateOf(prefix: Prefix): ReturnType<RouteDriver['stateOf']> {
    return this.#driver.stateOf(prefix, this.#options.metric);
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

  #changed(changes: readonly KernelChange[]): void {
    let reload = false;
    for (const change of changes) {
      if (change.kind !== 'route') reload = true;
      else if (change.route.protocol !== MARGAY_ROUTE_PROTOCOL) reload ||= change.route.table === MAIN_TABLE;
      else if (this.#strays(change)) reload = true;
    }
    if (reload) this.#lookSoon(SETTLE_MS);
  }

  /** Our own writes come back as notifications; they say nothing new. */
  #strays({ route, gone }: KernelChange & { kind: 'route' }): boolean {
    const ours = fromKernel(route);
    if (ours === undefined || route.table !== MAIN_TABLE) return false;
    const desired = this.#calculator.desired(ours.destination);
    if (gone) return desired !== undefined && desired.metric === ours.metric;
    return desired === undefined || !sameDesiredRoute(desired, ours);
  }

  /** A large table that changes all the time must not be read all the time: a fifth of it at most. */
  #lookSoon(delayMs: number): void {
    if (this.#look !== undefined || this.#closed) return;
    const pause = Math.max(delayMs, Math.min(LONGEST_PAUSE_MS, 4 * this.#lookTookMs));
    this.#look = this.#options.clock.schedule(pause, () => {
      this.#look = undefined;
      this.#looking = this.#looking.then(() => this.#lookAtKernel());
    });
  }

  async #lookAtKernel(): Promise<void> {
    const intent = this.#intent;
    if (intent === undefined || this.#closed) return;
    const began = this.#options.clock.now();
    try {
      const [links, addresses, ipv4, ipv6] = await Promise.all([
        this.#kernel.links(),
        this.#kernel.addresses(),
        this.#kernel.routes({ family: 'ipv4' }),
        this.#kernel.routes({ family: 'ipv6' }),
      ]);
      this.#interfaceNames = new Map(links.map(link => [link.ifindex, link.name]));
      this.#resolver.replaceRoutes([...ipv4, ...ipv6], MARGAY_ROUTE_PROTOCOL);
      this.#tellOwnAddresses(addresses.map(({ address }) => address));
      this.#setEnvironment(
        intent,
        new Map(links.map(link => [link.name, link.ifindex])),
        new Map(
          addresses.map(({ address, prefixLength, ifindex }) => [prefixOf(address, prefixLength), ifindex]),
        ),
      );
    } catch (error) {
      if (this.#closed) return;
      this.#options.handler.log('warn', 'the kernel could not be read', (error as Error).message);
      this.#lookSoon(1000);
      return;
    }
    this.#lookTookMs = this.#options.clock.now() - began;
    this.#ready = true;
    this.#driver.requestReadBack();
    this.flush();
    this.#tellNextHops();
  }

  #setEnvironment(
    intent: HostIntent,
    indexes: ReadonlyMap<string, number>,
    subnets: ReadonlyMap<Prefix, number>,
  ): void {
    const name = (ifindex: number) => this.#interfaceNames.get(ifindex) ?? `interface ${ifindex}`;
    const connected = new Map<Prefix, string>();
    for (const [prefix, ifindex] of [...this.#resolver.connected(), ...subnets])
      connected.set(prefix, name(ifindex));
    const workloads = new Map<Prefix, number>();
    for (const [prefix, interfaceName] of intent.workloads) {
      const ifindex = indexes.get(interfaceName);
      if (ifindex !== undefined) workloads.set(prefix, ifindex);
    }
    this.#calculator.setEnvironment({
      ...intent,
      connected,
      workloads,
      metric: this.#options.metric,
      resolve: nextHop => this.#resolver.resolve(nextHop),
    });
  }

  #tellOwnAddresses(addresses: readonly IpAddress[]): void {
    const sorted = [...new Set(addresses)].sort();
    if (sorted.join() === this.#ownAddresses.join()) return;
    this.#ownAddresses = sorted;
    this.#options.handler.ownAddresses(sorted);
  }

  #tellNextHops(): void {
    const statuses: { nextHop: IpAddress; reachable: boolean }[] = [];
    for (const [nextHop, told] of this.#watched) {
      const state = describeResolution(this.#resolver.resolve(nextHop));
      if (state === told) continue;
      this.#watched.set(nextHop, state);
      if (told === '' || (told === 'unreachable') !== (state === 'unreachable')) {
        statuses.push({ nextHop, reachable: state !== 'unreachable' });
      }
    }
    if (statuses.length > 0) this.#options.handler.nextHops(statuses);
  }

  #schedulePeriodic(): void {
    this.#periodic = this.#options.clock.schedule(RESYNCHRONISE_MS, () => {
      this.#lookSoon(0);
      this.#schedulePeriodic();
    });
  }
}

const MAIN_TABLE = 254;

function describeResolution(resolution: Resolution): string {
  switch (resolution.kind) {
    case 'connected':
      return `connected ${resolution.ifindex}`;
    case 'via':
      return `via ${resolution.gateway} ${resolution.ifindex}`;
    case 'unreachable':
      return 'unreachable';
  }
}
