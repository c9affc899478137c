/**
 * From the sets that are there to those that should be (pure): inputs of `ipset -exist restore`. A set is filled before rules refer to it and
 * goes after the last one that did. Small changes are made member by member, additions first; large ones, and those of a set's size, in a set
 * beside it, which takes its place at one stroke. The kernel swaps sets of one type and family only; one of another type goes by a detour
 * ({@link detourOf}).
 */

import { noted } from '../changed-members.js';
import { type RenderedFilter, type RenderedRule, type RenderedSet, SET_PREFIX } from '../rendered.js';
import { ALL_PORTS, PORT_COUNT, type SavedSet } from './saved-sets.js';

export type SavedSets = ReadonlyMap<string, SavedSet>;

export interface SetPlan {
  readonly changes: readonly SetChange[];
  /** Ours, and nobody wants them: to be destroyed once no rule refers to them. */
  readonly obsolete: readonly string[];
  /** Of another type or family than they should be. */
  readonly mistyped: readonly string[];
}

export interface SetChange {
  readonly name: string;
  readonly way: 'create' | 'members' | 'swap';
  /** Of `ipset -exist restore`. */
  readonly lines: readonly string[];
  readonly added: number;
  readonly deleted: number;
  readonly after: SavedSet;
}

/** Up to so many changes, one by one is quicker than anything. */
const FEW_CHANGES = 2000;
const TEMPORARY = `${SET_PREFIX}-new-`;
const DETOUR = `${SET_PREFIX}-alt-`;

export function planSets(wanted: readonly RenderedSet[], found: SavedSets): SetPlan {
  const changes: SetChange[] = [];
  const mistyped: string[] = [];
  const names = new Set<string>();
  for (const set of wanted) {
    names.add(set.name);
    const saved = found.get(set.name);
    if (saved === undefined) changes.push(creation(set));
    else if (saved.type !== set.type || saved.family !== familyOf(set)) mistyped.push(set.name);
    else {
      const change = changeOf(set, saved, found, changes.length);
      if (change !== undefined) changes.push(change);
    }
  }
  const obsolete = [...found.keys()].filter(name => !names.has(name));
  return { changes, obsolete, mistyped };
}

/** A bitmap of ports knows no family. */
function familyOf({ type, family }: RenderedSet): SavedSet['family'] {
  return type === 'bitmap:port' ? undefined : family;
}

function limitOf({ type, maxElements }: RenderedSet): number {
  return type === 'bitmap:port' ? PORT_COUNT : maxElements;
}

function savedOf(set: RenderedSet): SavedSet {
  return {
    type: set.type,
    family: familyOf(set),
    maxElements: limitOf(set),
    plain: true,
    members: set.members,
  };
}

function filled(set: RenderedSet, name: string): string[] {
  const { type, family, maxElements, members } = set;
  const options =
    type === 'bitmap:port'
      ? ALL_PORTS
      : `family ${family === 'ipv4' ? 'inet' : 'inet6'} maxelem ${maxElements}`;
  const lines = [`create ${name} ${type} ${options}`];
  for (const member of members) lines.push(`add ${name} ${member}`);
  return lines;
}

function creation(set: RenderedSet): SetChange {
  const { name, members } = set;
  return {
    name,
    way: 'create',
    lines: filled(set, name),
    added: members.size,
    deleted: 0,
    after: savedOf(set),
  };
}

function changeOf(
  set: RenderedSet,
  saved: SavedSet,
  found: SavedSets,
  number: number,
): SetChange | undefined {
  const { name, members } = set;
  const fits = saved.plain && saved.maxElements === limitOf(set);
  if (fits && saved.members === members) return undefined;
  const difference = differenceOf(members, saved.members);
  const lines = difference.added.map(member => `add ${name} ${member}`);
  const added = lines.length;
  for (const member of difference.deleted) lines.push(`del ${name} ${member}`);
  const deleted = lines.length - added;
  if (fits && lines.length === 0) return undefined;
  const after = savedOf(set);
  // Additions come first: they must find room.
  const room = saved.members.size + added <= limitOf(set);
  if (fits && room && (lines.length <= FEW_CHANGES || lines.length < members.size))
    return { name, way: 'members', lines, added, deleted, after };
  const beside = `${TEMPORARY}${number}`;
  const swap = [
    ...(found.has(beside) ? [`destroy ${beside}`] : []),
    ...filled(set, beside),
    `swap ${beside} ${name}`,
    `destroy ${beside}`,
  ];
  return { name, way: 'swap', lines: swap, added, deleted, after };
}

function differenceOf(members: ReadonlySet<string>, saved: ReadonlySet<string>) {
  const known = noted(members);
  if (known?.before === saved) return { added: [...known.change.added], deleted: [...known.change.deleted] };
  return {
    added: [...members].filter(member => !saved.has(member)),
    deleted: [...saved].filter(member => !members.has(member)),
  };
}

/** What the sets are after one of the changes. */
export function changedSets(found: SavedSets, { name, way, after, lines }: SetChange): SavedSets {
  const sets = new Map(found).set(name, after);
  // What had been left over took part in the swap, and is gone.
  const [first = ''] = lines;
  if (way === 'swap' && first.startsWith('destroy ')) sets.delete(first.slice('destroy '.length));
  return sets;
}

/**
 * A set's type cannot be changed, and one that a rule refers to cannot be destroyed. So rules go over to sets of other names first: this is the
 * filter that does it, in which the mistyped sets are nobody's. Once they are destroyed, the filter proper brings the rules back.
 */
export function detourOf(filter: RenderedFilter, mistyped: readonly string[]): RenderedFilter {
  const names = new Map(mistyped.map((name, i) => [name, `${DETOUR}${i}`]));
  const renamed = (rule: RenderedRule): RenderedRule => {
    const text = rule.text.replaceAll(
      /--match-set (\S+)/g,
      (all, name: string) => `--match-set ${names.get(name) ?? all.slice('--match-set '.length)}`,
    );
    return text === rule.text ? rule : { ...rule, text };
  };
  const rulesOf = (rules: readonly RenderedRule[]) => {
    const changed = rules.map(renamed);
    return changed.every((rule, i) => rule === rules[i]) ? rules : changed;
  };
  return {
    sets: filter.sets.map(set => ({ ...set, name: names.get(set.name) ?? set.name })),
    tables: filter.tables.map(table => ({
      ...table,
      chains: new Map(
        [...table.chains].map(([name, chain]) => [name, { ...chain, rules: rulesOf(chain.rules) }]),
      ),
      hooks: table.hooks.map(hook => ({ ...hook, rules: rulesOf(hook.rules) })),
    })),
  };
}
