/**
 * iptables without a kernel: runs the rules of a rendered filter on packets, in the order in which the kernel calls its hooks. Marks, sets,
 * connection states, jumps, gotos and returns are those of the kernel; nothing else is known to it.
 */
import { type AddressFamily, addressFamily } from '../../../core/ip-address.js';
import type { Packet } from '../../../policy/model.js';
import {
  type BuiltInChain,
  CHAIN_PREFIX,
  MAX_CHAIN_NAME,
  type RenderedFilter,
  type RenderedRule,
  type RenderedTable,
  type TableName,
} from '../../../policy/rendered.js';
import { type Moving, parseRule, type SimulatedRule } from './simulated-rule.js';

/** Of processes: no interface. */
export interface Way {
  readonly in: string | undefined;
  readonly out: string | undefined;
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID';
  /** Destination NAT has turned it from an interface that is not `out`. */
  readonly dnat: boolean;
  /** As it arrives, or as its socket has set it. */
  readonly mark: number;
  /** Of its connection. */
  readonly connectionMark: number;
  /** A rule of somebody else's (`CONNMARK --restore-mark`) puts the whole of it on the packet as soon as the connection is known. */
  readonly restores: boolean;
}

export class Simulator {
  readonly #tables: ReadonlyMap<string, SimulatedTable>;

  constructor(filter: RenderedFilter) {
    const sets = new Map(filter.sets.map(set => [set.name, set]));
    this.#tables = new Map(
      filter.tables.map(table => [
        `${table.family} ${table.table}`,
        new SimulatedTable(table, text =>
          parseRule(text, { family: table.family, table: table.table, sets }),
        ),
      ]),
    );
  }

  /** Whether the packet comes through. */
  passes(packet: Packet, way: Way): boolean {
    const local = way.in === undefined;
    const run = (table: TableName, chain: BuiltInChain, at: Moving) =>
      this.#table(addressFamily(packet.source), table).run(chain, at);
    const { dnat, mark, connectionMark } = way;
    const early: Moving = {
      packet,
      in: way.in,
      out: local ? way.out : undefined,
      state: '',
      dnat,
      local,
      mark,
      connectionMark,
    };
    if (!run('raw', local ? 'OUTPUT' : 'PREROUTING', early)) return false;
    const tracked: Moving = { ...early, state: early.state === '' ? way.state : early.state };
    if (way.restores && tracked.state !== 'UNTRACKED') tracked.mark = connectionMark;
    if (local) {
      const out = { ...tracked, out: dnat ? 'elsewhere0' : way.out };
      if (!run('mangle', 'OUTPUT', out) || !run('filter', 'OUTPUT', out)) return false;
      return run('mangle', 'POSTROUTING', { ...out, out: way.out });
    }
    if (!run('mangle', 'PREROUTING', tracked)) return false;
    if (way.out === undefined) return run('mangle', 'INPUT', tracked) && run('filter', 'INPUT', tracked);
    const forwarded = { ...tracked, out: way.out };
    if (!run('mangle', 'FORWARD', forwarded) || !run('filter', 'FORWARD', forwarded)) return false;
    return run('mangle', 'POSTROUTING', { ...forwarded, in: undefined });
  }

  #table(family: AddressFamily, table: TableName): SimulatedTable {
    return this.#tables.get(`${family} ${table}`)!;
  }
}

/** More jumps than this are a circle; the kernel refuses those. */
const DEEPEST = 20;

class SimulatedTable {
  readonly #table: RenderedTable;
  readonly #parse: (text: string) => SimulatedRule;
  /** Those that a packet went through. */
  readonly #parsed = new Map<string, readonly SimulatedRule[]>();

  constructor(table: RenderedTable, parse: (text: string) => SimulatedRule) {
    this.#table = table;
    this.#parse = parse;
    const long = [...table.chains.keys()].find(name => name.length > MAX_CHAIN_NAME);
    if (long !== undefined) throw new Error(`the name of chain ${long} is too long`);
  }

  #rulesOf(name: string): readonly SimulatedRule[] {
    const parsed = this.#parsed.get(name);
    if (parsed !== undefined) return parsed;
    const rules = this.#textsOf(name).map(({ text }) => this.#parse(text));
    this.#parsed.set(name, rules);
    return rules;
  }

  #textsOf(name: string): readonly RenderedRule[] {
    const { chains, hooks } = this.#table;
    if (name.startsWith(CHAIN_PREFIX)) {
      const chain = chains.get(name);
      if (chain === undefined) throw new Error(`no chain ${name}`);
      return chain.rules;
    }
    const at = (place: 'first' | 'last') =>
      hooks.filter(hook => hook.chain === name && hook.place === place).flatMap(hook => hook.rules);
    return [...at('first'), ...at('last')];
  }

  /** Changes the packet; false: it is dropped. */
  run(chain: BuiltInChain, moving: Moving): boolean {
    return this.#walk(this.#rulesOf(chain), moving, 0) !== 'drop';
  }

  /** `undefined`: to the end, or returned. */
  #walk(rules: readonly SimulatedRule[], moving: Moving, depth: number): 'accept' | 'drop' | undefined {
    if (depth > DEEPEST) throw new Error('chains jump in a circle');
    for (const { matches, target } of rules) {
      if (!matches(moving)) continue;
      switch (target.kind) {
        case 'accept':
        case 'drop':
          return target.kind;
        case 'return':
          return undefined;
        case 'notrack':
          moving.state = 'UNTRACKED';
          break;
        case 'mark':
          moving.mark = ((moving.mark & ~target.mask) ^ target.value) >>> 0;
          break;
        case 'nothing':
          break;
        case 'goto':
          return this.#walk(this.#rulesOf(target.chain), moving, depth + 1);
        case 'jump': {
          const verdict = this.#walk(this.#rulesOf(target.chain), moving, depth + 1);
          if (verdict !== undefined) return verdict;
        }
      }
    }
    return undefined;
  }
}
