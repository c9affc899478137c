/** What iptables and nft print, and what `iptables-restore` takes (pure). */
import type { AddressFamily } from '../core/ip-address.js';
import { HASH_PREFIX } from '../linux/rule-comments.js';

/** A rule as `iptables -S` prints it: "-A INPUT ...". */
export function rulesOf(listing: string): readonly string[] {
  return listing.split('\n').filter(line => line.startsWith('-A '));
}

/** What becomes of packets that no rule of a built-in chain decides on; ACCEPT where the listing does not say. */
export function policyOf(listing: string): string {
  return /^-P \S+ (\S+)/m.exec(listing)?.[1] ?? 'ACCEPT';
}

/** A rule's first comment; the nft variant prints it without quotes where it can. */
export function commentOf(rule: string): string | undefined {
  return /--comment (?:"([^"]*)"|(\S+))/
    .exec(rule)
    ?.slice(1)
    .find(text => text !== undefined);
}

const ASKS_POLICY = new RegExp(`--comment "?${HASH_PREFIX}`);

/** Whether a rule of a built-in chain is one by which network policy is asked. */
export function asksPolicy(rule: string): boolean {
  return ASKS_POLICY.test(rule);
}

/** How many rules that ask policy a built-in chain begins with: what else is ours stands behind them, and decides nothing before they do. */
export function policyRulesFirst(rules: readonly string[]): number {
  const others = rules.findIndex(rule => !asksPolicy(rule));
  return others < 0 ? rules.length : others;
}

/** Input of `iptables-restore --noflush` that changes the filter table at one stroke. */
export function restoreInput(lines: readonly string[]): string {
  return ['*filter', ...lines, 'COMMIT', ''].join('\n');
}

/**
 * Base chains at a hook that drop packets of a family by policy, by what `nft list chains` prints, but for those that iptables-nft owns:
 * "inet firewalld filter_INPUT".
 */
export function nftablesDrops(
  listing: string,
  hook: 'forward' | 'input',
  family: AddressFamily,
): readonly string[] {
  const found: string[] = [];
  const dropping = new RegExp(`hook ${hook} .*policy drop;`);
  let [table, chain] = ['', ''];
  for (const line of listing.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain;
    if (dropping.test(line)) found.push(`${table} ${chain}`);
  }
  const own = family === 'ipv4' ? 'ip' : 'ip6';
  const concerned = (name: string) => name.startsWith(`${own} `) || name.startsWith('inet ');
  return found.filter(name => concerned(name) && name !== `${own} filter ${hook.toUpperCase()}`);
}
