/**
 * What stands in for chains that the kernel refuses (pure). A workload gets a single DROP in place of the chain; host endpoints keep the rules
 * that were there last, for a host must not be cut off by a bad rule (its failsafes come first in any case); what everybody goes through loses
 * the refused rules alone. All is as it should be but for these chains.
 */
import type { RenderedChain, RenderedRule } from '../rendered.js';
import { hasBroken, hashRules, targetOf } from './rule-hash.js';
import { NO_HASH, type SavedTable } from './saved-tables.js';
import type { WantedTable } from './table-plan.js';

export interface Refusal {
  readonly chain: string;
  /** Of the rules that were refused: others may be taken. */
  readonly signature: string;
  /** Numbers of refused rules, as far as they were found out. */
  readonly rules: readonly number[];
  /** What the command said. */
  readonly reason: string;
}

/** What packets that would go through the chain meet. */
export type RefusalEffect = 'drop' | 'last-good' | 'left-out';

export interface Substitution {
  readonly wanted: WantedTable;
  /** Chains that stay as they are. */
  readonly kept: ReadonlySet<string>;
  readonly effects: ReadonlyMap<string, RefusalEffect>;
}

/** How keys of host endpoints begin. */
const HOST = 'HostEndpoint/';
/** In place of a workload's chain. */
const dropAll: readonly RenderedRule[] = [
  { text: '-j DROP', comments: ['The kernel refuses what should be here'] },
];

export function substitute(
  wanted: WantedTable,
  refusals: ReadonlyMap<string, Refusal>,
  found: SavedTable,
): Substitution {
  const kept = new Set<string>();
  const effects = new Map<string, RefusalEffect>();
  if (refusals.size === 0) return { wanted, kept, effects };
  const chains = new Map(wanted.chains);
  for (const refusal of refusals.values()) {
    const chain = wanted.chains.get(refusal.chain);
    if (chain === undefined || !stillRefused(refusal, chain)) continue;
    const effect = effectOn(chain, found);
    effects.set(chain.name, effect);
    if (effect === 'last-good') kept.add(chain.name);
    else if (effect === 'drop') chains.set(chain.name, { ...chain, rules: dropAll });
    else chains.set(chain.name, { ...chain, rules: withoutRefused(chain, refusal) });
  }
  if (kept.size > 0) closeToWorkloads(chains, kept);
  return { wanted: { ...wanted, chains }, kept, effects };
}

/** A chain of other rules than those that were refused has not been tried yet. */
export function stillRefused({ signature }: Refusal, { name, rules }: RenderedChain): boolean {
  return hashRules(name, rules).signature === signature;
}

/** What can be told without asking the kernel. */
export function refusedUnseen({ name: chain, rules }: RenderedChain): Refusal | undefined {
  if (!hasBroken(rules)) return undefined;
  const { signature, broken } = hashRules(chain, rules);
  return { chain, signature, rules: broken, reason: 'a rule is more than one line' };
}

function effectOn({ name, rules, endpoints }: RenderedChain, found: SavedTable): RefusalEffect {
  if (endpoints.length === 0) return 'left-out';
  if (!endpoints.some(key => key.startsWith(HOST))) return 'drop';
  const last = found.chains.get(name);
  const untouched = last !== undefined && !last.signature.split(' ').includes(NO_HASH);
  if (untouched) return 'last-good';
  // The way to a host's failsafes stays open; a policy of its own is closed.
  return hashRules(name, rules).refersTo.chains.size > 0 ? 'left-out' : 'drop';
}

function withoutRefused({ rules }: RenderedChain, refusal: Refusal): readonly RenderedRule[] {
  // Not knowing which, none.
  if (refusal.rules.length === 0) return [];
  return rules.filter((_, i) => !refusal.rules.includes(i));
}

/** A kept chain holds a host's last good rules: to a workload that comes by it, it is closed. */
function closeToWorkloads(chains: Map<string, RenderedChain>, kept: ReadonlySet<string>): void {
  const isHosts = ({ endpoints }: RenderedChain) => endpoints.some(key => key.startsWith(HOST));
  const closed = new Set(kept);
  for (let grown = true; grown; ) {
    grown = false;
    for (const chain of chains.values()) {
      if (closed.has(chain.name) || !isHosts(chain)) continue;
      if (!chain.rules.some(({ text }) => closed.has(targetOf(text)))) continue;
      closed.add(chain.name);
      grown = true;
    }
  }
  for (const chain of chains.values()) {
    if (chain.endpoints.length === 0 || isHosts(chain)) continue;
    if (!chain.rules.some(({ text }) => closed.has(targetOf(text)))) continue;
    const rules = chain.rules.map(rule =>
      closed.has(targetOf(rule.text)) ? { ...rule, text: rule.text.replace(/-[jg] \S+$/, '-j DROP') } : rule,
    );
    chains.set(chain.name, { ...chain, rules });
  }
}
