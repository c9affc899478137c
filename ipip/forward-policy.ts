/**
 * Whether this host's packet filter lets packets of pods through, and the rules that make it (pure). Forwarded packets pass every base
 * chain at the forward hook, of iptables-legacy, iptables-nft and nftables alike; one that drops is enough.
 *
 * Ours is one rule in FORWARD, known by its comment, that jumps to a chain of ours with the pools.
 */
import type { Prefix } from '../core/prefix.js';
import { asksPolicy, policyOf, policyRulesFirst, restoreInput, rulesOf } from './packet-filter-text.js';

const CHAIN = 'margay-forward';
const COMMENT = 'margay:accept-forwarding';
const JUMP = `FORWARD -m comment --comment "${COMMENT}" -j ${CHAIN}`;

/** One variant's FORWARD chain, and ours. */
export interface ForwardChain {
  readonly policy: string;
  /** Rules that are not ours. */
  readonly foreignRules: number;
  /** Rules of policy at the beginning of FORWARD: what they deny is not for our chain to accept. */
  readonly policyRules: number;
  /** Some are in FORWARD, wherever: they decide on packets of this host's workloads. */
  readonly asksPolicy: boolean;
  /** How often FORWARD jumps to our chain. */
  readonly jumps: number;
  /** What our chain holds, as `iptables -S` prints it; undefined: there is none. */
  readonly ownRules: readonly string[] | undefined;
}

/** @param forward what `iptables -S FORWARD` prints @param own `iptables -S margay-forward`, undefined: no such chain */
export function parseForwardChain(forward: string, own: string | undefined): ForwardChain {
  const rules = rulesOf(forward);
  // The nft variant prints its comments without quotes where it can.
  const jumps = rules.filter(rule => rule.endsWith(`-j ${CHAIN}`)).length;
  return {
    policy: policyOf(forward),
    foreignRules: rules.filter(rule => !asksPolicy(rule)).length - jumps,
    policyRules: policyRulesFirst(rules),
    asksPolicy: rules.some(asksPolicy),
    jumps,
    ownRules: own === undefined ? undefined : rulesOf(own),
  };
}

/** What our chain should hold: packets from and to the pools pass. @param pools of the chain's family */
export function poolRules(pools: readonly Prefix[]): readonly string[] {
  return pools
    .toSorted()
    .flatMap(pool => [`-A ${CHAIN} -s ${pool} -j ACCEPT`, `-A ${CHAIN} -d ${pool} -j ACCEPT`]);
}

/** Input of `iptables-restore --noflush` that makes our rules what they should be; undefined: they are. */
export function acceptPlan(chain: ForwardChain, pools: readonly Prefix[]): string | undefined {
  // Where nothing filters nothing needs to be accepted.
  const wanted = chain.policy === 'ACCEPT' && chain.foreignRules === 0 ? [] : poolRules(pools);
  if (wanted.length === 0) return removalPlan(chain);
  const same = chain.ownRules?.join('\n') === wanted.join('\n');
  if (same && chain.jumps === 1) return undefined;
  // Naming the chain empties it, or makes it.
  const lines = [`:${CHAIN} - [0:0]`, ...wanted];
  for (let i = 1; i < chain.jumps; i++) lines.push(`-D ${JUMP}`);
  if (chain.jumps === 0) lines.push(`-I ${JUMP.replace('FORWARD', `FORWARD ${chain.policyRules + 1}`)}`);
  return restoreInput(lines);
}

/** The same that takes them away; undefined: there are none. */
export function removalPlan(chain: ForwardChain): string | undefined {
  if (chain.jumps === 0 && chain.ownRules === undefined) return undefined;
  const lines: string[] = [];
  for (let i = 0; i < chain.jumps; i++) lines.push(`-D ${JUMP}`);
  if (chain.ownRules !== undefined) lines.push(`-F ${CHAIN}`, `-X ${CHAIN}`);
  return restoreInput(lines);
}

/** Whether pods' packets end here for want of a rule: what policy lets through it accepts. */
export function dropsPods({ policy, jumps, asksPolicy }: ForwardChain): boolean {
  return policy === 'DROP' && jumps === 0 && !asksPolicy;
}

/** What `iptables -S` must be asked for. */
export const listedChains = { base: 'FORWARD', own: CHAIN } as const;
