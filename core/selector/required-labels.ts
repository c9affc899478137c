/**
 * What labels a thing must have before a selector can match it: by this an index finds the few selectors that may match a thing, and the
 * few things that a selector may match, without trying all.
 */
import { NAMESPACE_LABEL, type Selector } from '../selector.js';

/** To have the label; with this value, where one is given. */
export interface LabelRequirement {
  readonly label: string;
  readonly value?: string;
}

/** How many things are expected to meet a requirement: fewer make a better index. */
export type RequirementCost = (requirement: LabelRequirement) => number;

const usualCost: RequirementCost = ({ value }) => (value === undefined ? 100 : 1);

/**
 * Alternatives, none twice: whatever the selector matches meets at least ONE of them (and need not match if it does). An empty list: it
 * matches nothing. Undefined: it may match what has no label at all, so it has to be tried on everything.
 *
 * So a selector is filed under each of its alternatives, and those that may match a thing are the ones under (label, value) and (label)
 * for each label that the thing has, and the ones without alternatives. The other way round the things that a selector may match are the
 * union of those that meet an alternative.
 *
 * @param cost decides between the sides of `&&`; give one that counts where the counts are known
 */
export function requiredLabels(
  selector: Selector,
  cost: RequirementCost = usualCost,
): readonly LabelRequirement[] | undefined {
  return required(selector, false, cost);
}

/** @param negated of the opposite of the selector */
function required(
  selector: Selector,
  negated: boolean,
  cost: RequirementCost,
): readonly LabelRequirement[] | undefined {
  switch (selector.kind) {
    case 'all':
      return negated ? [] : undefined;
    case 'global':
      return negated ? [{ label: NAMESPACE_LABEL }] : undefined;
    case 'has':
    case 'contains':
    case 'starts-with':
    case 'ends-with':
      return negated ? undefined : [{ label: selector.label }];
    case 'equals':
    case 'not-equals':
      return negated === (selector.kind === 'not-equals') ? [selector].map(exact) : undefined;
    case 'in':
    case 'not-in':
      if (negated !== (selector.kind === 'not-in')) return undefined;
      return [...new Set(selector.values)].map(value => ({ label: selector.label, value }));
    case 'not':
      return required(selector.operand, !negated, cost);
    case 'and':
    case 'or': {
      const sides = selector.operands.map(operand => required(operand, negated, cost));
      return (selector.kind === 'and') !== negated ? cheapest(sides, cost) : union(sides);
    }
  }
}

function exact({ label, value }: { readonly label: string; readonly value: string }): LabelRequirement {
  return { label, value };
}

type Side = readonly LabelRequirement[] | undefined;

/** Every side must hold, so any one will do. */
function cheapest(sides: readonly Side[], cost: RequirementCost): Side {
  let best: Side;
  let least = Number.POSITIVE_INFINITY;
  for (const side of sides) {
    if (side === undefined) continue;
    const total = side.reduce((sum, requirement) => sum + cost(requirement), 0);
    if (best !== undefined && total >= least) continue;
    [best, least] = [side, total];
  }
  return best;
}

/** One side must hold, and it is not known which. A label with any value stands for those with one. */
function union(sides: readonly Side[]): Side {
  const found = new Map<string, LabelRequirement>();
  for (const side of sides) {
    if (side === undefined) return undefined;
    for (const requirement of side)
      found.set(JSON.stringify([requirement.label, requirement.value]), requirement);
  }
  const all = [...found.values()];
  const anyValue = new Set(all.flatMap(({ label, value }) => (value === undefined ? [label] : [])));
  return all.filter(({ label, value }) => value === undefined || !anyValue.has(label));
}
