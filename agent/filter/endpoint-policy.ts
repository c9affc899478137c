/** `bgpctl policy show` on the agent's side (pure): what is enforced for one endpoint, in its order, with what the kernel has counted. */
import type { RuleCounters } from '../../policy/apply/rule-counters.js';
import { ruleInWords } from '../../policy/evaluate/rule-words.js';
import type { Part } from '../../policy/evaluate/trace.js';
import type {
  Direction,
  EndpointTier,
  HostEndpoint,
  HostPolicy,
  Rule,
  WorkloadEndpoint,
} from '../../policy/model.js';
import type { TableName } from '../../policy/rendered.js';
import { type FilterSettings, isWorkloadInterface } from '../../policy/settings.js';
import { ControlFailure } from '../control/backend.js';
import type {
  EndpointPolicyView,
  PolicyPartView,
  PolicyRulesView,
  PolicyRuleView,
} from '../control/policy-types.js';

type Counts = Pick<RuleCounters, 'of'>;

/** What a host enforces, and by which names it knows workloads' interfaces. */
export interface EnforcedPolicy {
  readonly policy: HostPolicy;
  readonly settings: Pick<FilterSettings, 'workloadInterfacePrefixes'>;
}

/** @param counters undefined: the kernel's counters could not be read */
export function endpointPolicy(
  { policy, settings }: EnforcedPolicy,
  text: string,
  counters: Counts | undefined,
): Omit<EndpointPolicyView, 'inForce' | 'countersProblem'> {
  const endpoint = findEndpoint(policy, text);
  const view = new PartViews(policy, counters);
  const both = (part: Part, tiers: readonly EndpointTier[], profiles?: readonly string[]) =>
    (['ingress', 'egress'] as const).map(direction => view.part(part, direction, tiers, profiles));
  const { key, interfaceName, tiers, profiles } = endpoint;
  if ('addresses' in endpoint) {
    return {
      endpoint: key,
      interfaceName,
      disabled: endpoint.disabled,
      guarded: isWorkloadInterface(interfaceName, settings),
      parts: both('workload', tiers, profiles),
    };
  }
  const { forward, untracked, preDnat } = endpoint;
  const parts = [
    ...both('untracked', untracked),
    view.part('pre-dnat', 'ingress', preDnat),
    ...both('host', tiers, profiles),
    ...both('forward', forward),
  ];
  const shown = parts.filter(({ part, tiers }) => part === 'host' || tiers.length > 0);
  return { endpoint: key, interfaceName, disabled: false, guarded: true, parts: shown };
}

/** By key, `NAMESPACE/NAME`, name or interface. Throws {@link ControlFailure} where there is none, or more than one. */
function findEndpoint({ workloads, hosts }: HostPolicy, text: string): WorkloadEndpoint | HostEndpoint {
  const all = [...workloads.values(), ...hosts.values()];
  const shortOf = (key: string) => key.slice(key.indexOf('/') + 1);
  const tests: ((one: WorkloadEndpoint | HostEndpoint) => boolean)[] = [
    ({ key }) => key === text,
    ({ key }) => shortOf(key) === text,
    ({ key }) => key.slice(key.lastIndexOf('/') + 1) === text,
    ({ interfaceName }) => interfaceName === text,
  ];
  for (const test of tests) {
    const found = all.filter(test);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      const allowed = found.map(({ key }) => key).join(', ');
      throw new ControlFailure(409, {
        error: `"${text}" is the name of several endpoints`,
        field: 'endpoint',
        value: text,
        allowed,
      });
    }
  }
  const names = all.map(({ key }) => shortOf(key)).sort();
  const allowed =
    names.length === 0
      ? '(this host has no endpoints)'
      : `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
  throw new ControlFailure(404, {
    error: `this host has no endpoint "${text}"`,
    field: 'endpoint',
    value: text,
    allowed,
  });
}

/** Where the rules of a part stand. */
const tableOf: Readonly<Record<Part, TableName>> = {
  workload: 'filter',
  host: 'filter',
  forward: 'filter',
  untracked: 'raw',
  'pre-dnat': 'mangle',
};

class PartViews {
  readonly #policy: HostPolicy;
  readonly #counters: Counts | undefined;

  constructor(policy: HostPolicy, counters: Counts | undefined) {
    this.#policy = policy;
    this.#counters = counters;
  }

  part(
    part: Part,
    direction: Direction,
    tiers: readonly EndpointTier[],
    profiles: readonly string[] = [],
  ): PolicyPartView {
    const { policies, profiles: known } = this.#policy;
    const table = tableOf[part];
    return {
      part,
      direction,
      tiers: tiers
        .filter(tier => tier[direction].length > 0)
        .map(tier => ({
          name: tier.name,
          defaultAction: tier[direction].every(key => policies.get(key)?.staged === true)
            ? 'none'
            : part === 'untracked' || part === 'pre-dnat'
              ? 'pass'
              : tier.defaultAction,
          policies: tier[direction].map(key => ({
            ...this.#rules(table, key, direction, policies.get(key)?.[direction] ?? []),
            staged: policies.get(key)?.staged === true,
          })),
        })),
      profiles: profiles.map(name => ({
        ...this.#rules(table, `Profile/${name}`, direction, known.get(name)?.[direction] ?? []),
        missing: !known.has(name),
      })),
    };
  }

  #rules(table: TableName, owner: string, direction: Direction, rules: readonly Rule[]): PolicyRulesView {
    return {
      key: owner,
      rules: rules.map((rule, number): PolicyRuleView => {
        const counted = this.#counters?.of(table, { owner, direction, rule: number });
        return {
          rule: number,
          action: rule.action,
          words: ruleInWords(rule, this.#policy.sets),
          packets: counted?.packets ?? null,
          bytes: counted?.bytes ?? null,
        };
      }),
    };
  }
}
