/**
 * iptables without a kernel: runs the rules of a rendered filter on packets, in the order in which the kernel calls its hooks. Marks, sets,
 * connection states, jumps, gotos and returns are those of the kernel; nothing else is known to it.
 */
import { type AddressFamily, addressFamily } from '../../../core/ip-address.js';
import type { Packet } from '../../../policy/model.js';
import {
  type BuiltInChain,
  MAX_CHAIN_NAME,
  type RenderedFilter,
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
    const { dnat, mark } = way;
    const early: Moving = {
      packet,
      in: way.in,
      out: local ? way.out : undefined,
      state: '',
      dnat,
      local,
      mark,
    };
    if (!run('raw', local ? 'OUTPUT' : 'PREROUTING', early)) return false;
    const tracked: Moving = { ...early, state: early.state === '' ? way.state : early.state };
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
  readonly #chains: ReadonlyMap<string, readonly SimulatedRule[]>;
  readonly #builtIn: ReadonlyMap<BuiltInChain, readonly SimulatedRule[]>;

  constructor(table: RenderedTable, parse: (text: string) => SimulatedRule) {
    const rules = (of: readonly { readonly text: string }[]) => of.map(({ text }) => parse(text));
    this.#chains = new Map([...table.chains].map(([name, chain]) => [name, rules(chain.rules)]));
    const long = [...this.#chains.keys()].find(name => name.length > MAX_CHAIN_NAME);
    if (long !== undefined) throw new Error(`the name of chain ${long} is too long`);
    const hooked = (chain: BuiltInChain, place: 'first' | 'last') =>
      table.hooks
        .filter(hook => hook.chain === chain && hook.place === place)
        .flatMap(hook => rules(hook.rules));
    const names = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
    this.#builtIn = new Map(names.map(name => [name, [...hooked(name, 'first'), ...hooked(name, 'last')]]));
    const referred = [...this.#chains.values(), ...this.#builtIn.values()].flat();
    for (const { target } of referred)
      if ('chain' in target && !this.#chains.has(target.chain)) throw new Error(`no chain ${target.chain}`);
  }

  /** Changes the packet; false: it is dropped. */
  run(chain: BuiltInChain, moving: Moving): boolean {
    return this.#walk(this.#builtIn.get(chain) ?? [], moving, 0) !== 'drop';
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
          return this.#walk(this.#chains.get(target.chain)!, moving, depth + 1);
        case 'jump': {
          const verdict = this.#walk(this.#chains.get(target.chain)!, moving, depth + 1);
          if (verdict !== undefined) return verdict;
        }
      }
    }
    return undefined;
  }
}
