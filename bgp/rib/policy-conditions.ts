/** What a policy rule may ask of a path, whatever its prefix (pure). */
import type { RoutePolicyRule } from '../speaker/route-policy.js';
import type { AsPath } from '../wire/attributes/as-path.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { communityOf } from './community-text.js';

/** What is known of a path when a policy judges it. */
export interface PathFacts {
  /** The session it was learned on. */
  readonly kind: 'own' | 'ibgp' | 'ebgp';
  /** The key of the peer; undefined of our own. */
  readonly peer: string | undefined;
  readonly attributes: PathAttributes;
  /** With the default where there is none. */
  readonly localPref: number;
  /** The one its next hop resolves through, if that is known. */
  readonly interface: string | undefined;
}

/** Whether the rule asks anything of the path at all. */
export function asksOfPath(rule: RoutePolicyRule): boolean {
  return (
    rule.peerType !== undefined ||
    rule.peer !== undefined ||
    (rule.communities?.length ?? 0) > 0 ||
    (rule.asPathPrefix?.length ?? 0) > 0 ||
    rule.localPref !== undefined ||
    rule.interface !== undefined
  );
}

export function matchesPath(rule: RoutePolicyRule, path: PathFacts): boolean {
  if (rule.peerType !== undefined && rule.peerType !== path.kind) return false;
  if (rule.peer !== undefined && !matchesName(rule.peer, path.peer)) return false;
  if (rule.localPref !== undefined && rule.localPref !== path.localPref) return false;
  if (rule.interface !== undefined && !matchesName(rule.interface, path.interface)) return false;
  if (rule.asPathPrefix !== undefined && !beginsWith(path.attributes.asPath ?? [], rule.asPathPrefix))
    return false;
  return (rule.communities ?? []).every(text => hasCommunity(path.attributes, text));
}

/** "*" in the pattern stands for anything, also for nothing. */
function matchesName(pattern: string, name: string | undefined): boolean {
  if (name === undefined || !pattern.includes('*')) return name === pattern;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

export function hasCommunity(attributes: PathAttributes, text: string): boolean {
  const wanted = communityOf(text);
  if (typeof wanted === 'number') return attributes.communities?.includes(wanted) === true;
  if (wanted === undefined) return false;
  const large = attributes.largeCommunities ?? [];
  return large.some(value => value.every((part, i) => part === wanted[i]));
}

/** An AS_SET has no order, so that nothing begins with one. */
function beginsWith(path: AsPath, asns: readonly number[]): boolean {
  let at = 0;
  for (const segment of path) {
    for (const asn of segment.asns) {
      if (at === asns.length) return true;
      if (segment.type === 'set' || asn !== asns[at]) return false;
      at++;
    }
  }
  return at === asns.length;
}
