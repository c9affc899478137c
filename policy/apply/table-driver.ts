/**
 * SHELL: one table of one family in one backend, made what it should be. What it holds is remembered from reading and writing, so that an apply
 * that changes nothing runs nothing. A restore that is refused is read back and tried again; after that the refused chains are found, something
 * stands in for them (refusals.ts), and the rest is in force.
 */

import type { Clock } from '../../core/clock.js';
import type { AddressFamily } from '../../core/ip-address.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import type { TableName } from '../rendered.js';
import {
  type Attempt,
  findRefusedChains,
  findRefusedRules,
  type RefusedAttempt,
  SearchFailure,
} from './find-refused.js';
import type { FilterKernel } from './kernel.js';
import { withKnownRules } from './known-rules.js';
import { placeholders, scratchPlan } from './placeholders.js';
import { type KeptRefusal, RefusalMemory } from './refusal-memory.js';
import { type Refusal, type Substitution, substitute } from './refusals.js';
import { type BadSets, refusalsBySets } from './refused-sets.js';
import { onlyWrites, restorePieces, ruleAtLine } from './restore-text.js';
import { hashRules } from './rule-hash.js';

import { emptyTable, parseSavedTables, type SavedTable } from './saved-tables.js';
import {
  type ChainWrite,
  isEmptyPlan,
  noTable,
  plannedTable,
  planTable,
  type TablePlan,
  type WantedTable,
} from './table-plan.js';

export interface TableDriverOptions {
  readonly kernel: Pick<FilterKernel, 'saveTables' | 'restoreTable'>;
  readonly clock: Clock;
  readonly backend: Implementation;
  readonly family: AddressFamily;
  readonly table: TableName;
}

export type TableOutcome =
  /** All is as it should be, but for {@link TableDriver.refused}. */
  | { readonly kind: 'done'; readonly written: boolean }
  /** Nothing was done, or nobody knows: to be tried again. */
  | { readonly kind: 'busy'; readonly reason: string }
  /** Something else than chains is refused. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Before a refused restore is tried again, after reading back. */
const RETRY_PAUSES_MS = [20, 100];
/** Of finding refused chains and putting something in their place. */
const MOST_ROUNDS = 3;

export class TableDriver {
  readonly #options: TableDriverOptions;
  readonly #memory: RefusalMemory;
  /** Undefined: to be read first. */
  #found: SavedTable | undefined;
  /** What it was made last. */
  #applied: Substitution | undefined;
  /** What it was to be made last. */
  #wanted: WantedTable | undefined;
  /** What was found or written when all of that was there, and nothing in place of it. */
  #agreed: { readonly wanted: WantedTable; readonly found: SavedTable } | undefined;
  /** The same for what it was to be before, and chains in which it is to be another now. */
  #before: { readonly found: SavedTable; readonly changed: ReadonlySet<string> } | undefined;
  #bySets: ReadonlyMap<string, Refusal> = new Map();
  #leftInPlace: ReadonlySet<string> = new Set();

  constructor(options: TableDriverOptions) {
    this.#options = options;
    this.#memory = new RefusalMemory(options.clock);
  }

  get family(): AddressFamily {
    return this.#options.family;
  }

  get table(): TableName {
    return this.#options.table;
  }

  /** As found or written last. */
  get found(): SavedTable {
    return this.#found ?? emptyTable;
  }

  get known(): boolean {
    return this.#found !== undefined;
  }

  /** Chains that something stands in for. */
  get refused(): readonly KeptRefusal[] {
    const effects = this.#applied?.effects ?? new Map();
    return [...this.#bySets.values(), ...this.#memory.refusals.values()].flatMap(refusal => {
      const effect = effects.get(refusal.chain);
      return effect === undefined ? [] : [{ ...refusal, effect }];
    });
  }

  /** Built-in chains in which our rules need not be the first or the last. */
  leaveInPlace(chains: ReadonlySet<string>): void {
    this.#leftInPlace = chains;
  }

  /**
   * Reads the table. @returns what would have to be done to make it again what it was made last: others' doing; undefined: nothing
   * @throws where it cannot be read
   */
  async read(): Promise<TablePlan | undefined> {
    return (await this.fetch())();
  }

  /** The same in two steps: asks the kernel, and changes nothing before what it returns is called. */
  async fetch(): Promise<() => TablePlan | undefined> {
    const { kernel, backend, family, table } = this.#options;
    const saved = await kernel.saveTables(backend, family, [table]);
    return () => this.took(parseSavedTables(saved).get(table) ?? emptyTable);
  }

  /** The same, read already. */
  took(found: SavedTable): TablePlan | undefined {
    this.#found = found;
    if (this.#applied === undefined) return undefined;
    const { wanted, kept } = this.#applied;
    const plan = planTable(wanted, found, { kept, leftInPlace: this.#leftInPlace });
    if (!isEmptyPlan(plan)) return plan;
    this.#agree();
    return undefined;
  }

  /** What {@link apply} would do first. */
  plan(wanted: WantedTable, badSets: BadSets = new Map()): TablePlan {
    return this.#planOf(this.#substitution(wanted, badSets));
  }

  /** @throws where the table cannot be read */
  async apply(rendered: WantedTable, badSets: BadSets = new Map()): Promise<TableOutcome> {
    const { wanted, changed } = withKnownRules(rendered, this.#wanted);
    this.#begin(wanted, changed);
    this.#memory.forgetOutdated(wanted);
    if (this.#found === undefined) await this.read();
    let written = false;
    for (let round = 0; ; round++) {
      const outcome = await this.#tryToApply(wanted, badSets);
      written ||= outcome.kind === 'done' && outcome.written;
      if (outcome.kind === 'done') return { kind: 'done', written };
      if (outcome.kind === 'busy') return outcome;
      if (round === MOST_ROUNDS) return { kind: 'refused', reason: outcome.reason };
      try {
        const found = await this.#findRefused(wanted, badSets, outcome);
        if (found === 0) return await this.#withoutRemovals(wanted, badSets, outcome);
      } catch (error) {
        if (!(error instanceof SearchFailure)) throw error;
        return { kind: error.attempt.kind === 'busy' ? 'busy' : 'refused', reason: error.message };
      }
    }
  }

  #substitution(wanted: WantedTable, badSets: BadSets): Substitution {
    this.#bySets = refusalsBySets(wanted, badSets);
    const refusals = new Map([...this.#memory.unseen(wanted), ...this.#bySets]);
    return substitute(wanted, refusals, this.found);
  }

  #planOf({ wanted, kept }: Substitution): TablePlan {
    const stands = wanted === this.#wanted && this.#before?.found === this.#found;
    const changed = stands ? this.#before?.changed : undefined;
    return planTable(wanted, this.found, { kept, leftInPlace: this.#leftInPlace, changed });
  }

  async #tryToApply(
    wanted: WantedTable,
    badSets: BadSets,
  ): Promise<RefusedAttempt | Exclude<TableOutcome, { kind: 'refused' }>> {
    for (let retry = 0; ; retry++) {
      const substitution = this.#substitution(wanted, badSets);
      const plan = this.#planOf(substitution);
      const nothing = isEmptyPlan(plan);
      const outcome: Attempt = nothing ? { kind: 'done' } : await this.#restore(plan);
      if (outcome.kind === 'done') {
        this.#applied = substitution;
        this.#agree();
        return { kind: 'done', written: !nothing };
      }
      if (outcome.kind === 'busy') return outcome;
      if (retry === RETRY_PAUSES_MS.length) return outcome;
      await new Promise<void>(resolve => this.#options.clock.schedule(RETRY_PAUSES_MS[retry]!, resolve));
      await this.read();
    }
  }

  /** What has been agreed upon counts until something else is tried: that may come to no end. */
  #begin(wanted: WantedTable, changed: ReadonlySet<string> | undefined): void {
    const agreed = this.#agreed?.wanted === this.#wanted ? this.#agreed : undefined;
    this.#before =
      agreed === undefined || changed === undefined ? undefined : { found: agreed.found, changed };
    this.#agreed = undefined;
    this.#wanted = wanted;
  }

  /** The table holds what was applied last. */
  #agree(): void {
    const [applied, found] = [this.#applied?.wanted, this.#found];
    // Where something stands in for a chain it is another table that was applied.
    const all = applied !== undefined && applied === this.#wanted && found !== undefined;
    this.#agreed = all ? { wanted: applied, found } : undefined;
  }

  async #restore(plan: TablePlan): Promise<Attempt> {
    const { kernel, backend, family } = this.#options;
    const outcome = await kernel.restoreTable(backend, family, restorePieces(plan));
    if (outcome.kind === 'done') this.#found = plannedTable(this.found, plan);
    // A command that was ended may have done it.
    else if (outcome.kind === 'busy') this.#found = undefined;
    if (outcome.kind !== 'refused') return outcome;
    const at = outcome.line === undefined ? undefined : ruleAtLine(plan, outcome.line);
    return { kind: 'refused', reason: outcome.reason, at };
  }

  /** @returns how many chains are refused @throws SearchFailure */
  async #findRefused(wanted: WantedTable, badSets: BadSets, failed: RefusedAttempt): Promise<number> {
    await this.read();
    const substitution = this.#substitution(wanted, badSets);
    const first = await this.#restore(placeholders(this.#planOf(substitution), wanted));
    if (first.kind !== 'done') throw new SearchFailure(first);
    const plan = this.#planOf(substitution);
    const attempt = (part: readonly ChainWrite[]) => this.#restore(onlyWrites(plan, part));
    if (plan.writes.length === 0) return 0;
    const refused = await findRefusedChains(plan.writes, failed, attempt);
    for (const [name, { reason }] of refused) {
      const chain = wanted.chains.get(name)!;
      const rules = await this.#findRules(plan, name);
      this.#memory.add({ chain: name, signature: hashRules(name, chain.rules).signature, rules, reason });
    }
    return refused.size;
  }

  /** In a chain that no packet comes by. */
  async #findRules(plan: TablePlan, name: string): Promise<readonly number[]> {
    const { lines } = plan.writes.find(write => write.name === name)!.rules;
    const scratch = (rules: readonly number[]) =>
      scratchPlan(
        plan,
        rules.map(i => lines[i]!),
      );
    const found = await findRefusedRules(lines.length, async rules => {
      const outcome = await this.#restore(scratch(rules));
      if (outcome.kind !== 'refused' || outcome.at === undefined) return outcome;
      return { ...outcome, at: { chain: name, rule: rules[outcome.at.rule]! } };
    });
    const { chain } = scratch([]).writes.map(write => ({ chain: write.name }))[0]!;
    const removal = { ...onlyWrites(plan, []), removals: [chain] };
    if (this.found.chains.has(chain)) await this.#restore(removal);
    return found;
  }

  /** It is not the chains: rules in built-in chains matter more than leftovers. */
  async #withoutRemovals(
    wanted: WantedTable,
    badSets: BadSets,
    failed: RefusedAttempt,
  ): Promise<TableOutcome> {
    const substitution = this.#substitution(wanted, badSets);
    const plan = { ...this.#planOf(substitution), removals: [], emptied: [] };
    const outcome: Attempt = isEmptyPlan(plan) ? { kind: 'done' } : await this.#restore(plan);
    if (outcome.kind === 'busy') return outcome;
    return { kind: 'refused', reason: outcome.kind === 'refused' ? outcome.reason : failed.reason };
  }

  /** Nothing of ours is left in it. @throws where it cannot be read */
  async clear(): Promise<TableOutcome> {
    return await this.apply(noTable(this.family, this.table));
  }
}
