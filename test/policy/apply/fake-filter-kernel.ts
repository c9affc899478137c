/**
 * A host's iptables, both backends and families, and its ipsets: takes what the real commands take, refuses what they refuse, prints rules
 * otherwise than they were given, counts, waits for a lock, and fails when told to.
 */
import type { AddressFamily } from '../../../core/ip-address.js';
import type { Implementation, VariantUsage } from '../../../linux/iptables-choice.js';
import { usageOf } from '../../../linux/iptables-choice.js';
import type { IpsetHeader } from '../../../linux/netlink/ipset.js';
import {
  type FilterKernel,
  MissingCommandError,
  NoSetsError,
  type WriteOutcome,
} from '../../../policy/apply/kernel.js';
import type { TableName } from '../../../policy/rendered.js';

interface FakeTable {
  /** Of built-in chains. */
  readonly policies: ReadonlyMap<string, string>;
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

interface FakeSet {
  readonly type: string;
  readonly options: string;
  readonly members: Set<string>;
  /** No two have the same. */
  readonly initial: number;
}

export type Operation = 'saveTables' | 'restoreTable' | 'saveSets' | 'restoreSets' | 'destroySet';

const builtInChains: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};

export class FakeFilterKernel implements FilterKernel {
  /** By "nft ipv4 filter". */
  readonly tables = new Map<string, FakeTable>();
  readonly sets = new Map<string, FakeSet>();
  readonly missing = new Set<Implementation | AddressFamily>();
  /** There is no ipset: what sets there are go on, and nobody gets at them. */
  setless: string | undefined;
  /** Can be read, and take nothing. */
  readonly deaf = new Set<Implementation | AddressFamily>();
  preference: Implementation | undefined = 'nft';
  /** Rules that are refused; with the line that is to blame, as by a command, or without, as by the legacy variant's kernel. */
  refuses: ((rule: string, chain: string) => boolean) | undefined;
  saysWhere = true;
  /** Members that no set takes. */
  refusesMember: ((member: string, set: string) => boolean) | undefined;
  /** Restores wait for it: true: it was to be had in time. */
  lock: (() => Promise<boolean>) | undefined;
  /** Commands take their time. */
  takes: ((operation: Operation) => Promise<void>) | undefined;
  readonly calls = { saveTables: 0, restoreTable: 0, saveSets: 0, restoreSets: 0, destroySet: 0 };
  /** Lines that were taken, in order. */
  readonly written: string[] = [];
  /** What a rule, as it is printed, has counted. */
  packets: (rule: string) => number = () => 0;
  /** After every change. */
  stepped: () => void = () => {};
  #initial = 0;
  #failures: { operation: Operation; skip: number; outcome: 'busy' | 'refused' | 'half' }[] = [];

  /** @param skip calls that still succeed */
  failNext(operation: Operation, outcome: 'busy' | 'refused' | 'half' = 'refused', skip = 0): void {
    this.#failures.push({ operation, outcome, skip });
  }

  get writes(): number {
    return this.calls.restoreTable + this.calls.restoreSets + this.calls.destroySet;
  }

  // ---------------------------------------------------------------- another's hand

  putRules(
    backend: Implementation,
    family: AddressFamily,
    table: TableName,
    ...lines: readonly string[]
  ): void {
    const key = `${backend} ${family} ${table}`;
    const { table: changed, problem } = this.#changed(this.tables.get(key) ?? newTable(table), lines);
    if (problem !== undefined) throw new Error(problem.reason);
    this.tables.set(key, changed);
  }

  putSets(...lines: readonly string[]): void {
    for (const line of lines) this.#changeSet(line);
  }

  flush(backend: Implementation, family: AddressFamily, table: TableName): void {
    this.tables.delete(`${backend} ${family} ${table}`);
  }

  rules(backend: Implementation, family: AddressFamily, table: TableName, chain: string) {
    return this.tables.get(`${backend} ${family} ${table}`)?.chains.get(chain);
  }

  /** Everything, for comparison; without our hashes, if so wanted, and without tables that hold nothing. */
  snapshot(select: (line: string) => boolean = () => true): readonly string[] {
    const lines: string[] = [];
    for (const [key, { policies, chains }] of this.tables) {
      for (const [chain, rules] of chains) {
        if (!policies.has(chain)) lines.push(`${key} :${chain}`);
        lines.push(...rules.map(rule => `${key} -A ${chain} ${rule}`));
      }
    }
    const sets = [...this.sets].map(
      ([name, { type, options, members }]) =>
        `set ${name} ${type} ${options} ${[...members].sort().join(' ')}`,
    );
    // The order of rules inside a chain counts, that of chains does not.
    return [...groups(lines), ...sets.sort()].filter(select);
  }

  // ---------------------------------------------------------------- the port

  async saveTables(backend: Implementation, family: AddressFamily, tables?: readonly TableName[]) {
    if (this.#isMissing(backend, family))
      throw new MissingCommandError(`iptables-${backend}-save is not installed`);
    const failure = await this.#enter('saveTables');
    if (failure !== undefined) throw new Error('iptables-save: it failed');
    return this.#save(backend, family, tables);
  }

  async saveCounters(backend: Implementation, family: AddressFamily) {
    const counted = (line: string) =>
      line.startsWith('-A') ? `[${this.packets(line)}:${84 * this.packets(line)}] ${line}` : line;
    return (await this.saveTables(backend, family)).split('\n').map(counted).join('\n');
  }

  async restoreTable(
    backend: Implementation,
    family: AddressFamily,
    pieces: string | Iterable<string>,
  ): Promise<WriteOutcome> {
    const input = [...pieces].join('');
    const failure = await this.#enter('restoreTable');
    if (this.#isMissing(backend, family)) return { kind: 'busy', reason: 'no such command' };
    if (this.lock !== undefined && !(await this.lock()))
      return { kind: 'busy', reason: 'Another app is currently holding the xtables lock.' };
    if (failure === 'busy') return { kind: 'busy', reason: 'Resource temporarily unavailable' };
    if (failure !== undefined) return { kind: 'refused', reason: 'Invalid argument', line: undefined };
    if (this.deaf.has(backend) || this.deaf.has(family))
      return { kind: 'refused', reason: 'TABLE_ADD failed', line: undefined };
    const lines = input.split('\n');
    const table = lines[0]!.slice(1) as TableName;
    const key = `${backend} ${family} ${table}`;
    if (lines.at(-1) !== '' || lines.at(-2) !== 'COMMIT') throw new Error('the input has no end');
    const { table: changed, problem } = this.#changed(
      this.tables.get(key) ?? newTable(table),
      lines.slice(1, -2),
    );
    if (problem !== undefined) {
      const line = this.saysWhere ? problem.index + 2 : lines.length - 1;
      return { kind: 'refused', reason: problem.reason, line };
    }
    this.tables.set(key, changed);
    this.written.push(...lines.slice(1, -2).map(line => `${key} ${line}`));
    this.stepped();
    return { kind: 'done' };
  }

  async saveSets() {
    const failure = await this.#enter('saveSets');
    if (this.setless !== undefined) throw new NoSetsError(this.setless);
    if (failure !== undefined) throw new Error('ipset: it failed');
    const lines: string[] = [];
    for (const [name, { type, options, members }] of this.sets) {
      lines.push(`create ${name} ${type} ${options} bucketsize 12 initval 0xabcdef01`);
      for (const member of members) lines.push(`add ${name} ${member}`);
    }
    return `${lines.join('\n')}\n`;
  }

  /** What the kernel itself tells of its sets. */
  setHeaders(): ReadonlyMap<string, IpsetHeader> {
    return new Map(
      [...this.sets].map(([name, { type, options, members, initial }]) => {
        const family = / inet6 /.test(` ${options} `) ? 'ipv6' : 'ipv4';
        const fingerprint = `${initial} ${options} ${members.size}`;
        return [name, { name, type, family, elements: members.size, fingerprint }];
      }),
    );
  }

  async restoreSets(input: string): Promise<WriteOutcome> {
    const failure = await this.#enter('restoreSets');
    if (this.setless !== undefined) return { kind: 'refused', reason: this.setless, line: undefined };
    if (failure === 'busy') return { kind: 'busy', reason: 'it was ended' };
    if (failure === 'refused') return { kind: 'refused', reason: 'Kernel error received', line: undefined };
    const lines = input.trimEnd().split('\n');
    for (const [i, line] of lines.entries()) {
      if (failure === 'half' && i > lines.length >> 1)
        return { kind: 'refused', reason: 'Kernel error received', line: i + 1 };
      try {
        this.#changeSet(line);
      } catch (error) {
        return { kind: 'refused', reason: (error as Error).message, line: i + 1 };
      }
      this.written.push(line);
      this.stepped();
    }
    return { kind: 'done' };
  }

  async destroySet(name: string): Promise<WriteOutcome> {
    const failure = await this.#enter('destroySet');
    if (this.setless !== undefined) return { kind: 'refused', reason: this.setless, line: undefined };
    if (failure !== undefined) return { kind: 'refused', reason: 'Kernel error received', line: undefined };
    try {
      this.#changeSet(`destroy ${name}`);
    } catch (error) {
      return { kind: 'refused', reason: (error as Error).message, line: undefined };
    }
    this.written.push(`destroy ${name}`);
    this.stepped();
    return { kind: 'done' };
  }

  async usage(backend: Implementation, family: AddressFamily): Promise<VariantUsage> {
    return this.#isMissing(backend, family) ? 'missing' : usageOf(this.#save(backend, family));
  }

  async preferred() {
    return this.preference;
  }

  isOwnChild() {
    return false;
  }

  // ---------------------------------------------------------------- the kernel

  #isMissing(backend: Implementation, family: AddressFamily): boolean {
    return this.missing.has(backend) || this.missing.has(family);
  }

  async #enter(operation: Operation): Promise<'busy' | 'refused' | 'half' | undefined> {
    await new Promise(resolve => setImmediate(resolve));
    this.calls[operation]++;
    await this.takes?.(operation);
    const next = this.#failures.find(one => one.operation === operation);
    if (next === undefined) return undefined;
    if (next.skip-- > 0) return undefined;
    this.#failures = this.#failures.filter(one => one !== next);
    return next.outcome;
  }

  #save(backend: Implementation, family: AddressFamily, tables?: readonly TableName[]): string {
    const lines: string[] = [];
    for (const [key, { policies, chains }] of this.tables) {
      const [of, kind, table] = key.split(' ') as [Implementation, AddressFamily, TableName];
      if (of !== backend || kind !== family || !(tables?.includes(table) ?? true)) continue;
      lines.push(`# Generated by iptables-save`, `*${table}`);
      for (const chain of chains.keys()) lines.push(`:${chain} ${policies.get(chain) ?? '-'} [12:3456]`);
      for (const [chain, rules] of chains) lines.push(...rules.map(rule => `-A ${chain} ${rule}`.trimEnd()));
      lines.push('COMMIT', '# Completed');
    }
    return `${lines.join('\n')}\n`;
  }

  #changed(
    before: FakeTable,
    lines: readonly string[],
  ): { table: FakeTable; problem: { index: number; reason: string } | undefined } {
    const chains = new Map([...before.chains].map(([name, rules]) => [name, [...rules]]));
    const table = { policies: before.policies, chains };
    for (const [index, line] of lines.entries()) {
      const reason = this.#problemOf(chains, before.policies, line);
      if (reason !== undefined) return { table, problem: { index, reason } };
    }
    return { table, problem: undefined };
  }

  /** Carries out a line. @returns why not */
  #problemOf(
    chains: Map<string, string[]>,
    policies: ReadonlyMap<string, string>,
    line: string,
  ): string | undefined {
    const [, named] = /^:(\S+) - \[0:0\]$/.exec(line) ?? [];
    if (named !== undefined) {
      if (policies.has(named)) return `${named}: a built-in chain is named`;
      chains.set(named, []);
      return undefined;
    }
    const [, verb, chain = '', , text = ''] = /^-([AIDX]) (\S+)( (.*))?$/.exec(line) ?? [];
    const rules = chains.get(chain);
    if (verb === undefined) return `${line}: not understood`;
    if (rules === undefined) return `${chain}: No chain/target/match by that name`;
    const rule = printed(text);
    if (verb === 'D') {
      const at = rules.indexOf(rule);
      if (at < 0) return 'Bad rule (does a matching rule exist in that chain?)';
      rules.splice(at, 1);
    } else if (verb === 'X') {
      const used = [...chains.values()].flat().some(one => new RegExp(` -[jg] ${chain}$`).test(` ${one}`));
      if (used || rules.length > 0) return 'CHAIN_DEL failed (Device or resource busy)';
      chains.delete(chain);
    } else {
      const problem = this.#refusal(rule, chain, chains);
      if (problem !== undefined) return problem;
      if (verb === 'A') rules.push(rule);
      else rules.unshift(rule);
    }
    return undefined;
  }

  #refusal(rule: string, chain: string, chains: ReadonlyMap<string, unknown>): string | undefined {
    if (this.refuses?.(rule, chain) === true) return 'Invalid argument';
    for (const [, set] of rule.matchAll(/--match-set (\S+)/g))
      if (!this.sets.has(set!)) return `Set ${set} doesn't exist.`;
    const target = / -[jg] ([a-z]\S*)$/.exec(` ${rule}`)?.[1];
    if (target !== undefined && !chains.has(target)) return `Chain '${target}' does not exist`;
    return undefined;
  }

  #changeSet(line: string): void {
    const [verb = '', name = '', ...words] = line.split(' ');
    const set = this.sets.get(name);
    if (verb === 'create') {
      const [type = '', ...options] = words;
      const wanted = { type, options: options.join(' ') };
      if (set === undefined) this.sets.set(name, { ...wanted, members: new Set(), initial: this.#initial++ });
      else if (set.type !== wanted.type || set.options !== wanted.options)
        throw new Error('Set cannot be created: set with the same name already exists');
      return;
    }
    if (set === undefined) throw new Error('The set with the given name does not exist');
    if (verb === 'add') this.#add(name, set, words.join(' '));
    else if (verb === 'del') set.members.delete(words[0]!);
    else if (verb === 'flush') set.members.clear();
    else if (verb === 'destroy') {
      if (this.#isReferenced(name))
        throw new Error('Set cannot be destroyed: it is in use by a kernel component');
      this.sets.delete(name);
    } else if (verb === 'swap') {
      const other = this.sets.get(words[0]!);
      if (other === undefined) throw new Error('The set with the given name does not exist');
      if (familyOf(other) !== familyOf(set) || other.type !== set.type)
        throw new Error('The sets cannot be swapped: their type does not match');
      this.sets.set(name, other).set(words[0]!, set);
    } else throw new Error(`${verb}: no such command`);
  }

  #add(name: string, set: FakeSet, member: string): void {
    if (this.refusesMember?.(member, name) === true) throw new Error('Syntax error: cannot parse');
    const limit = Number(/maxelem (\d+)/.exec(set.options)?.[1] ?? 65536);
    if (set.members.size >= limit && !set.members.has(member))
      throw new Error('Hash is full, cannot add more elements');
    set.members.add(member);
  }

  #isReferenced(name: string): boolean {
    return [...this.tables.values()].some(({ chains }) =>
      [...chains.values()].flat().some(rule => `${rule} `.includes(`--match-set ${name} `)),
    );
  }
}

function familyOf({ options }: FakeSet): string | undefined {
  return /family (\S+)/.exec(options)?.[1];
}

function newTable(table: TableName): FakeTable {
  const names = builtInChains[table];
  return {
    policies: new Map(names.map(name => [name, 'ACCEPT'])),
    chains: new Map(names.map(name => [name, []])),
  };
}

/** iptables prints the protocol before any match, however it was given. */
function printed(rule: string): string {
  const protocol = / -p \S+/.exec(` ${rule}`)?.[0];
  if (protocol === undefined) return rule;
  return `${protocol.slice(1)} ${` ${rule}`.replace(protocol, '').slice(1)}`.trimEnd();
}

/** Lines of one chain stay in order. */
function groups(lines: readonly string[]): readonly string[] {
  const byChain = new Map<string, string[]>();
  for (const line of lines) {
    const key = line
      .replace(/ :(\S+)$/, ' -A $1')
      .split(' ')
      .slice(0, 5)
      .join(' ');
    byChain.set(key, [...(byChain.get(key) ?? []), line]);
  }
  return [...byChain].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, group]) => group);
}
