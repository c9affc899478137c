/**
 * What `iptables-save` says of a table, as far as it concerns us (pure): chains of ours by their rules' hashes, rules of ours in built-in
 * chains and where they stand, and what others' rules hold fast of ours.
 */
import { HASH_PREFIX, TUNNEL_GUARD_COMMENT } from '../../linux/rule-comments.js';
import { CHAIN_PREFIX, type TableName } from '../rendered.js';
import { ReferenceList, type References, targetOf } from './rule-hash.js';

export interface SavedTable {
  /** Ours, by name. */
  readonly chains: ReadonlyMap<string, SavedChain>;
  /** The built-in ones, by name; those without any rule may be missing. */
  readonly builtIn: ReadonlyMap<string, SavedBuiltIn>;
  /** What rules of others refer to. */
  readonly held: References;
}

export interface SavedChain {
  /** Hashes in order, as in `HashedRules`; {@link NO_HASH} for a rule that has none. */
  readonly signature: string;
  readonly refersTo: References;
}

export interface SavedBuiltIn {
  readonly ruleCount: number;
  readonly own: readonly OwnRule[];
}

/** A rule of ours in a built-in chain. */
export interface OwnRule {
  /** From 0. */
  readonly index: number;
  readonly hash: string;
  /** As printed, after `-A CHAIN `: `-D` takes it. */
  readonly text: string;
}

/** Of a rule that somebody else put into a chain of ours. */
export const NO_HASH = '?';

export const emptyTable: SavedTable = {
  chains: new Map(),
  builtIn: new Map(),
  held: { chains: new Set(), sets: new Set() },
};

/** @param saved what `iptables-save` prints, of one table or several */
export function parseSavedTables(saved: string): ReadonlyMap<TableName, SavedTable> {
  const tables = new Map<TableName, SavedTable>();
  let reader: TableReader | undefined;
  for (let at = 0; at < saved.length; ) {
    const newline = saved.indexOf('\n', at);
    const end = newline < 0 ? saved.length : newline;
    const first = saved[at];
    if (first === '-') reader?.rule(saved.slice(at, end));
    else if (first === ':') reader?.chain(saved.slice(at + 1, end));
    else if (first === '*') {
      reader = new TableReader();
      tables.set(saved.slice(at + 1, end).trim() as TableName, reader.table);
    }
    at = end + 1;
  }
  return tables;
}

class TableReader {
  readonly #chains = new Map<string, { signature: string; refersTo: ReferenceList }>();
  readonly #builtIn = new Map<string, { ruleCount: number; own: OwnRule[] }>();
  readonly #held = new ReferenceList();
  readonly table: SavedTable = { chains: this.#chains, builtIn: this.#builtIn, held: this.#held };

  /** "INPUT ACCEPT [0:0]", "mgy-x - [0:0]" */
  chain(line: string): void {
    const [name = '', policy] = line.split(' ');
    if (name.startsWith(CHAIN_PREFIX))
      this.#chains.set(name, { signature: '', refersTo: new ReferenceList() });
    else if (policy !== '-') this.#builtIn.set(name, { ruleCount: 0, own: [] });
  }

  /** "-A CHAIN ..." */
  rule(line: string): void {
    const blank = line.indexOf(' ', 3);
    const name = line.slice(3, blank < 0 ? line.length : blank);
    const text = blank < 0 ? '' : line.slice(blank + 1);
    const chain = this.#chains.get(name);
    if (chain !== undefined) {
      const hash = hashOf(text) ?? NO_HASH;
      chain.signature = chain.signature === '' ? hash : `${chain.signature} ${hash}`;
      chain.refersTo.add(text);
      return;
    }
    const builtIn = this.#builtIn.get(name);
    const hash = builtIn === undefined ? undefined : hashOf(text);
    if (hash !== undefined) builtIn!.own.push({ index: builtIn!.ruleCount, hash, text });
    else if (text.includes(CHAIN_PREFIX) || text.includes('--match-set ')) {
      const target = targetOf(text);
      if (target.startsWith(CHAIN_PREFIX) || text.includes('--match-set ')) this.#held.add(text);
    }
    if (builtIn !== undefined && !TUNNEL_GUARD.test(text)) builtIn.ruleCount++;
  }
}

/**
 * The rule in front of tunnels (ipip/input-chain.ts) lets nothing in that policy would deny, so that it does not matter which of the two comes
 * first: it counts as not there.
 */
const TUNNEL_GUARD = new RegExp(`--comment "?${TUNNEL_GUARD_COMMENT}"? `);

const COMMENT = '--comment ';

/** What follows {@link HASH_PREFIX} in the first comment that begins with it; undefined: the rule is not ours. */
export function hashOf(rule: string): string | undefined {
  for (let at = rule.indexOf(COMMENT); at >= 0; at = rule.indexOf(COMMENT, at)) {
    at += COMMENT.length;
    if (rule[at] === '"') at++;
    if (!rule.startsWith(HASH_PREFIX, at)) continue;
    at += HASH_PREFIX.length;
    let end = at;
    while (end < rule.length && rule[end] !== '"' && rule[end] !== ' ') end++;
    return rule.slice(at, end);
  }
  return undefined;
}

/** Which of our chains are needed by those named, themselves included. */
export function chainsReached(table: SavedTable, from: Iterable<string>): ReadonlySet<string> {
  const reached = new Set<string>();
  const pending = [...from];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const chain = table.chains.get(name);
    if (chain === undefined || reached.has(name)) continue;
    reached.add(name);
    pending.push(...chain.refersTo.chains);
  }
  return reached;
}
