/** What applying has come to, as plain data for people and metrics. */
import type { AddressFamily } from '../../core/ip-address.js';
import type { RenderedFilter, RuleOrigin, TableName } from '../rendered.js';
import type { Exposure } from './exposures.js';
import type { ChosenBackend, FilterDriver, PassOutcome } from './filter-driver.js';
import type { KeptRefusal } from './refusal-memory.js';
import type { RefusalEffect } from './refusals.js';

export interface ApplyStatus {
  readonly backends: ReadonlyMap<AddressFamily, ChosenBackend>;
  /** Families that should be filtered and cannot be, for want of an iptables that takes rules. */
  readonly unfiltered: ReadonlySet<AddressFamily>;
  /** The newest filter is in force, but for {@link problems}. */
  readonly inForce: boolean;
  /** Of ours in the kernel. */
  readonly counts: {
    readonly chains: number;
    readonly rules: number;
    readonly sets: number;
    readonly members: number;
  };
  /** Passes that had something to write, and restores that were waited for. */
  readonly applies: number;
  readonly lastApply: { readonly atMs: number; readonly tookMs: number } | undefined;
  /** Why it is not over: a lock that another holds, a tool that is missing. Since when is on the clock's scale. */
  readonly waiting: { readonly reason: string; readonly sinceMs: number } | undefined;
  /** How long was waited in all for what was busy. */
  readonly waitedMs: number;
  readonly problems: readonly ApplyProblem[];
  readonly exposures: readonly Exposure[];
  readonly exposureCount: number;
}

export interface ApplyProblem {
  /** Whom it concerns; empty: the host. */
  readonly endpoints: readonly string[];
  /** "ipv4 filter" and the like, or the name of a set. */
  readonly where: string;
  readonly chain?: string;
  /** The rule's text and origin, where it was found out. */
  readonly rules: readonly { readonly text: string; readonly origin: RuleOrigin | undefined }[];
  readonly reason: string;
  /** What packets meet; absent: nothing of what should be there. */
  readonly effect?: RefusalEffect;
}

export function applyProblems(
  filter: RenderedFilter | undefined,
  driver: FilterDriver,
  refused: PassOutcome['refused'],
  givenWay: readonly string[],
): readonly ApplyProblem[] {
  const problems: ApplyProblem[] = [];
  const add = (where: string, reason: string) => problems.push({ endpoints: [], where, rules: [], reason });
  for (const table of driver.tables())
    for (const refusal of table.refused) problems.push(chainProblem(filter, table, refusal));
  for (const { family, table, reason } of refused) add(`${family} ${table}`, reason);
  for (const [family, reason] of driver.unusable)
    if (filter?.tables.some(table => table.family === family) === true) add(family, reason);
  if (driver.sets.lacking !== undefined) add('sets', driver.sets.lacking);
  else for (const [name, { reason }] of driver.sets.bad) add(`set ${name}`, reason);
  for (const [name, reason] of driver.sets.stuck) add(`set ${name}`, `cannot be removed: ${reason}`);
  if (driver.unswept !== undefined) add('the other iptables', driver.unswept);
  for (const where of givenWay)
    add(
      where,
      'another program keeps putting its rules before ours; ours are left where they are for a minute',
    );
  return problems;
}

function chainProblem(
  filter: RenderedFilter | undefined,
  { family, table }: { readonly family: AddressFamily; readonly table: TableName },
  { chain, rules, reason, effect }: KeptRefusal,
): ApplyProblem {
  const rendered = filter?.tables
    .find(one => one.family === family && one.table === table)
    ?.chains.get(chain);
  return {
    endpoints: rendered?.endpoints ?? [],
    where: `${family} ${table}`,
    chain,
    rules: rules.flatMap(number => {
      const rule = rendered?.rules[number];
      return rule === undefined ? [] : [{ text: rule.text, origin: rule.origin }];
    }),
    reason,
    effect,
  };
}

export function countOurs(driver: FilterDriver): ApplyStatus['counts'] {
  let [chains, rules, members] = [0, 0, 0];
  for (const { found } of driver.tables()) {
    chains += found.chains.size;
    for (const { signature } of found.chains.values())
      if (signature !== '') rules += signature.split(' ').length;
    for (const { own } of found.builtIn.values()) rules += own.length;
  }
  for (const set of driver.sets.found.values()) members += set.members.size;
  return { chains, rules, sets: driver.sets.found.size, members };
}
