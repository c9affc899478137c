/**
 * Import and export policies, made ready for columns. A policy that says the same of every route is a constant; one that asks of paths
 * is reduced to a constant or to prefixes for each path, once; what is left to do per prefix compares words and masks. So a policy
 * costs per prefix only what it asks of prefixes.
 */
import type { RouteDetail } from '../speaker/contract.js';
import type { RouteOperation, RoutePolicy, RoutePolicyRule } from '../speaker/route-policy.js';
import type { RoutePredicate } from './contract.js';
import { asksOfPath, matchesPath, type PathFacts } from './policy-conditions.js';
import { type PrefixRange, rangeOf } from './prefix-range.js';
import type { PrefixTable } from './prefix-table.js';

/** What a policy says of a route. Two with the same key say the same. */
export interface Ruling {
  readonly accept: boolean;
  readonly operations: readonly RouteOperation[];
  readonly key: string;
}

export const accepted: Ruling = { accept: true, operations: [], key: 'accept' };
export const rejected: Ruling = { accept: false, operations: [], key: 'reject' };

interface PrefixRule {
  /** Undefined: all prefixes. */
  readonly within: PrefixRange | undefined;
  readonly ruling: Ruling;
}

interface PathRule extends PrefixRule {
  /** Undefined: it asks nothing of the path. */
  readonly conditions: RoutePolicyRule | undefined;
}

/** What is to be asked of the prefixes of one path. */
export type PathPolicy =
  | { readonly kind: 'constant'; readonly ruling: Ruling }
  | { readonly kind: 'prefixes'; readonly rules: readonly PrefixRule[]; readonly otherwise: Ruling }
  | {
      readonly kind: 'predicate';
      readonly predicate: RoutePredicate;
      /** The rulings with operations it has given, by key. */
      readonly rulings: Map<string, Ruling>;
    };

export type CompiledPolicy =
  | PathPolicy
  | {
      readonly kind: 'paths';
      readonly rules: readonly PathRule[];
      readonly otherwise: Ruling;
      readonly asksInterface: boolean;
    };

/** What `policy` says of routes from `source`: our own, or learned. */
export function compilePolicy(
  policy: RoutePolicy | RoutePredicate,
  source: 'local' | 'peers',
): CompiledPolicy {
  if (typeof policy === 'function') return { kind: 'predicate', predicate: policy, rulings: new Map() };
  const otherwise = policy.otherwise === 'accept' ? accepted : rejected;
  const rules: PathRule[] = [];
  for (const rule of policy.rules) {
    if (rule.source !== 'any' && rule.source !== source) continue;
    const conditions = asksOfPath(rule) ? rule : undefined;
    rules.push({ within: rule.within && rangeOf(rule.within), conditions, ruling: rulingOf(rule) });
    if (rule.within === undefined && conditions === undefined) break;
  }
  if (rules.every(({ conditions }) => conditions === undefined)) return ofPrefixes(rules, otherwise);
  const asksInterface = rules.some(({ conditions }) => conditions?.interface !== undefined);
  return { kind: 'paths', rules, otherwise, asksInterface };
}

function rulingOf({ action, operations = [] }: RoutePolicyRule): Ruling {
  if (action === 'reject') return rejected;
  return operations.length === 0 ? accepted : acceptedWith(operations);
}

function acceptedWith(operations: readonly RouteOperation[]): Ruling {
  return { accept: true, operations, key: JSON.stringify(operations) };
}

export function asksInterface(policy: CompiledPolicy): boolean {
  return policy.kind === 'paths' && policy.asksInterface;
}

/** What is left of a policy for one path. `facts` is asked only if the policy does. */
export function policyForPath(policy: CompiledPolicy, facts: () => PathFacts): PathPolicy {
  if (policy.kind !== 'paths') return policy;
  const known = facts();
  const rules: PrefixRule[] = [];
  for (const rule of policy.rules) {
    if (rule.conditions !== undefined && !matchesPath(rule.conditions, known)) continue;
    rules.push(rule);
    if (rule.within === undefined) break;
  }
  return ofPrefixes(rules, policy.otherwise);
}

function ofPrefixes(rules: readonly PrefixRule[], otherwise: Ruling): PathPolicy {
  const last = rules.at(-1);
  const fallback = last !== undefined && last.within === undefined ? last.ruling : otherwise;
  if (rules.every(({ ruling }) => ruling.key === fallback.key)) return { kind: 'constant', ruling: fallback };
  return { kind: 'prefixes', rules, otherwise };
}

/** What is said of one prefix. `detail` is called for a predicate only; one that throws has not accepted. */
export function rulingOn(
  policy: PathPolicy,
  prefixes: PrefixTable,
  id: number,
  detail: () => RouteDetail,
): Ruling {
  switch (policy.kind) {
    case 'constant':
      return policy.ruling;
    case 'prefixes':
      for (const { within, ruling } of policy.rules) {
        if (within === undefined || isWithin(prefixes, id, within)) return ruling;
      }
      return policy.otherwise;
    case 'predicate':
      try {
        return predicateRuling(policy, detail());
      } catch {
        return rejected;
      }
  }
}

function predicateRuling(policy: PathPolicy & { kind: 'predicate' }, route: RouteDetail): Ruling {
  const verdict = policy.predicate(route);
  if (verdict === 'accept') return accepted;
  if (!Array.isArray(verdict)) return rejected;
  if (verdict.length === 0) return accepted;
  const ruling = acceptedWith(verdict as readonly RouteOperation[]);
  const known = policy.rulings.get(ruling.key);
  if (known !== undefined) return known;
  policy.rulings.set(ruling.key, ruling);
  return ruling;
}

/** The rule that decides of a route, undefined if it is `otherwise`. For people: it goes through the policy as it was given. */
export function decidingRule(
  policy: RoutePolicy,
  source: 'local' | 'peers',
  facts: PathFacts,
  prefixes: PrefixTable,
  id: number,
): RoutePolicyRule | undefined {
  return policy.rules.find(rule => {
    if (rule.source !== 'any' && rule.source !== source) return false;
    if (!matchesPath(rule, facts)) return false;
    return rule.within === undefined || isWithin(prefixes, id, rangeOf(rule.within));
  });
}

/** Of the family of the range, inside or outside of it as the rule says. */
function isWithin(prefixes: PrefixTable, id: number, range: PrefixRange): boolean {
  return familyOfRange[range.family] === prefixes.family && prefixes.matches(id, range) !== range.negated;
}

const familyOfRange = { ipv4: 'ipv4-unicast', ipv6: 'ipv6-unicast' } as const;

/** Two policies with the same name say the same: peers that share it can share their output. */
export class PolicyNames {
  readonly #predicates = new WeakMap<RoutePredicate, number>();
  #count = 0;

  nameOf(policy: RoutePolicy | RoutePredicate): string {
    if (typeof policy !== 'function') {
      const rules = policy.rules.map(({ reason: _reason, ...rule }) => rule);
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
