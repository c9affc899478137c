/**
 * From what a table holds to what it should hold (pure): the chains that differ, rules in built-in chains that are missing, changed or not in
 * their place, and what is left over. The input of `iptables-restore --noflush` changes the table at one stroke.
 */
import type { AddressFamily } from '../../core/ip-address.js';
import type { BuiltInChain, RenderedRule, RenderedTable, TableName } from '../rendered.js';
import { type HashedRules, hashRules } from './rule-hash.js';
import { chainsReached, type OwnRule, type SavedBuiltIn, type SavedTable } from './saved-tables.js';

export interface TablePlan {
  readonly family: AddressFamily;
  readonly table: TableName;
  readonly writes: readonly ChainWrite[];
  readonly hooks: readonly HookChange[];
  /** Chains of ours that nobody wants any more, after whatever refers to them. */
  readonly removals: readonly string[];
  /** The same, which others' rules refer to: emptied, and left. */
  readonly emptied: readonly string[];
}

export interface ChainWrite {
  readonly name: string;
  readonly rules: HashedRules;
  /** It is not there yet. */
  readonly isNew: boolean;
}

/** In one built-in chain all of ours goes, and what should be comes. */
export interface HookChange {
  readonly chain: string;
  readonly deleted: readonly OwnRule[];
  readonly first: HashedRules;
  readonly last: HashedRules;
}

export interface PlanOptions {
  /** Chains that stay as they are, whatever they should be; what they refer to stays too. */
  readonly kept?: ReadonlySet<string>;
  /** Built-in chains in which our rules are left where they are, if they are there. */
  readonly leftInPlace?: ReadonlySet<string>;
  /** Every other chain is known to be there as it should be. */
  readonly changed?: ReadonlySet<string> | undefined;
}

export type WantedTable = Pick<RenderedTable, 'family' | 'table' | 'chains' | 'hooks'>;

/** Nothing of ours. */
export function noTable(family: AddressFamily, table: TableName): WantedTable {
  return { family, table, chains: new Map(), hooks: [] };
}

export function planTable(
  wanted: WantedTable,
  found: SavedTable,
  { kept = new Set(), leftInPlace = new Set(), changed }: PlanOptions = {},
): TablePlan {
  const writes: ChainWrite[] = [];
  let there = wanted.chains.size;
  for (const name of changed ?? wanted.chains.keys()) {
    const { rules } = wanted.chains.get(name)!;
    const chain = found.chains.get(name);
    if (chain === undefined) {
      writes.push(newChain(name, rules));
      there--;
    } else if (!kept.has(name)) {
      const hashed = hashRules(name, rules);
      if (chain.signature !== hashed.signature) writes.push({ name, rules: hashed, isNew: false });
    }
  }
  const needed = chainsReached(found, kept);
  const removals: string[] = [];
  const emptied: string[] = [];
  // As many as should be there are: there are no others.
  for (const [name, chain] of found.chains.size === there ? [] : found.chains) {
    if (wanted.chains.has(name) || needed.has(name)) continue;
    if (!found.held.chains.has(name)) removals.push(name);
    else if (chain.signature !== '') emptied.push(name);
  }
  const { family, table } = wanted;
  return { family, table, writes, hooks: hookChanges(wanted, found, leftInPlace), removals, emptied };
}

/** There is nothing to compare it with: its rules are hashed when they are sent. */
function newChain(name: string, rules: readonly RenderedRule[]): ChainWrite {
  return {
    name,
    isNew: true,
    get rules() {
      return hashRules(name, rules);
    },
  };
}

export function isEmptyPlan({ writes, hooks, removals, emptied }: TablePlan): boolean {
  return writes.length + hooks.length + removals.length + emptied.length === 0;
}

function hookChanges(
  { hooks }: WantedTable,
  found: SavedTable,
  leftInPlace: ReadonlySet<string>,
): readonly HookChange[] {
  const names = new Set<string>(hooks.map(({ chain }) => chain));
  for (const [name, { own }] of found.builtIn) if (own.length > 0) names.add(name);
  const changes: HookChange[] = [];
  for (const chain of names) {
    const at = (place: 'first' | 'last') =>
      hashRules(
        `${chain} ${place}`,
        hooks.filter(hook => hook.chain === chain && hook.place === place).flatMap(hook => hook.rules),
      );
    const [first, last] = [at('first'), at('last')];
    const builtIn = found.builtIn.get(chain) ?? noRules;
    if (hooked(builtIn, first, last, leftInPlace.has(chain))) continue;
    changes.push({ chain: chain as BuiltInChain, deleted: builtIn.own, first, last });
  }
  return changes;
}

const noRules: SavedBuiltIn = { ruleCount: 0, own: [] };

function hooked(
  { ruleCount, own }: SavedBuiltIn,
  first: HashedRules,
  last: HashedRules,
  anywhere: boolean,
): boolean {
  const [before, after] = [first.lines.length, last.lines.length];
  if (own.length !== before + after) return false;
  const found = own.map(({ hash }) => hash).join(' ');
  if (found !== [first.signature, last.signature].filter(one => one !== '').join(' ')) return false;
  if (anywhere) return true;
  return own.every(({ index }, i) => index === (i < before ? i : ruleCount - own.length + i));
}

/** What the table is after the plan was carried out. */
export function plannedTable(found: SavedTable, { writes, hooks, removals, emptied }: TablePlan): SavedTable {
  const chains = new Map(found.chains);
  for (const { name, rules } of writes) chains.set(name, rules);
  for (const name of emptied)
    chains.set(name, { signature: '', refersTo: { chains: new Set(), sets: new Set() } });
  for (const name of removals) chains.delete(name);
  if (hooks.length === 0) return { ...found, chains };
  const builtIn = new Map(found.builtIn);
  for (const { chain, deleted, first, last } of hooks) {
    const others = (builtIn.get(chain)?.ruleCount ?? 0) - deleted.length;
    const own = [...ownRules(first, 0), ...ownRules(last, first.lines.length + others)];
    builtIn.set(chain, { ruleCount: others + own.length, own });
  }
  return { ...found, chains, builtIn };
}

function ownRules({ lines, signature }: HashedRules, from: number): readonly OwnRule[] {
  const hashes = signature.split(' ');
  return lines.map((text, i) => ({ index: from + i, hash: hashes[i]!, text }));
}
