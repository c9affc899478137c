/**
 * Whose denials cut connections that go on (pure): `margay.io/flushOnDeny`. What a policy says for itself is in force for what it denies; of the
 * others, and of what no policy decides, what is set for all.
 */
import type { HostPolicy, Policy, PolicyKey, WorkloadEndpoint } from './model.js';
import type { FilterSettings } from './settings.js';

type ForAll = Pick<FilterSettings, 'flushOnDeny'>;
type Policies = HostPolicy['policies'];

export function cutsWhatItDenies(policy: Policy | undefined, { flushOnDeny }: ForAll): boolean {
  return policy?.flushOnDeny ?? flushOnDeny;
}

/** For itself, whatever is set for all. */
export function asksForCuts({ flushOnDeny, staged }: Policy): boolean {
  return flushOnDeny === true && !staged;
}

/** Whether chains of the workload have to drop what is marked as cut: others pay nothing. */
export function mayBeCut({ tiers }: WorkloadEndpoint, policies: Policies, { flushOnDeny }: ForAll): boolean {
  const asks = (key: PolicyKey) => {
    const policy = policies.get(key);
    return policy !== undefined && asksForCuts(policy);
  };
  return flushOnDeny || tiers.some(({ ingress, egress }) => ingress.some(asks) || egress.some(asks));
}

/** Whether any connection of the host may be cut, by policies of workloads or of hosts. */
export function cutsAny(policies: Policies, { flushOnDeny }: ForAll): boolean {
  return flushOnDeny || [...policies.values()].some(asksForCuts);
}
