/**
 * SHELL: all of a host's packet filter that is ours, made what it should be, in this order: sets, which rules refer to; tables; sets that no
 * rule refers to any more. One backend a family; what is ours in the other is swept once the chosen one holds everything.
 */

import type { Clock } from '../../core/clock.js';
import type { AddressFamily } from '../../core/ip-address.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import type { RenderedFilter, TableName } from '../rendered.js';
import { type BackendSetting, backendReason, backendsToTry } from './backend-choice.js';
import type { FilterKernel } from './kernel.js';
import { ReferenceList } from './rule-hash.js';
import { parseSavedTables, type SavedTable } from './saved-tables.js';
import { SetDriver } from './set-driver.js';
import { detourOf, type SetPlan } from './set-plan.js';
import { TableDriver } from './table-driver.js';
import { isEmptyPlan, noTable, type TablePlan, type WantedTable } from './table-plan.js';

export interface ApplyOptions {
  /** Something else is: leftovers wait. */
  readonly isUrgent: () => boolean;
  /** Called once everything is as it should be, but for leftovers. */
  readonly inForce: () => void;
}

export interface FilterDriverOptions {
  readonly kernel: FilterKernel;
  readonly clock: Clock;
  readonly backend: BackendSetting;
}

export interface PassOutcome {
  readonly written: boolean;
  /** Why it is not over: the pass is to be made again soon. */
  readonly busy: string | undefined;
  /** What is refused beside chains and sets. */
  readonly refused: readonly {
    readonly family: AddressFamily;
    readonly table: TableName;
    readonly reason: string;
  }[];
  /** There are leftovers to be removed. */
  readonly more: boolean;
}

/** What others have done to what was ours. */
export type Damage =
  | { readonly kind: 'table'; readonly plan: TablePlan }
  | { readonly kind: 'sets'; readonly plan: SetPlan };

/** Reads a part of what is ours, by its key: all sets, or a table. */
export interface FilterReader {
  readonly key: string;
  /**
   * Asks the kernel, and changes nothing before what it returns is called.
   *
   * @returns what takes note of the answer, and says what others have done to it
   * @throws where it cannot be read
   */
  readonly fetch: () => Promise<() => readonly Damage[]>;
}

export interface FilterPlan {
  readonly sets: SetPlan;
  readonly tables: readonly TablePlan[];
}

export interface ChosenBackend {
  readonly backend: Implementation;
  readonly reason: string;
}

const families = ['ipv4', 'ipv6'] as const;
const backends = ['nft', 'legacy'] as const;
const DETOUR_TRIES = 5;
const DETOUR_PAUSE_MS = 50;
const PROBE = ['*filter\n:mgy-try - [0:0]\nCOMMIT\n', '*filter\n:mgy-try - [0:0]\n-X mgy-try\nCOMMIT\n'];

/** It cannot be told now. */
class BusyError extends Error {}

export class FilterDriver {
  readonly #options: FilterDriverOptions;
  readonly sets: SetDriver;
  readonly #chosen = new Map<AddressFamily, ChosenBackend>();
  readonly #tables = new Map<AddressFamily, Map<TableName, TableDriver>>();
  readonly #unusable = new Map<AddressFamily, string>();
  #swept = false;
  #unswept: string | undefined;

  constructor(options: FilterDriverOptions) {
    this.#options = options;
    this.sets = new SetDriver(options.kernel, options.clock);
  }

  get chosen(): ReadonlyMap<AddressFamily, ChosenBackend> {
    return this.#chosen;
  }

  *tables(): Generator<TableDriver> {
    for (const tables of this.#tables.values()) yield* tables.values();
  }

  table(family: AddressFamily, table: TableName): TableDriver | undefined {
    return this.#tables.get(family)?.get(table);
  }

  /**
   * Chooses a backend for each family, anew; a family that has none does not stop the other.
   *
   * @param probe whether one may be tried by writing
   * @throws where none has one
   */
  async chooseAll(wanted: readonly AddressFamily[], { probe = true } = {}): Promise<void> {
    for (const family of wanted) await this.choose(family, probe);
    const [reason] = this.#unusable.values();
    if (reason !== undefined && this.#unusable.size === wanted.length) throw new Error(reason);
  }

  /** One's, anew. @returns whether its tables are others than before, and to be read */
  async choose(family: AddressFamily, probe = true): Promise<boolean> {
    const before = this.#tables.get(family);
    try {
      await this.#choose(family, probe);
      this.#unusable.delete(family);
    } catch (error) {
      if (error instanceof BusyError) throw error;
      this.#unusable.set(family, (error as Error).message);
    }
    return this.#tables.get(family) !== before;
  }

  /** Families for which there is no iptables that can be used, and why. */
  get unusable(): ReadonlyMap<AddressFamily, string> {
    return this.#unusable;
  }

  /** @throws where no iptables can be used */
  async #choose(family: AddressFamily, probe: boolean): Promise<void> {
    const { kernel, backend: setting } = this.#options;
    const [nft, legacy, preferred] = await Promise.all([
      kernel.usage('nft', family),
      kernel.usage('legacy', family),
      kernel.preferred(),
    ]);
    const usage = { nft, legacy };
    const current = this.#chosen.get(family)?.backend;
    if (current !== undefined && usage[current] === 'missing') {
      this.#chosen.delete(family);
      this.#tables.delete(family);
    }
    const facts = { usage, preferred, current };
    const reasons: string[] = [];
    for (const backend of backendsToTry(setting, facts)) {
      const known = current === backend;
      const reason =
        known || !probe ? undefined : await this.#whyUnusable(backend, family, usage[backend] === 'used');
      if (reason !== undefined) {
        reasons.push(reason);
        continue;
      }
      if (!known) this.#tables.set(family, new Map());
      if (!known) this.#swept = false;
      this.#chosen.set(family, { backend, reason: backendReason(backend, setting, facts) });
      return;
    }
    const command = family === 'ipv4' ? 'iptables' : 'ip6tables';
    throw new Error(
      reasons.length > 0 ? reasons.join('; ') : `${command} is not installed: apt-get install iptables`,
    );
  }

  /** Some kernels can be asked for everything, and take nothing. What holds anything has taken it. */
  async #whyUnusable(
    backend: Implementation,
    family: AddressFamily,
    used: boolean,
  ): Promise<string | undefined> {
    const { kernel } = this.#options;
    if (used) return undefined;
    const saved = await kernel.saveTables(backend, family).catch(() => '');
    if (parseSavedTables(saved).size > 0) return undefined;
    for (const input of PROBE) {
      let outcome = await kernel.restoreTable(backend, family, input);
      // Once may be chance, and the choice is for long.
      if (outcome.kind === 'refused') outcome = await kernel.restoreTable(backend, family, input);
      if (outcome.kind === 'busy') throw new BusyError(outcome.reason);
      if (outcome.kind === 'refused') return `${backend}: ${outcome.reason}`;
    }
    return undefined;
  }

  /** Reads all of ours, and a family's tables for the first time. @throws where something cannot be read */
  async read(families: readonly AddressFamily[]): Promise<void> {
    for (const { fetch } of this.readers(families)) (await fetch())();
  }

  /** The same one by one. */
  readers(wanted: Iterable<AddressFamily>): readonly FilterReader[] {
    const sets = async () => {
      const take = await this.sets.fetch();
      return () => {
        const plan = take();
        return plan === undefined ? [] : [{ kind: 'sets', plan } as const];
      };
    };
    const readers: FilterReader[] = [{ key: 'sets', fetch: sets }];
    for (const family of wanted) {
      const tables = this.#tables.get(family);
      if (tables?.size === 0) readers.push({ key: family, fetch: () => this.#fetchFamily(family) });
      for (const driver of tables?.values() ?? [])
        readers.push({
          key: `${family} ${driver.table}`,
          fetch: async () => {
            const take = await driver.fetch();
            return () => {
              const plan = take();
              return plan === undefined ? [] : [{ kind: 'table', plan }];
            };
          },
        });
    }
    return readers;
  }

  /** What is ours in it; nothing is known of it. */
  async #fetchFamily(family: AddressFamily): Promise<() => readonly Damage[]> {
    const { backend } = this.#chosen.get(family)!;
    const saved = await this.#options.kernel.saveTables(backend, family);
    return () => {
      for (const [table, found] of parseSavedTables(saved))
        if (hasOurs(found)) this.#driver(family, table).took(found);
      return [];
    };
  }

  /** What {@link apply} would do, as far as is known without trying. */
  plan(filter: RenderedFilter): FilterPlan {
    const plans = this.#wanted(filter).map(wanted =>
      this.#driver(wanted.family, wanted.table).plan(wanted, this.sets.bad),
    );
    return { sets: this.sets.plan(filter.sets), tables: plans.filter(plan => !isEmptyPlan(plan)) };
  }

  /** @throws where something cannot be read */
  async apply(filter: RenderedFilter, options: ApplyOptions): Promise<PassOutcome> {
    const sets = await this.sets.apply(filter.sets);
    if (sets.kind === 'busy') return { written: false, busy: sets.reason, refused: [], more: false };
    if (sets.mistyped.length === 0) return await this.#applyTables(filter, sets.written, options);
    const aside = await this.#apply(detourOf(filter, sets.mistyped), options);
    if (aside.busy !== undefined || !(await this.#destroyed(sets.mistyped))) return { ...aside, more: true };
    return await this.#apply(filter, options);
  }

  async #apply(filter: RenderedFilter, options: ApplyOptions): Promise<PassOutcome> {
    const sets = await this.sets.apply(filter.sets);
    if (sets.kind === 'busy') return { written: true, busy: sets.reason, refused: [], more: false };
    return await this.#applyTables(filter, true, options);
  }

  async #applyTables(
    filter: RenderedFilter,
    setsWritten: boolean,
    { isUrgent, inForce }: ApplyOptions,
  ): Promise<PassOutcome> {
    let written = setsWritten;
    const refused: PassOutcome['refused'][number][] = [];
    for (const wanted of this.#wanted(filter)) {
      const { family, table } = wanted;
      const outcome = await this.#driver(family, table).apply(wanted, this.sets.bad);
      if (outcome.kind === 'busy') return { written: true, busy: outcome.reason, refused, more: false };
      if (outcome.kind === 'refused') refused.push({ family, table, reason: outcome.reason });
      else written ||= outcome.written;
    }
    inForce();
    if (!this.#swept && refused.length === 0) written = (await this.#sweep(isUrgent)) || written;
    const more = await this.sets.removeObsolete(filter.sets, () => this.#heldSets(), isUrgent);
    return { written, busy: undefined, refused, more };
  }

  /** Every table that should hold something of ours, or does. */
  #wanted(filter: RenderedFilter): readonly WantedTable[] {
    const wanted = filter.tables.filter(({ family }) => this.#chosen.has(family));
    const names = new Set(wanted.map(({ family, table }) => `${family} ${table}`));
    const leftovers = [...this.tables()].filter(
      driver => !names.has(`${driver.family} ${driver.table}`) && hasOurs(driver.found),
    );
    return [...wanted, ...leftovers.map(({ family, table }) => noTable(family, table))];
  }

  #driver(family: AddressFamily, table: TableName): TableDriver {
    const tables = this.#tables.get(family)!;
    let driver = tables.get(table);
    if (driver === undefined) {
      const { kernel, clock } = this.#options;
      const { backend } = this.#chosen.get(family)!;
      driver = new TableDriver({ kernel, clock, backend, family, table });
      tables.set(table, driver);
    }
    return driver;
  }

  #heldSets(): ReadonlySet<string> {
    const held = new ReferenceList();
    for (const { found } of this.tables()) {
      for (const { refersTo } of found.chains.values()) for (const set of refersTo.sets) held.sets.add(set);
      for (const set of found.held.sets) held.sets.add(set);
      for (const { own } of found.builtIn.values()) for (const { text } of own) held.add(text);
    }
    return held.sets;
  }

  /** Rules have just left them, which the kernel takes a moment to notice. */
  async #destroyed(names: readonly string[]): Promise<boolean> {
    const { clock } = this.#options;
    for (let tries = 0; tries < DETOUR_TRIES; tries++) {
      const left = names.filter(name => this.sets.found.has(name));
      if (left.length === 0) return true;
      await this.sets.destroy(left);
      if (left.some(name => this.sets.found.has(name)))
        await new Promise<void>(resolve => clock.schedule(DETOUR_PAUSE_MS, resolve));
    }
    return !names.some(name => this.sets.found.has(name));
  }

  /** What is ours in the backends that were not chosen goes: nobody is less protected for what stays. @returns whether there was anything */
  async #sweep(isUrgent: () => boolean): Promise<boolean> {
    let written = false;
    this.#unswept = undefined;
    for (const family of families) {
      const inUse = this.#chosen.get(family)?.backend;
      for (const backend of backends) {
        if (backend === inUse) continue;
        if (isUrgent()) return written;
        try {
          written = (await this.#clear(backend, family)) || written;
        } catch (error) {
          this.#unswept = (error as Error).message;
        }
      }
    }
    this.#swept = true;
    return written;
  }

  /** Why something of ours is left in a backend that is not in use. */
  get unswept(): string | undefined {
    return this.#unswept;
  }

  /** To be looked for again: others of us may have come by. */
  sweepAgain(): void {
    this.#swept = false;
  }

  async #clear(backend: Implementation, family: AddressFamily): Promise<boolean> {
    const { kernel, clock } = this.#options;
    const saved = await kernel.saveTables(backend, family).catch(() => '');
    let written = false;
    // Mangle marks what filter must take the mark from: it goes first.
    const inOrder = [...parseSavedTables(saved)].sort(
      ([a], [b]) => Number(b === 'mangle') - Number(a === 'mangle'),
    );
    for (const [table, found] of inOrder) {
      if (!hasOurs(found)) continue;
      const driver = new TableDriver({ kernel, clock, backend, family, table });
      driver.took(found);
      const outcome = await driver.clear();
      if (outcome.kind !== 'done') throw new Error(`${backend} ${family} ${table}: ${outcome.reason}`);
      written = true;
    }
    return written;
  }

  /** Nothing of ours is left, in any backend. @throws where something is and would not go */
  async clear(): Promise<void> {
    for (const family of families) for (const backend of backends) await this.#clear(backend, family);
    this.#tables.clear();
    await this.sets.read();
    for (let names = [...this.sets.found.keys()]; names.length > 0; ) {
      await this.#destroyed(names);
      const left = [...this.sets.found.keys()];
      if (left.length === names.length) throw new Error(`sets that are in use: ${left.join(', ')}`);
      names = left;
    }
  }
}

function hasOurs({ chains, builtIn }: SavedTable): boolean {
  return chains.size > 0 || [...builtIn.values()].some(({ own }) => own.length > 0);
}
