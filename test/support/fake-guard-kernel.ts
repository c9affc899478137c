/**
 * Two iptables and the ipsets of a host: takes what the real commands take, refuses what the kernel refuses, counts, fails when told to, and
 * says what would become of a packet, after each step that another packet could fall between.
 */
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress } from '../../core/prefix.js';
import { type GuardFirewall, ToolMissingError } from '../../ipip/guard-firewall.js';
import { encapsulationKey, type GuardedEncapsulation, parseInputChain } from '../../ipip/input-chain.js';
import { type Variant, variants } from '../../ipip/packet-filter.js';
import { usageOf } from '../../linux/iptables-choice.js';

interface FakeSet {
  type: string;
  options: string;
  /** What stands behind an element, e.g. " nomatch". */
  elements: Map<string, string>;
}

/** One variant's filter table. */
interface FakeTable {
  policy: 'ACCEPT' | 'DROP';
  /** By chain, without "-A CHAIN ". */
  chains: Map<string, string[]>;
}

type Operation = 'readSet' | 'restoreSets' | 'destroySet' | 'readInput' | 'restoreRules';

export class FakeGuardKernel implements GuardFirewall {
  sets = new Map<string, FakeSet>();
  tables: Record<Variant, FakeTable> = {
    'iptables-nft': newTable(),
    'iptables-legacy': newTable(),
    'ip6tables-nft': newTable(),
    'ip6tables-legacy': newTable(),
  };
  /** Sets that rules of others refer to. */
  readonly held = new Set<string>();
  readonly missing = new Set<'ipset' | Variant>();
  /** Variants whose every change fails, though they can be read: what kernels without nf_tables do. */
  readonly deaf = new Set<Variant>();
  drops: readonly string[] = [];
  readonly calls = { readSet: 0, restoreSets: 0, destroySet: 0, readInput: 0, restoreRules: 0 };
  /** What was written, a line each, in order. */
  readonly written: string[] = [];
  /** After every change that a packet could fall behind. */
  stepped: () => void = () => {};
  /** Rules wait for it, as for the lock that another program holds. */
  lock: Promise<void> | undefined;
  readonly #failures: { readonly operation: Operation; readonly message: string }[] = [];

  failNext(
    operation: Operation,
    times = 1,
    message = 'Kernel error received: Resource temporarily unavailable',
  ) {
    for (let i = 0; i < times; i++) this.#failures.push({ operation, message });
  }

  get writes(): number {
    return this.calls.restoreSets + this.calls.destroySet + this.calls.restoreRules;
  }

  // ---------------------------------------------------------------- another's hand

  /** By `ipset restore` and `iptables-restore` input, without counting. */
  put(...lines: readonly string[]): void {
    for (const line of lines) this.#changeSet(line);
  }

  putRules(variant: Variant, ...lines: readonly string[]): void {
    this.tables[variant] = this.#changedTable(variant, lines);
  }

  members(name: string): readonly string[] {
    return [...(this.sets.get(name)?.elements.keys() ?? [])].sort();
  }

  rules(variant: Variant, chain: string): readonly string[] | undefined {
    return this.tables[variant].chains.get(chain);
  }

  /** Everything, for comparison. */
  snapshot(): unknown {
    const tables = variants.map(name => [this.tables[name].policy, [...this.tables[name].chains].sort()]);
    return [[...this.sets].map(([name, set]) => [name, set.type, this.members(name)]).sort(), tables];
  }

  /** What becomes of an encapsulated packet to this host: each variant's INPUT has its say. */
  verdict(source: IpAddress, encapsulation: GuardedEncapsulation): 'accepted' | 'dropped' {
    return variants.every(variant => this.#passes(variant, source, encapsulation)) ? 'accepted' : 'dropped';
  }

  // ---------------------------------------------------------------- the port

  async readSet(name: string) {
    await this.#enter('readSet', 'ipset');
    const set = this.sets.get(name);
    if (set === undefined) return undefined;
    const lines = [...set.elements].map(([element, options]) => `add ${name} ${element}${options}`);
    return `${[`create ${name} ${set.type} ${set.options}`.trim(), ...lines].join('\n')}\n`;
  }

  async setNames() {
    if (this.missing.has('ipset')) throw new ToolMissingError('ipset');
    return [...this.sets.keys()];
  }

  async restoreSets(input: string) {
    const lines = input.trimEnd().split('\n');
    // What fails has done a part.
    const failure = await this.#enter('restoreSets', 'ipset').catch((error: Error) => error);
    for (const line of failure === undefined ? lines : lines.slice(0, lines.length >> 1)) {
      this.#changeSet(line);
      this.written.push(line);
      this.stepped();
    }
    if (failure !== undefined) throw failure;
  }

  async destroySet(name: string) {
    await this.#enter('destroySet', 'ipset');
    if (!this.sets.has(name)) return;
    this.#changeSet(`destroy ${name}`);
    this.written.push(`destroy ${name}`);
    this.stepped();
  }

  async readInput(variant: Variant) {
    if (this.missing.has(variant)) return undefined;
    await this.#enter('readInput');
    await this.lock;
    const { policy, chains } = this.tables[variant];
    const own = chains.get('margay-input')?.map(rule => `-A margay-input ${rule}`);
    const input = chains.get('INPUT')!.map(rule => `-A INPUT ${rule}`);
    return parseInputChain([`-P INPUT ${policy}`, ...input].join('\n'), own?.join('\n'));
  }

  async restoreRules(variant: Variant, input: string) {
    await this.#enter('restoreRules');
    await this.lock;
    if (this.missing.has(variant)) throw new Error(`${variant}-restore: spawn ENOENT`);
    if (this.deaf.has(variant))
      throw new Error(`${variant}-restore: TABLE_ADD failed (Operation not supported): table filter`);
    const lines = input.split('\n').slice(1, -2);
    this.tables[variant] = this.#changedTable(variant, lines);
    this.written.push(...lines.map(line => `${variant} ${line}`));
    this.stepped();
  }

  async usage(variant: Variant) {
    if (this.missing.has(variant)) return 'missing' as const;
    const { policy, chains } = this.tables[variant];
    const rules = [...chains].flatMap(([chain, list]) => list.map(rule => `-A ${chain} ${rule}`));
    return usageOf([`:INPUT ${policy} [0:0]`, ...rules].join('\n'));
  }

  async nftablesDrops() {
    return this.drops;
  }

  // ---------------------------------------------------------------- the kernel

  async #enter(operation: Operation, tool?: 'ipset'): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    if (tool !== undefined && this.missing.has(tool)) throw new ToolMissingError(tool);
    this.calls[operation]++;
    const failure = this.#failures.findIndex(one => one.operation === operation);
    if (failure >= 0) throw new Error(this.#failures.splice(failure, 1)[0]!.message);
  }

  #changeSet(line: string): void {
    const [verb = '', name = '', ...words] = line.split(' ');
    const set = this.sets.get(name);
    if (verb === 'create') {
      if (set !== undefined) throw new Error('Set cannot be created: set with the same name already exists');
      const family = words[1] === 'family';
      const type = words.slice(0, family ? 3 : 1).join(' ');
      this.sets.set(name, { type, options: words.slice(family ? 3 : 1).join(' '), elements: new Map() });
      return;
    }
    if (set === undefined) throw new Error('The set with the given name does not exist');
    if (verb === 'add')
      set.elements.set(
        words[0]!,
        words
          .slice(1)
          .map(word => ` ${word}`)
          .join(''),
      );
    else if (verb === 'del') set.elements.delete(words[0]!);
    else if (verb === 'destroy') {
      if (this.#isReferenced(name))
        throw new Error('Set cannot be destroyed: it is in use by a kernel component');
      this.sets.delete(name);
    } else if (verb === 'swap') {
      const other = this.sets.get(words[0]!);
      if (other === undefined) throw new Error('The set with the given name does not exist');
      if (other.type !== set.type) throw new Error('The sets cannot be swapped: their type does not match');
      this.sets.set(name, other).set(words[0]!, set);
    } else throw new Error(`${verb}: no such command`);
  }

  #isReferenced(name: string): boolean {
    const all = variants.flatMap(variant => [...this.tables[variant].chains.values()].flat());
    return this.held.has(name) || all.some(rule => rule.includes(`--match-set ${name} `));
  }

  #changedTable(variant: Variant, lines: readonly string[]): FakeTable {
    const { policy, chains: before } = this.tables[variant];
    const chains = new Map([...before].map(([name, rules]) => [name, [...rules]]));
    const rulesOf = (chain: string) => {
      const rules = chains.get(chain);
      if (rules === undefined) throw new Error(`${chain}: No chain/target/match by that name`);
      return rules;
    };
    for (const line of lines) {
      const [, named] = /^:(\S+) /.exec(line) ?? [];
      const [, verb, chain = '', , rule = ''] = /^-([AIDFX]) (\S+)( (?:1 )?(.*))?$/.exec(line) ?? [];
      if (named !== undefined) chains.set(named, []);
      else if (verb === 'A') rulesOf(chain).push(this.#checked(rule, chains));
      else if (verb === 'I') rulesOf(chain).unshift(this.#checked(rule, chains));
      else if (verb === 'F') rulesOf(chain).length = 0;
      else if (verb === 'D') {
        const at = rulesOf(chain).indexOf(rule);
        if (at < 0) throw new Error('Bad rule (does a matching rule exist in that chain?)');
        rulesOf(chain).splice(at, 1);
      } else if (verb === 'X') {
        const used =
          rulesOf(chain).length > 0 || [...chains.values()].flat().some(one => one.endsWith(`-j ${chain}`));
        if (used) throw new Error('CHAIN_DEL failed (Device or resource busy)');
        chains.delete(chain);
      } else throw new Error(`${line}: not understood`);
    }
    return { policy, chains };
  }

  #checked(rule: string, chains: ReadonlyMap<string, unknown>): string {
    const [, set] = /--match-set (\S+) /.exec(rule) ?? [];
    if (set !== undefined && !this.sets.has(set)) throw new Error(`Set ${set} doesn't exist.`);
    const target = / -j (\S+)$/.exec(` ${rule}`)?.[1] ?? '';
    if (/^[a-z]/.test(target) && !chains.has(target)) throw new Error(`${target}: no such target`);
    return rule;
  }

  #passes(variant: Variant, source: IpAddress, encapsulation: GuardedEncapsulation): boolean {
    const { policy, chains } = this.tables[variant];
    return (this.#target(chains, 'INPUT', source, encapsulation) ?? policy) === 'ACCEPT';
  }

  #target(
    chains: FakeTable['chains'],
    chain: string,
    source: IpAddress,
    encapsulation: GuardedEncapsulation,
  ): string | undefined {
    for (const rule of chains.get(chain)!) {
      const target = / -j (\S+)$/.exec(` ${rule}`)![1]!;
      if (!this.#matches(rule, source, encapsulation)) continue;
      const verdict = chains.has(target) ? this.#target(chains, target, source, encapsulation) : target;
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  #matches(rule: string, source: IpAddress, encapsulation: GuardedEncapsulation): boolean {
    // Packets come in by an uplink.
    if (rule.includes(' -i ')) return false;
    const [, protocol] = /-p (\S+)/.exec(rule) ?? [];
    const [, port] = /--dport (\d+)/.exec(rule) ?? [];
    const key = encapsulationKey(encapsulation);
    if (protocol === '4' && key !== 'ipip') return false;
    if (protocol === 'udp' && (key === 'ipip' || key.split('/')[1] !== port)) return false;
    if (protocol === 'tcp') return false;
    const [, set] = /--match-set (\S+) /.exec(rule) ?? [];
    return set === undefined || this.#contains(set, source);
  }

  #contains(name: string, source: IpAddress): boolean {
    for (const [element, options] of this.sets.get(name)!.elements) {
      const hit = element.includes('/')
        ? prefixContainsAddress(element as Prefix, source)
        : element === source;
      if (hit && options === '') return true;
    }
    return false;
  }
}

function newTable(): FakeTable {
  return { policy: 'ACCEPT', chains: new Map([['INPUT', []]]) };
}
