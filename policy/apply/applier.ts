/**
 * SHELL: keeps a host's packet filter as it should be. One pass at a time, always for the newest filter; what comes in meanwhile is the next
 * pass, once. Between passes it listens for what others do, and looks by itself now and then.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import type { RenderedFilter } from '../rendered.js';
import type { BackendSetting } from './backend-choice.js';
import { Displacement } from './displacement.js';
import { type Exposure, ExposureLog } from './exposures.js';
import { type Damage, FilterDriver, type PassOutcome } from './filter-driver.js';
import type { ForeignChange, ForeignWatch, OpenForeignWatch } from './foreign-changes.js';
import { type FilterKernel, MissingCommandError } from './kernel.js';
import { Reading, type Since } from './reading.js';
import { RuleCounters } from './rule-counters.js';
import type { OpenSetWatch } from './set-watch.js';
import { type ApplyStatus, applyProblems, countOurs } from './status.js';

export interface ApplierOptions {
  readonly kernel: FilterKernel;
  readonly clock: Clock;
  readonly backend: BackendSetting;
  /** Reading back although nothing was heard (`iptablesRefreshInterval`). */
  readonly refreshMs: number;
  /** Nothing is read or written before: another that was here has come to its end. */
  readonly after?: Promise<void>;
  readonly watches: Readonly<Record<Implementation, OpenForeignWatch>> & { readonly sets: OpenSetWatch };
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
  /** After anything that {@link FilterApplier.status} tells has changed. */
  readonly changed: () => void;
}

/** After what was busy, doubling. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;
/** Of leftovers that could not all be removed. */
const LEFTOVERS_MS = 1000;

export class FilterApplier {
  readonly #options: ApplierOptions;
  readonly #driver: FilterDriver;
  readonly #reading: Reading;
  readonly #exposures = new ExposureLog();
  readonly #displacement = new Displacement();
  readonly #watches = new Map<Implementation, ForeignWatch>();
  #setWatch: { close(): void } | undefined;
  #refreshMs: number;
  #filter: RenderedFilter | undefined;
  #version = 0;
  #done: { readonly version: number; readonly inForce: boolean } | undefined;
  #waiters: readonly { readonly version: number; readonly resolve: (inForce: boolean) => void }[] = [];
  #refused: PassOutcome['refused'] = [];
  #waiting: { readonly reason: string; readonly sinceMs: number } | undefined;
  #waitedMs = 0;
  #retryMs = FIRST_RETRY_MS;
  #applies = 0;
  #lastApply: ApplyStatus['lastApply'];
  #again = false;
  #working = false;
  /** The end of what is under way. */
  #idle: Promise<void>;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#driver = new FilterDriver(options);
    const damaged = (damage: Damage, since: Since) => this.#damaged(damage, since);
    const isWaiting = () => this.#done?.version !== this.#version;
    this.#reading = new Reading({ ...options, driver: this.#driver, damaged, isWaiting });
    this.#refreshMs = options.refreshMs;
    this.#idle = options.after ?? Promise.resolve();
  }

  /** What should be from now on. */
  setDesired(filter: RenderedFilter): void {
    this.#filter = filter;
    this.#version++;
    this.#reading.overtake();
    this.#work();
  }

  setRefresh(refreshMs: number): void {
    this.#refreshMs = refreshMs;
    this.#reading.setRefresh(refreshMs);
    if (this.#filter !== undefined) this.#work();
  }

  /**
   * Resolves once the filter that was set last is in force: true; false where that cannot be had now for the reason that {@link status} gives,
   * or after {@link close}. It is tried further on, and `changed` tells when it is there.
   */
  applied(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const version = Math.max(1, this.#version);
    if (this.#done !== undefined && this.#done.version >= version) return Promise.resolve(this.#done.inForce);
    return new Promise(resolve => {
      this.#waiters = [...this.#waiters, { version, resolve }];
    });
  }

  status(): ApplyStatus {
    const nowMs = this.#options.clock.now();
    const way = [...this.#driver.tables()].flatMap(({ family, table }) =>
      [...this.#displacement.givenWay(family, table, nowMs)].map(chain => `${family} ${table} ${chain}`),
    );
    return {
      backends: this.#driver.chosen,
      unfiltered: new Set(this.#driver.unusable.keys()),
      inForce: this.#done?.version === this.#version && this.#done.inForce,
      counts: countOurs(this.#driver),
      applies: this.#applies,
      lastApply: this.#lastApply,
      waiting: this.#waiting,
      waitedMs: this.#waitedMs + (this.#waiting === undefined ? 0 : nowMs - this.#waiting.sinceMs),
      problems: applyProblems(this.#filter, this.#driver, this.#refused, way),
      exposures: this.#exposures.list,
      exposureCount: this.#exposures.count,
    };
  }

  /**
   * What the kernel has counted by the rules of policies and profiles, all families together.
   *
   * @throws where the tables cannot be read
   */
  async counters(): Promise<RuleCounters> {
    const counters = new RuleCounters(this.#filter);
    for (const [family, { backend }] of this.#driver.chosen)
      counters.add(family, await this.#options.kernel.saveCounters(backend, family));
    return counters;
  }

  /** Leaves everything in place. Resolves once nothing more is read or written. */
  close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const watch of this.#watches.values()) watch.close();
    this.#setWatch?.close();
    for (const { resolve } of this.#waiters) resolve(false);
    this.#waiters = [];
    return this.#idle;
  }

  #work(): void {
    this.#timer?.cancel();
    this.#again = true;
    if (this.#working || this.#closed) return;
    this.#working = true;
    this.#idle = this.#keepWorking();
  }

  async #keepWorking(): Promise<void> {
    const { clock } = this.#options;
    await this.#options.after;
    let pauseMs = 0;
    while (this.#again && !this.#closed) {
      this.#again = false;
      pauseMs = await this.#pass();
    }
    this.#working = false;
    if (this.#closed) return;
    this.#timer = clock.schedule(pauseMs, () => this.#work());
    this.#options.changed();
  }

  /** @returns how long to rest */
  async #pass(): Promise<number> {
    const { clock } = this.#options;
    let filter = this.#filter;
    if (filter === undefined) return this.#refreshMs;
    let version = this.#version;
    const beganMs = clock.now();
    try {
      await this.#reading.look([...new Set(filter.tables.map(({ family }) => family))]);
      // A newer one may have come meanwhile.
      filter = this.#filter ?? filter;
      version = this.#version;
      this.#giveWay();
      const outcome = await this.#driver.apply(filter, {
        isUrgent: () => this.#reading.isUrgent,
        inForce: () => this.#healed(),
      });
      if (outcome.busy !== undefined) return this.#isBusy(outcome.busy, beganMs, version);
      this.#isDone(outcome, beganMs, version);
      const dueMs = Math.min(this.#reading.dueMs, this.#driver.sets.tryAtMs);
      const restMs = Math.max(0, dueMs - clock.now());
      return outcome.more ? Math.min(LEFTOVERS_MS, restMs) : restMs;
    } catch (error) {
      // Another may do in place of a command that has gone, and that of one family is not needed for the other.
      if (error instanceof MissingCommandError) this.#reading.chooseAgain();
      return this.#isBusy((error as Error).message, beganMs, version);
    }
  }

  #damaged(damage: Damage, since: Since): void {
    this.#exposures.opened(damage, since);
    if (damage.kind === 'table') this.#displacement.seen(damage.plan, this.#options.clock.now());
  }

  #healed(): void {
    const { clock, log } = this.#options;
    for (const exposure of this.#exposures.closed(clock.now())) log('warn', 'healed', exposureText(exposure));
  }

  #giveWay(): void {
    const nowMs = this.#options.clock.now();
    for (const driver of this.#driver.tables())
      driver.leaveInPlace(this.#displacement.givenWay(driver.family, driver.table, nowMs));
  }

  #isBusy(reason: string, beganMs: number, version: number): number {
    if (this.#waiting?.reason !== reason)
      this.#options.log('warn', 'the packet filter cannot be written now', reason);
    this.#waiting = { reason, sinceMs: this.#waiting?.sinceMs ?? beganMs };
    // A look that failed takes nothing away of what is in force.
    const stays = this.#done?.version === version && this.#done.inForce && !this.#exposures.isExposed;
    this.#settle(version, stays);
    const restMs = this.#retryMs;
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * restMs);
    return restMs;
  }

  #isDone({ written, refused }: PassOutcome, beganMs: number, version: number): void {
    const nowMs = this.#options.clock.now();
    if (this.#waiting !== undefined) this.#waitedMs += nowMs - this.#waiting.sinceMs;
    this.#waiting = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    this.#refused = refused;
    if (written) {
      this.#applies++;
      this.#lastApply = { atMs: nowMs, tookMs: nowMs - beganMs };
    }
    this.#watchTables(written);
    this.#watchSets();
    this.#reading.right(nowMs, written);
    this.#settle(version, refused.length === 0);
  }

  #settle(version: number, inForce: boolean): void {
    this.#done = { version, inForce };
    const concerned = this.#waiters.filter(waiter => waiter.version <= version);
    this.#waiters = this.#waiters.filter(waiter => waiter.version > version);
    for (const { resolve } of concerned) resolve(inForce);
  }

  #watchTables(written: boolean): void {
    for (const backend of ['nft', 'legacy'] as const) {
      const tables = [...this.#driver.tables()].filter(
        ({ family }) => this.#driver.chosen.get(family)?.backend === backend,
      );
      if (tables.length === 0 && !this.#watches.has(backend)) continue;
      const watch = this.#watches.get(backend) ?? this.#openWatch(backend);
      watch?.watch(
        tables.map(({ family, table }) => ({ family, table })),
        written,
      );
    }
  }

  #watchSets(): void {
    this.#setWatch ??= this.#options.watches.sets({
      known: () => this.#driver.sets.certain,
      changed: atMostAgoMs => {
        this.#reading.heard('sets', { ms: this.#options.clock.now() - atMostAgoMs, exact: false });
        this.#work();
      },
      failed: reason => this.#options.log('warn', 'what others do to sets cannot be seen', reason),
    });
  }

  /** Without one, what others do is found at the next check. */
  #openWatch(backend: Implementation): ForeignWatch | undefined {
    try {
      const watch = this.#options.watches[backend](changes => this.#heard(backend, changes));
      this.#watches.set(backend, watch);
      return watch;
    } catch (error) {
      this.#options.log(
        'warn',
        `what others do to ${backend} tables cannot be heard`,
        (error as Error).message,
      );
      return undefined;
    }
  }

  #heard(backend: Implementation, changes: readonly ForeignChange[]): void {
    const nowMs = this.#options.clock.now();
    let any = false;
    for (const { family, table } of this.#driver.tables()) {
      if (this.#driver.chosen.get(family)?.backend !== backend) continue;
      const change = changes.find(
        one => one.table === undefined || (one.table.family === family && one.table.table === table),
      );
      if (change === undefined) continue;
      any = true;
      const { by, atMostAgoMs } = change;
      const since = {
        ms: nowMs - atMostAgoMs,
        exact: atMostAgoMs === 0,
        ...(by === undefined ? {} : { by }),
      };
      this.#reading.heard(`${family} ${table}`, since);
    }
    if (any) this.#work();
  }
}

function exposureText({ what, by, sinceMs, untilMs, exact }: Exposure): string {
  const ms = Math.round(untilMs! - sinceMs);
  const who = by === undefined ? '' : ` by ${by}`;
  return `${what} changed${who}, for ${exact ? '' : 'at most '}${ms} ms`;
}
