/**
 * SHELL: kernel routes of our protocol made what they should be. Knows keys only; what should be is told, what is is read back.
 *
 * A route is created exclusively, and replaced or deleted only where read-back has shown it to be ours: NLM_F_REPLACE takes over
 * another's route in silence. Nothing is deleted before {@link RouteDriver.allowDeletions}: until then what was found is stale.
 */
import type { Clock, Timer } from '../core/clock.js';
import { DeltaTracker, type Tracked } from '../core/delta-tracker.js';
import type { Prefix } from '../core/prefix.js';
import type { KernelRefusal } from '../linux/netlink/connection.js';
import type { Route } from '../linux/netlink/route.js';
import type { RouteOperation } from '../linux/netlink/rtnetlink.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL, sameDesiredRoute } from './desired.js';
import { RefusedRoutes } from './refused-routes.js';
import { fromKernel, toKernel } from './route-form.js';
import type { SharedRoutes } from './shared-routes.js';

/** The kernel as this driver needs it; `Rtnetlink` is one. */
export interface RouteKernel {
  routes(filter: { readonly family: 'ipv4' | 'ipv6'; readonly protocol?: number }): Promise<readonly Route[]>;
  /** Refusals by place in `operations`. */
  changeRoutes(operations: readonly RouteOperation[]): Promise<ReadonlyMap<number, KernelRefusal>>;
}

export interface RouteDriverOptions {
  readonly kernel: RouteKernel;
  readonly clock: Clock;
  readonly shared: SharedRoutes;
  /** Of every route that is desired. What is found with another is an older configuration's. */
  readonly metric: number;
  readonly describeRefusal: (refusal: KernelRefusal) => string;
  /** After anything that `status` tells has changed. */
  readonly changed: () => void;
  readonly failed: (error: Error) => void;
}

export interface RouteDriverStatus {
  readonly programmed: number;
  /** To be written or deleted, and not refused. */
  readonly pending: number;
  /** Found, not desired, and not yet allowed to go. */
  readonly stale: number;
  readonly refused: readonly { readonly destination: Prefix; readonly error: string }[];
}

/** The kernel takes about 4 us a route, and the event loop waits for it: two milliseconds. */
const BATCH = 512;
const RETRY_MS = 1000;
const EEXIST = 17;
const ESRCH = 3;

/** The destination; with the metric behind a blank where it is not the configured one. */
type Key = string;
type Record = Tracked<Key, DesiredRoute>;

/** One datagram's worth. `made[i]`: what the record's route is once done, undefined: gone. */
interface Batch {
  readonly records: Record[];
  readonly made: (DesiredRoute | undefined)[];
  readonly operations: RouteOperation[];
}

export class RouteDriver {
  readonly #options: RouteDriverOptions;
  readonly #tracker = new DeltaTracker<Key, DesiredRoute>(sameDesiredRoute);
  readonly #refused: RefusedRoutes<Key>;
  #mayDelete = false;
  #readBackWanted = true;
  #running = false;
  #again = false;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: RouteDriverOptions) {
    this.#options = options;
    this.#refused = new RefusedRoutes(options.clock);
  }

  /** @param route of the configured metric */
  setDesired(destination: Prefix, route: DesiredRoute): void {
    this.#refused.forget(destination);
    this.#tracker.setDesired(destination, route);
  }

  deleteDesired(destination: Prefix): void {
    this.#refused.forget(destination);
    this.#tracker.deleteDesired(destination);
  }

  /** The store and the RIB are in sync: what nobody desires may go. */
  allowDeletions(): void {
    this.#mayDelete = true;
    this.request();
  }

  /** Something in the kernel may have changed under us, and what was refused may be possible now. */
  requestReadBack(): void {
    this.#readBackWanted = true;
    this.#refused.retryAll();
    this.request();
  }

  /** Applies what differs, soon; idempotent while it runs. */
  request(): void {
    if (this.#closed) return;
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    this.#options.clock.schedule(0, () => void this.#run());
  }

  status(): RouteDriverStatus {
    const { desiredCount, pendingUpdateCount, pendingDeletionCount } = this.#tracker;
    const pending = pendingUpdateCount + (this.#mayDelete ? pendingDeletionCount : 0);
    return {
      programmed: desiredCount - pendingUpdateCount,
      pending: pending - this.#refused.size,
      stale: this.#mayDelete ? 0 : pendingDeletionCount,
      refused: [...this.#refused.errors()].map(([key, error]) => ({
        destination: destinationOf(key),
        error,
      })),
    };
  }

  /** Of a route that is desired. */
  stateOf(destination: Prefix): 'programmed' | 'pending' | { readonly error: string } {
    const error = this.#refused.error(destination);
    if (error !== undefined) return { error };
    return this.#tracker.isPending(destination) ? 'pending' : 'programmed';
  }

  /** Nothing is written any more; the routes stay. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #run(): Promise<void> {
    this.#retry?.cancel();
    let retryMs: number | undefined;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        if (this.#readBackWanted) await this.#readBack();
        await this.#apply();
      }
      retryMs = this.#refused.nextRetryMs();
    } catch (error) {
      // What the kernel has done of the last batch is not known.
      this.#readBackWanted = true;
      retryMs = RETRY_MS;
      if (!this.#closed) this.#options.failed(error as Error);
    }
    this.#running = false;
    if (this.#closed) return;
    if (retryMs !== undefined) this.#retry = this.#options.clock.schedule(retryMs, () => this.request());
    this.#options.changed();
  }

  async #readBack(): Promise<void> {
    this.#readBackWanted = false;
    const found = new Map<Key, DesiredRoute>();
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const route of await this.#options.kernel.routes({ family, protocol: MARGAY_ROUTE_PROTOCOL })) {
        const ours = fromKernel(route);
        if (ours !== undefined) found.set(this.#key(route), this.#options.shared.share(ours));
      }
    }
    this.#tracker.replaceActual(found);
    // What turned out to be ours may be replaced.
    for (const [key] of this.#refused.errors()) {
      if (found.has(key) || !this.#tracker.isPending(key)) this.#refused.forget(key);
    }
  }

  #key({ destination, metric }: Route): Key {
    return metric === this.#options.metric ? destination : `${destination} ${metric}`;
  }

  async #apply(): Promise<void> {
    await this.#inBatches(this.#tracker.pendingUpdates(), ({ actual }) =>
      actual === undefined ? 'create' : 'replace',
    );
    if (!this.#mayDelete) return;
    await this.#inBatches(this.#tracker.pendingDeletions(), () => 'delete');
  }

  async #inBatches(
    pending: Iterable<Record>,
    kindOf: (record: Record) => RouteOperation['kind'],
  ): Promise<void> {
    let batch = newBatch();
    for (const record of pending) {
      if (this.#refused.mustWait(record.key)) continue;
      const kind = kindOf(record);
      const route = kind === 'delete' ? record.actual! : record.desired!;
      batch.records.push(record);
      batch.made.push(kind === 'delete' ? undefined : route);
      const operation = { kind, destination: destinationOf(record.key), form: toKernel(route) };
      if (batch.operations.push(operation) < BATCH) continue;
      await this.#send(batch);
      // What should be done next is decided by what is, and that is in doubt.
      if (this.#closed || this.#readBackWanted) return;
      batch = newBatch();
    }
    if (batch.operations.length > 0) await this.#send(batch);
  }

  async #send({ records, made, operations }: Batch): Promise<void> {
    const refusals = await this.#options.kernel.changeRoutes(operations);
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const refusal = refusals.get(i);
      if (refusal !== undefined && !this.#isGone(operations[i]!, refusal)) {
        this.#refuse(record.key, operations[i]!, refusal);
        continue;
      }
      this.#refused.forget(record.key);
      this.#tracker.applied(record, made[i]);
    }
  }

  /** It went by itself, as routes of a link that went down do. */
  #isGone({ kind }: RouteOperation, { errno }: KernelRefusal): boolean {
    return kind === 'delete' && errno === ESRCH;
  }

  #refuse(key: Key, { kind, destination }: RouteOperation, refusal: KernelRefusal): void {
    if (kind !== 'create' || refusal.errno !== EEXIST) {
      this.#refused.refuse(key, this.#options.describeRefusal(refusal));
      return;
    }
    // It may be one of ours that the last read-back could not know of.
    if (this.#refused.error(key) === undefined) this.#readBackWanted = this.#again = true;
    const { metric } = this.#options;
    this.#refused.refuse(key, `another program has a route to ${destination} with metric ${metric}`);
  }
}

function newBatch(): Batch {
  return { records: [], made: [], operations: [] };
}

function destinationOf(key: Key): Prefix {
  const blank = key.indexOf(' ');
  return (blank < 0 ? key : key.slice(0, blank)) as Prefix;
}
