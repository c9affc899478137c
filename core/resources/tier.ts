/** The `Tier` document's spec, and the tiers whose order and default action are Calico's. */
import { z } from 'zod';
import { oneOf, optional } from './fields.js';
import type { TierResource } from './policy-documents.js';
import { type DocumentProblem, show } from './problems.js';

/** Any finite number; lower comes first. */
export const tierOrder = z.number('a finite number');

export const tierSpec = z.strictObject({
  order: optional(tierOrder),
  defaultAction: optional(oneOf(['Deny', 'Pass'])),
});

type TierSpec = TierResource['spec'];
export type TierGiven = z.output<typeof tierSpec>;

/** What Calico lets nobody change; what is left out of their documents is filled in. */
export const fixedTiers: Readonly<Record<string, Required<TierSpec>>> = {
  default: { order: 1_000_000, defaultAction: 'Deny' },
  'kube-admin': { order: 1000, defaultAction: 'Pass' },
  'kube-baseline': { order: 10_000_000, defaultAction: 'Pass' },
};

/** As it is kept: with the default action, and with what is fixed for this name. */
export function completeTier(name: string, { order, defaultAction = 'Deny' }: TierGiven): TierSpec {
  const fixed = Object.hasOwn(fixedTiers, name) ? fixedTiers[name] : undefined;
  return fixed ?? { ...(order === undefined ? {} : { order }), defaultAction };
}

export function tierProblems(name: string, given: TierGiven): DocumentProblem[] {
  const fixed = Object.hasOwn(fixedTiers, name) ? fixedTiers[name] : undefined;
  if (fixed === undefined) return [];
  return (['order', 'defaultAction'] as const).flatMap(field => {
    const value = given[field];
    if (value === undefined || value === fixed[field]) return [];
    return [
      { path: `spec.${field}`, value: show(value), allowed: `${show(fixed[field])} for the tier ${name}` },
    ];
  });
}
