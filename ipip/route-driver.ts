/**
 * SHELL: kernel routes of our protocol made what they should be. Knows keys only; what should be is told, what is is read back.
 *
 * A route is created exclusively, and replaced or deleted only where read-back has shown it to be ours: NLM_F_REPLACE takes over
 * another's route in silence. Nothing is deleted before {@link RouteDriver.allowDeletions}: until then what was found is stale.
 */
import type { Clock, Timer } from '../core/clock.js';
import { DeltaTracker } from '../core/delta-tracker.js';
import type { Prefix } from '../core/prefix.js';
import type { KernelRefusal } from '../linux/netlink/connection.js';
import type { Route } from '../linux/netlink/route.js';
import type { RouteOperation } from '../linux/netlink/rtnetlink.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL, routeKey } from './desired.js';
import { sameDesiredRoute } from './kernel-routes.js';
import { fromKernel, toKernel } from './route-form.js';

/** The kernel as this driver needs it; `Rtnetlink` is one. */
export interface RouteKernel {
  routes(filter: { readonly family: 'ipv4' | 'ipv6'; readonly protocol?: number }): Promise<readonly Route[]>;
  /** Refusals by place in `operations`. */
  changeRoutes(operations: readonly RouteOperation[]): Promise<ReadonlyMap<number, KernelRefusal>>;
}

export interface RouteDriverOptions {
  readonly kernel: RouteKernel;
  readonly clock: Clock;
  readonly describeRefusal: (refusal: KernelRefusal) => string;
  /** After anything that `status` tells has changed. */
  readonly changed: () => void;
  readonly failed: (error: Error) => void;
}

export interface RouteDriverStatus {
  readonly programmed: number;
  readonly pending: number;
  /** Found, not desired, and not yet allowed to go. */
  readonly stale: number;
  readonly refused: readonly { readonly destination: Prefix; readonly error: string }[];
}

/** The kernel takes about 4 us a route, and the event loop waits for it: a millisecond or two. */
const BATCH = 400;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const EEXIST = 17;
const ESRCH = 3;

interface Refused {
  readonly error: string;
  readonly attempts: number;
  readonly notBefore: number;
}

export class RouteDriver {
  readonly #options: RouteDriverOptions;
  readonly #tracker = new DeltaTracker<string, DesiredRoute>(sameDesiredRoute);
  readonly #refused = new Map<string, Refused>();
  #mayDelete = false;
  #readBackWanted = true;
  #running = false;
  #retry: Timer | undefined;
  #again = false;
  #closed = false;

  constructor(options: RouteDriverOptions) {
    this.#options = options;
  }

  setDesired(route: DesiredRoute): void {
    const key = routeKey(route.destination, route.metric);
    this.#refused.delete(key);
    this.#tracker.setDesired(key, route);
  }

  deleteDesired(destination: Prefix, metric: number): void {
    const key = routeKey(destination, metric);
    this.#refused.delete(key);
    this.#tracker.deleteDesired(key);
  }

  /** The store and the RIB are in sync: what nobody desires may go. */
  allowDeletions(): void {
    this.#mayDelete = true;
    this.request();
  }

  /** Something in the kernel may have changed under us. */
  requestReadBack(): void {
    this.#readBackWanted = true;
    // What was refused may be possible now.
    this.#refused.clear();
    this.request();
  }

  /** Applies what differs, soon; idempotent while it runs. */
  request(): void {
    if (this.#closed) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#options.clock.schedule(0, () => void this.#run());
  }

  status(): RouteDriverStatus {
    const { desiredEntries, pendingUpdates, pendingDeletions } = this.#tracker;
    const refused = [...this.#refused].map(([key, { error }]) => ({
      destination: key.slice(0, key.indexOf(' ')) as Prefix,
      error,
    }));
    return {
      programmed: desiredEntries.size - pendingUpdates.size,
      pending: pendingUpdates.size - this.#refused.size,
      stale: pendingDeletions.size,
      refused,
    };
  }

  /** Of a route that is desired. */
  stateOf(destination: Prefix, metric: number): 'programmed' | 'pending' | { readonly error: string } {
    const key = routeKey(destination, metric);
    const refused = this.#refused.get(key);
    if (refused !== undefined) return { error: refused.error };
    return this.#tracker.pendingUpdates.has(key) ? 'pending' : 'programmed';
  }

  /** Nothing is written any more; the routes stay. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        if (this.#readBackWanted) await this.#readBack();
        await this.#apply();
      } while (this.#again && !this.#closed);
      this.#running = false;
      this.#scheduleRetry();
    } catch (error) {
      this.#running = false;
      this.#readBackWanted = true;
      if (this.#closed) return;
      this.#options.failed(error as Error);
      this.#options.clock.schedule(FIRST_RETRY_MS, () => this.request());
    }
    this.#options.changed();
  }

  async #readBack(): Promise<void> {
    this.#readBackWanted = false;
    const found = new Map<string, DesiredRoute>();
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const route of await this.#options.kernel.routes({ family, protocol: MARGAY_ROUTE_PROTOCOL })) {
        const ours = fromKernel(route);
        if (ours !== undefined) found.set(routeKey(ours.destination, ours.metric), ours);
      }
    }
    this.#tracker.replaceActual(found);
  }

  async #apply(): Promise<void> {
    // Map iterators are live: what is added meanwhile is visited too, what has been done is gone.
    await this.#inBatches(this.#tracker.pendingUpdates, (key, route) => {
      if ((this.#refused.get(key)?.notBefore ?? 0) > this.#options.clock.now()) return undefined;
      const kind = this.#tracker.actual(key) === undefined ? 'create' : 'replace';
      return { kind, route: toKernel(route) };
    });
    if (!this.#mayDelete) return;
    await this.#inBatches(this.#tracker.pendingDeletions, (_, route) => ({
      kind: 'delete',
      route: toKernel(route),
    }));
  }

  async #inBatches(
    pending: ReadonlyMap<string, DesiredRoute>,
    operation: (key: string, route: DesiredRoute) => RouteOperation | undefined,
  ): Promise<void> {
    let keys: string[] = [];
    let values: DesiredRoute[] = [];
    let operations: RouteOperation[] = [];
    for (const [key, value] of pending) {
      const one = operation(key, value);
      if (one === undefined) continue;
      keys.push(key);
      values.push(value);
      if (operations.push(one) < BATCH) continue;
      await this.#send(keys, values, operations);
      if (this.#closed || this.#readBackWanted) return;
      [keys, values, operations] = [[], [], []];
    }
    if (operations.length > 0) await this.#send(keys, values, operations);
  }

  async #send(
    keys: readonly string[],
    values: readonly DesiredRoute[],
    operations: readonly RouteOperation[],
  ): Promise<void> {
    const refusals = await this.#options.kernel.changeRoutes(operations);
    for (const [i, operation] of operations.entries()) {
      const key = keys[i]!;
      const refusal = refusals.get(i);
      if (operation.kind === 'delete') {
        // ESRCH: it went by itself, as routes of a link that went down do.
        if (refusal === undefined || refusal.errno === ESRCH) this.#tracker.deleteActual(key);
        else this.#refuse(key, this.#options.describeRefusal(refusal));
      } else if (refusal === undefined) {
        this.#refused.delete(key);
        this.#tracker.setActual(key, values[i]!);
      } else this.#refuse(key, this.#wordsOf(operation, refusal));
    }
  }

  #wordsOf(operation: RouteOperation, refusal: KernelRefusal): string {
    if (operation.kind === 'create' && refusal.errno === EEXIST) {
      return `another program has a route to ${operation.route.destination} with metric ${operation.route.metric}`;
    }
    return this.#options.describeRefusal(refusal);
  }

  #refuse(key: string, error: string): void {
    const attempts = (this.#refused.get(key)?.attempts ?? 0) + 1;
    const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
    this.#refused.set(key, { error, attempts, notBefore: this.#options.clock.now() + pause });
  }

  #scheduleRetry(): void {
    this.#retry?.cancel();
    if (this.#refused.size === 0 || this.#closed) return;
    let soonest = Number.POSITIVE_INFINITY;
    for (const { notBefore } of this.#refused.values()) soonest = Math.min(soonest, notBefore);
    const pause = Math.max(1, soonest - this.#options.clock.now());
    this.#retry = this.#options.clock.schedule(pause, () => this.request());
  }
}
