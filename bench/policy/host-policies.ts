/** What a host has to enforce, made up to size: so many rules, or a set of so many members. Pure. */
import type { Prefix } from '../../core/prefix.js';
import { type MembersChange, noteChange } from '../../policy/changed-members.js';
import { filterSettings } from '../../policy/filter-settings.js';
import type { AddressSet, HostPolicy, Policy, Rule, RuleSide, WorkloadEndpoint } from '../../policy/model.js';
import type { FilterSettings } from '../../policy/settings.js';

export const ENDPOINTS = 100;
/** A rule of policy, and the return after it; but for the last one of a chain. */
const RULES_PER_LIST = 5;
const KERNEL_RULES_PER_POLICY = 2 * (2 * RULES_PER_LIST - 1);
const SET = 's:bench';

/** Defaults, of a host without pools and tunnels. One family: two would only be twice the same. */
export const settings: FilterSettings = {
  ...filterSettings(() => undefined, {}, { pools: [], nodeAddresses: [], tunnels: [] }),
  families: ['ipv4'],
};

const side: RuleSide = {
  nets: [],
  notNets: [],
  sets: [],
  notSets: [],
  ports: [],
  notPorts: [],
  namedPorts: [],
  notNamedPorts: [],
};

/** Policies with at least so many rules of the kernel's, each for one of the endpoints. */
export function hostWithRules(count: number): HostPolicy {
  const policies = Array.from({ length: Math.ceil(count / KERNEL_RULES_PER_POLICY) }, (_, i) => policy(i));
  return hostWith(policies, []);
}

/** The same but for one rule: a chain of it is another. @param version what it says */
export function withPolicyChanged(host: HostPolicy, i: number, version: number): HostPolicy {
  const number = i % host.policies.size;
  const changed = policy(number, version);
  return { ...host, policies: new Map(host.policies).set(changed.key, changed) };
}

/** One policy whose rule names a set of these. */
export function hostWithSet(members: ReadonlySet<Prefix>): HostPolicy {
  const rule: Rule = {
    action: 'allow',
    source: { ...side, sets: [SET] },
    destination: side,
  };
  return withMembers(hostWith([{ ...policy(0), ingress: [rule] }], []), members);
}

/** Its set is another one, as the calculator says it: a new object, which may be round the same members; and what the difference is. */
export function withMembers(
  host: HostPolicy,
  members: ReadonlySet<Prefix>,
  change?: MembersChange,
): HostPolicy {
  const set: AddressSet = { id: SET, kind: 'nets', what: 'the bench', members };
  const before = host.sets.get(SET);
  if (before !== undefined && change !== undefined) noteChange(before, set, change);
  return { ...host, sets: new Map([[set.id, set]]) };
}

function hostWith(policies: readonly Policy[], sets: readonly AddressSet[]): HostPolicy {
  return {
    workloads: new Map(
      Array.from({ length: ENDPOINTS }, (_, i) => endpoint(i, policies)).map(one => [one.key, one]),
    ),
    hosts: new Map(),
    policies: new Map(policies.map(one => [one.key, one])),
    profiles: new Map(),
    sets: new Map(sets.map(set => [set.id, set])),
  };
}

function endpoint(i: number, policies: readonly Policy[]): WorkloadEndpoint {
  const keys = policies.filter((_, n) => n % ENDPOINTS === i).map(({ key }) => key);
  return {
    key: `WorkloadEndpoint/default/pod-${i}`,
    interfaceName: `cali${i}`,
    addresses: [`10.65.0.${i}/32` as Prefix],
    mayAlsoSendFrom: [],
    disabled: false,
    tiers: [{ name: 'default', defaultAction: 'deny', ingress: keys, egress: keys }],
    profiles: [],
  };
}

function policy(i: number, version = 0): Policy {
  const rules = (way: number, first: number) =>
    Array.from({ length: RULES_PER_LIST }, (_, n) => rule(10 * i + way + n, n === 0 ? first : 0));
  return {
    key: `NetworkPolicy/default/policy-${i}`,
    tier: 'default',
    staged: false,
    flushOnDeny: false,
    ingress: rules(0, version),
    egress: rules(RULES_PER_LIST, 0),
  };
}

function rule(i: number, version: number): Rule {
  const port = 1024 + (version % 60_000);
  return {
    action: 'allow',
    protocol: 6,
    source: { ...side, nets: [`10.${(i >> 8) & 255}.${i & 255}.0/24` as Prefix] },
    destination: { ...side, ports: [{ min: port, max: port }] },
  };
}
