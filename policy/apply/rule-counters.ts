/** What the kernel has counted by each rule of policy (pure): `iptables-save -c`, its rules known again by the hashes in their comments. */
import type { AddressFamily } from '../../core/ip-address.js';
import type { RenderedFilter, RuleOrigin, TableName } from '../rendered.js';
import { hashRules } from './rule-hash.js';
import { hashOf } from './saved-tables.js';

export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

export class RuleCounters {
  /** Origins of rules that should be there, by "family table chain hash". */
  readonly #origins = new Map<string, string>();
  readonly #counted = new Map<string, Counter>();

  /** @param filter as it was rendered last: who has written the rules need not be this process */
  constructor(filter: RenderedFilter | undefined) {
    for (const { family, table, chains } of filter?.tables ?? []) {
      for (const { name, rules } of chains.values()) {
        if (rules.every(({ origin }) => origin === undefined)) continue;
        const hashes = hashRules(name, rules).signature.split(' ');
        for (const [i, { origin }] of rules.entries())
          if (origin !== undefined)
            this.#origins.set(`${family} ${table} ${name} ${hashes[i]}`, originKey(table, origin));
      }
    }
  }

  /** @param saved what `iptables-save -c` prints */
  add(family: AddressFamily, saved: string): void {
    let table = '';
    for (const line of saved.split('\n')) {
      if (line.startsWith('*')) table = line.slice(1).trim();
      const match = /^\[(\d+):(\d+)\] -A (\S+) (.*)$/.exec(line);
      if (match === null) continue;
      const [, packets, bytes, chain, rule = ''] = match;
      const origin = this.#origins.get(`${family} ${table} ${chain} ${hashOf(rule)}`);
      if (origin === undefined) continue;
      const before = this.#counted.get(origin) ?? { packets: 0, bytes: 0 };
      this.#counted.set(origin, {
        packets: before.packets + Number(packets),
        bytes: before.bytes + Number(bytes),
      });
    }
  }

  /** Undefined: the kernel has no such rule. */
  of(table: TableName, origin: RuleOrigin): Counter | undefined {
    return this.#counted.get(originKey(table, origin));
  }
}

function originKey(table: TableName, { owner, direction, rule }: RuleOrigin): string {
  return `${table} ${owner} ${direction} ${rule}`;
}
