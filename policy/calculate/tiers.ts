/** The order of tiers, and of policies in them. */
import type { TierResource } from '../../core/resources/policy-documents.js';
import { fixedTiers } from '../../core/resources/tier.js';
import type { PolicySource } from './policy-source.js';

export const DEFAULT_TIER = 'default';

export interface Tier {
  readonly name: string;
  /** Infinity: after all that say one. */
  readonly order: number;
  readonly defaultAction: 'deny' | 'pass';
}

/**
 * Some are there without a document, and are always the same. Another that policies name and nobody has described denies, after all others: what is in it is not left open.
 */
export function tierOf(name: string, document: TierResource | undefined): Tier {
  const fixed = Object.hasOwn(fixedTiers, name) ? fixedTiers[name] : undefined;
  const { order = Number.POSITIVE_INFINITY, defaultAction = 'Deny' } = fixed ?? document?.spec ?? {};
  return { name, order, defaultAction: defaultAction === 'Pass' ? 'pass' : 'deny' };
}

export function compareTiers(a: Tier, b: Tier): number {
  return compare(a.order, b.order) || compare(a.name, b.name);
}

/** Two of one name and order: the one without a namespace first, then by namespace, then by kind. */
export function comparePolicies(a: PolicySource, b: PolicySource): number {
  return (
    compare(a.order, b.order) ||
    compare(a.name, b.name) ||
    compare(a.namespace ?? '', b.namespace ?? '') ||
    compare(a.kind, b.kind)
  );
}

function compare<T extends string | number>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
