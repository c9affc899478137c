/**
 * Import and export policies, made ready for columns: the rules that can apply to routes of one source, their prefixes as words
 * and masks. A policy that says the same of every prefix is a constant, and costs nothing per prefix.
 */
import { type AddressFamily, addressBits, addressToBytes } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../../core/prefix.js';
import type { RouteDetail, RoutePolicy } from '../speaker/contract.js';
import type { RoutePredicate } from './contract.js';
import type { PrefixTable } from './prefix-table.js';

/** Prefixes inside another one, with lengths from and to. Words and masks: one for IPv4, four for IPv6. */
export interface PrefixRange {
  readonly family: AddressFamily;
  readonly words: Int32Array;
  readonly masks: Int32Array;
  readonly minLength: number;
  readonly maxLength: number;
}

export type CompiledPolicy =
  | { readonly kind: 'constant'; readonly accept: boolean }
  | { readonly kind: 'rules'; readonly rules: readonly CompiledRule[]; readonly otherwise: boolean }
  | { readonly kind: 'predicate'; readonly predicate: RoutePredicate };

interface CompiledRule {
  readonly within: PrefixRange | undefined;
  readonly accept: boolean;
}

/** What `policy` says of routes from `source`: our own, or learned. */
export function compilePolicy(
  policy: RoutePolicy | RoutePredicate,
  source: 'local' | 'peers',
): CompiledPolicy {
  if (typeof policy === 'function') return { kind: 'predicate', predicate: policy };
  const otherwise = policy.otherwise === 'accept';
  const rules: CompiledRule[] = [];
  for (const rule of policy.rules) {
    if (rule.source !== 'any' && rule.source !== source) continue;
    const accept = rule.action === 'accept';
    rules.push({ within: rule.within && rangeOf(rule.within), accept });
    if (rule.within === undefined) break;
  }
  const last = rules.at(-1);
  const fallback = last !== undefined && last.within === undefined ? last.accept : otherwise;
  if (rules.every(({ accept }) => accept === fallback)) return { kind: 'constant', accept: fallback };
  return { kind: 'rules', rules, otherwise };
}

/** Whether the prefix passes. `detail` is called for a predicate only; one that throws has not accepted. */
export function passes(
  policy: CompiledPolicy,
  prefixes: PrefixTable,
  id: number,
  detail: () => RouteDetail,
): boolean {
  switch (policy.kind) {
    case 'constant':
      return policy.accept;
    case 'rules':
      for (const { within, accept } of policy.rules) {
        if (within === undefined || prefixes.matches(id, within)) return accept;
      }
      return policy.otherwise;
    case 'predicate':
      try {
        return policy.predicate(detail()) === 'accept';
      } catch {
        return false;
      }
  }
}

function rangeOf(within: {
  readonly prefix: Prefix;
  readonly minLength: number;
  readonly maxLength: number;
}): PrefixRange {
  const family = prefixFamily(within.prefix);
  const bytes = addressToBytes(prefixAddress(within.prefix));
  const view = new DataView(bytes.buffer);
  const length = prefixLength(within.prefix);
  const count = addressBits(family) / 32;
  const words = new Int32Array(count);
  const masks = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const bits = Math.min(32, Math.max(0, length - 32 * i));
    words[i] = view.getInt32(4 * i);
    masks[i] = bits === 0 ? 0 : -1 << (32 - bits);
  }
  return { family, words, masks, minLength: Math.max(length, within.minLength), maxLength: within.maxLength };
}

/** Two policies with the same name say the same: peers that share it can share their output. */
export class PolicyNames {
  readonly #predicates = new WeakMap<RoutePredicate, number>();
  #count = 0;

  nameOf(policy: RoutePolicy | RoutePredicate): string {
    if (typeof policy !== 'function') {
      const rules = policy.rules.map(({ within, source, action }) => [within, source, action]);
      return JSON.stringify([rules, policy.otherwise]);
    }
    let number = this.#predicates.get(policy);
    if (number === undefined) {
      number = ++this.#count;
      this.#predicates.set(policy, number);
    }
    return `predicate ${number}`;
  }
}
