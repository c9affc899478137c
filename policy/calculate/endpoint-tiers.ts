/** What applies to one endpoint, in order: the policies that select it, by tier. */
import type { EndpointTier, HostEndpoint } from '../model.js';
import { groupBy } from './group-by.js';
import type { PolicyPlace, PolicySource } from './policy-source.js';
import { comparePolicies, compareTiers, type Tier } from './tiers.js';

/** Tiers that have one of the policies. */
export function endpointTiers(
  policies: Iterable<PolicySource>,
  tierNamed: (name: string) => Tier,
): EndpointTier[] {
  const byTier = groupBy(policies, ({ tier }) => tier);
  const tiers = [...byTier.keys()].map(tierNamed).sort(compareTiers);
  return tiers.map(({ name, defaultAction }) => {
    const inOrder = (byTier.get(name) ?? []).sort(comparePolicies);
    return {
      name,
      defaultAction,
      ingress: inOrder.filter(({ ingress }) => ingress !== undefined).map(({ key }) => key),
      egress: inOrder.filter(({ egress }) => egress !== undefined).map(({ key }) => key),
    };
  });
}

/** A host endpoint sees its traffic at several stages, each with policies of its own. */
export function hostStages(
  policies: readonly PolicySource[],
  tierNamed: (name: string) => Tier,
): Pick<HostEndpoint, 'tiers' | 'forward' | 'untracked' | 'preDnat'> {
  const at = (holds: (place: PolicyPlace) => boolean) =>
    endpointTiers(
      policies.filter(({ place }) => holds(place)),
      tierNamed,
    );
  return {
    tiers: at(({ stage }) => stage === 'tracked'),
    forward: at(({ stage, forward }) => stage === 'tracked' && forward),
    untracked: at(({ stage }) => stage === 'untracked'),
    preDnat: at(({ stage }) => stage === 'pre-dnat'),
  };
}
