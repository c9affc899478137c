/**
 * SHELL: reads back what the packet filter holds: at once what was heard of, everything now and then, and which iptables the host uses. What was
 * heard of goes before all else, amid a check as well: on a busy machine that takes a second.
 */
import type { Clock } from '../../core/clock.js';
import type { AddressFamily } from '../../core/ip-address.js';
import { CheckSchedule } from './check-schedule.js';
import { damageKey } from './exposures.js';
import type { Damage, FilterDriver, FilterReader } from './filter-driver.js';

/** Of others' doing: when it was done, or the last moment at which it was not yet, and who. */
export interface Since {
  readonly ms: number;
  readonly exact: boolean;
  readonly by?: string;
}

export interface ReadingOptions {
  readonly driver: FilterDriver;
  readonly clock: Clock;
  /** Reading back although nothing was heard. */
  readonly refreshMs: number;
  /** Others have done this to what was ours. */
  readonly damaged: (damage: Damage, since: Since) => void;
  /** There is a filter that nobody has tried to write yet. */
  readonly isWaiting: () => boolean;
}

/** Of a family for which there was no iptables. */
const UNUSABLE_MS = 10_000;
/** Others may write all the time: reading back takes a third of it at most, or half where a read is long. */
const MOST_DEAF_MS = 250;
/** So often a check lets something newer pass before it reads a part of what it has to. */
const MOST_OVERTAKEN = 3;

export class Reading {
  readonly #options: ReadingOptions;
  readonly #checks: CheckSchedule;
  #refreshMs: number;
  /** What others may have changed, by key. */
  readonly #heard = new Map<string, Since>();
  /** When what was heard of is read. */
  #hearAtMs = 0;
  /** When a table, or the sets, were last seen to be right. */
  readonly #rightMs = new Map<string, number>();
  /** What was read since, and when that began. */
  #readMs = new Map<string, number>();
  /** What is left of a check, and for how long it has been reading. */
  #unread: readonly FilterReader[] = [];
  #checkTookMs = 0;
  /** Of a family that was chosen just now all is known before anything is written. */
  #isFirst = false;
  #overtaken = 0;
  #overtake: (() => void) | undefined;
  /** Families that are left to be looked at for which iptables they use; when all are again, and those that have none. */
  #unchosen: readonly AddressFamily[] = [];
  #chooseAtMs = 0;
  #unusableAtMs = 0;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#checks = new CheckSchedule(options.refreshMs);
    this.#refreshMs = options.refreshMs;
  }

  setRefresh(refreshMs: number): void {
    const nowMs = this.#options.clock.now();
    this.#refreshMs = refreshMs;
    this.#checks.setRefresh(refreshMs, nowMs);
    this.#chooseAtMs = Math.min(this.#chooseAtMs, nowMs + refreshMs);
  }

  /** @param key of a table, or of all sets */
  heard(key: string, since: Since): void {
    if (!this.#heard.has(key)) this.#heard.set(key, since);
  }

  /**
   * A filter has come: a check lets it pass. What is being fetched then is dropped, since nobody could tell what of the writing it has seen;
   * what was read before stays read.
   */
  overtake(): void {
    this.#overtake?.();
  }

  /** Something was heard of and is to be read now, whatever else there is to do. */
  get isUrgent(): boolean {
    return this.#heard.size > 0 && this.#options.clock.now() >= this.#hearAtMs;
  }

  /** When {@link look} is to be called next, whatever happens. */
  get dueMs(): number {
    if (this.#unread.length + this.#unchosen.length > 0) return 0;
    return Math.min(
      this.#checks.dueMs,
      this.#heard.size > 0 ? this.#hearAtMs : Number.POSITIVE_INFINITY,
      this.#options.driver.unusable.size > 0 ? this.#unusableAtMs : Number.POSITIVE_INFINITY,
    );
  }

  /** A command has gone: which iptables the host uses is looked at again. */
  chooseAgain(): void {
    this.#chooseAtMs = 0;
  }

  /** Reads what is due, as far as nothing else is more urgent. @throws where something cannot be read, or no family has an iptables */
  async look(families: readonly AddressFamily[]): Promise<void> {
    if (await this.#readHeard()) return;
    await this.#choose(families);
    await this.#check(families);
    await this.#readHeard();
  }

  /** All that was read is as it should be. @param written something had to be written */
  right(nowMs: number, written: boolean): void {
    if (written) this.#checks.written(nowMs);
    const tables = [...this.#options.driver.tables()].map(({ family, table }) => `${family} ${table}`);
    // What was not read is as right as it was before: writing tells nothing of what others have done to the rest of it.
    for (const key of ['sets', ...tables])
      this.#rightMs.set(key, this.#readMs.get(key) ?? this.#rightMs.get(key) ?? nowMs);
    this.#readMs = new Map();
  }

  /** @returns whether there is something to be mended */
  async #readHeard(): Promise<boolean> {
    const { clock, driver } = this.#options;
    if (!this.isUrgent) return false;
    const beganMs = clock.now();
    let damaged = false;
    const wanted = new Set(this.#heard.keys());
    for (const reader of driver.readers(driver.chosen.keys()))
      if (wanted.has(reader.key)) damaged = (await this.#read(reader)) === true || damaged;
    // Of what there is no more.
    for (const key of wanted) if (!this.#readMs.has(key)) this.#heard.delete(key);
    const tookMs = clock.now() - beganMs;
    this.#hearAtMs = clock.now() + Math.min(2 * tookMs, Math.max(tookMs, MOST_DEAF_MS));
    return damaged;
  }

  async #choose(families: readonly AddressFamily[]): Promise<void> {
    const { clock, driver } = this.#options;
    const nowMs = clock.now();
    const untried = families.some(family => !driver.chosen.has(family) && !driver.unusable.has(family));
    if (untried || nowMs >= this.#chooseAtMs) {
      this.#unchosen = families;
      driver.sweepAgain();
      this.#chooseAtMs = nowMs + this.#refreshMs;
      this.#unusableAtMs = nowMs + UNUSABLE_MS;
    } else if (driver.unusable.size > 0 && nowMs >= this.#unusableAtMs) {
      this.#unchosen = [...driver.unusable.keys()];
      this.#unusableAtMs = nowMs + UNUSABLE_MS;
    }
    while (this.#unchosen.length > 0 && !this.isUrgent) {
      const [family, ...rest] = this.#unchosen;
      // Its tables are to be read for the first time.
      if (await driver.choose(family!)) {
        this.#unread = driver.readers(families);
        this.#isFirst = true;
      }
      this.#unchosen = rest;
    }
    const [reason] = driver.unusable.values();
    if (reason === undefined || driver.chosen.size > 0) return;
    this.chooseAgain();
    throw new Error(reason);
  }

  async #check(families: readonly AddressFamily[]): Promise<void> {
    const { clock, driver, isWaiting } = this.#options;
    if (this.#unread.length === 0) {
      if (!this.#checks.isDue(clock.now())) return;
      this.#unread = driver.readers(families);
    }
    while (this.#unread.length > 0 && !this.isUrgent) {
      const patient = this.#isFirst || this.#overtaken >= MOST_OVERTAKEN;
      const [reader, ...rest] = this.#unread;
      const beganMs = clock.now();
      const done = patient || !isWaiting() ? await this.#read(reader!, { patient }) : undefined;
      this.#checkTookMs += clock.now() - beganMs;
      if (done === undefined) {
        this.#overtaken++;
        return;
      }
      this.#overtaken = 0;
      this.#unread = rest;
    }
    if (this.#unread.length > 0) return;
    this.#isFirst = false;
    this.#checks.read(clock.now(), this.#checkTookMs);
    this.#checkTookMs = 0;
  }

  /** @returns whether there is something to be mended; undefined: it was overtaken, and nothing is known */
  async #read({ key, fetch }: FilterReader, { patient = true } = {}): Promise<boolean | undefined> {
    const { clock, damaged } = this.#options;
    const heard = this.#heard.get(key);
    this.#heard.delete(key);
    const beganMs = clock.now();
    let take: (() => readonly Damage[]) | undefined;
    try {
      take = await (patient ? fetch() : this.#unlessOvertaken(fetch()));
    } finally {
      if (take === undefined && heard !== undefined) this.#heard.set(key, heard);
    }
    if (take === undefined) return undefined;
    const damages = take();
    this.#readMs.set(key, beganMs);
    for (const damage of damages) {
      const of = damageKey(damage);
      const right = { ms: this.#rightMs.get(of) ?? beganMs, exact: false };
      damaged(damage, heard ?? this.#heard.get(of) ?? right);
    }
    return damages.length > 0;
  }

  async #unlessOvertaken<T>(fetched: Promise<T>): Promise<T | undefined> {
    // Nobody may be waiting for it any more when it fails.
    fetched.catch(() => {});
    const overtaken = new Promise<undefined>(resolve => {
      this.#overtake = () => resolve(undefined);
    });
    try {
      return await Promise.race([fetched, overtaken]);
    } finally {
      this.#overtake = undefined;
    }
  }
}
