/** What the tiers and profiles of one endpoint say about one packet in one direction. */
import type { Direction, EndpointTier, HostPolicy, Packet, PolicyKey, Rule } from '../model.js';
import { ruleMatches } from './match.js';
import type { Step, Verdict, Why } from './trace.js';

/** Everything that is looked at is written to `trace`. */
export interface Look {
  readonly policy: HostPolicy;
  readonly packet: Packet;
  readonly trace: Step[];
}

/** `undefined`: nothing was decided. */
export type Opinion = { readonly verdict: Verdict; readonly why: Why } | undefined;

/** @param withDefaults whether what no policy of a tier decided goes by the default of the tier; otherwise it passes */
export function judgeTiers(
  look: Look,
  tiers: readonly EndpointTier[],
  direction: Direction,
  withDefaults: boolean,
): Opinion {
  for (const tier of tiers) {
    look.trace.push({ kind: 'tier', tier: tier.name });
    const action = judgeTier(look, tier[direction], direction);
    if (action === 'allow' || action === 'deny') return { verdict: action, why: 'policy' };
    const enforced = tier[direction].some(key => look.policy.policies.get(key)?.staged !== true);
    if (action === 'pass' || !enforced || !withDefaults) continue;
    look.trace.push({ kind: 'tier-default', tier: tier.name, action: tier.defaultAction });
    if (tier.defaultAction === 'deny') return { verdict: 'deny', why: 'tier-default' };
  }
  return undefined;
}

function judgeTier(look: Look, keys: readonly PolicyKey[], direction: Direction): Decision | undefined {
  for (const key of keys) {
    const policy = look.policy.policies.get(key);
    const rules = policy?.[direction] ?? [];
    if (policy?.staged === true) {
      look.trace.push({ kind: 'staged', key, would: firstDecision(look, rules) });
      continue;
    }
    const action = judgeRules(look, rules, { kind: 'policy', key }, direction);
    if (action !== undefined) return action;
  }
  return undefined;
}

export function judgeProfiles(look: Look, names: readonly string[], direction: Direction): Opinion {
  for (const name of names) {
    const profile = look.policy.profiles.get(name);
    if (profile === undefined) {
      look.trace.push({ kind: 'missing-profile', name });
      return { verdict: 'deny', why: 'missing-profile' };
    }
    const action = judgeRules(look, profile[direction], { kind: 'profile', name }, direction);
    if (action === 'allow' || action === 'deny') return { verdict: action, why: 'profile' };
  }
  return undefined;
}

type Decision = 'allow' | 'deny' | 'pass';

/** The first rule that matches and does more than log. */
function judgeRules(
  look: Look,
  rules: readonly Rule[],
  owner: Extract<Step, { kind: 'rule' }>['owner'],
  direction: Direction,
): Decision | undefined {
  for (const [rule, { action }] of rules.entries()) {
    if (!ruleMatches(rules[rule]!, look.packet, look.policy.sets)) continue;
    look.trace.push({ kind: 'rule', owner, direction, rule, action });
    if (action !== 'log') return action;
  }
  look.trace.push({ kind: 'no-rule', owner });
  return undefined;
}

function firstDecision(look: Look, rules: readonly Rule[]) {
  for (const [rule, { action }] of rules.entries())
    if (action !== 'log' && ruleMatches(rules[rule]!, look.packet, look.policy.sets)) return { rule, action };
  return undefined;
}
