/**
 * What the endpoints of this host need: policies that select one of them, profiles that one of them names, and of each endpoint the
 * order in which they apply. Everything else about policies is kept as text until it is needed here.
 */
import type { ProfileResource, TierResource } from '../../core/resources/policy-documents.js';
import type { Labels } from '../../core/selector.js';
import type { EndpointKey, HostEndpoint, Policy, PolicyKey, Profile, WorkloadEndpoint } from '../model.js';
import { ActiveRules } from './active-rules.js';
import type { ActiveSets } from './active-sets.js';
import { endpointTiers, hostStages } from './endpoint-tiers.js';
import { allowAll, DEFAULT_ALLOW_PROFILE, namespaceProfile } from './implicit-profiles.js';
import { LabelIndex } from './label-index.js';
import { Part, type PolicyDelta } from './policy-delta.js';
import type { PolicySource } from './policy-source.js';
import { type Tier, tierOf } from './tiers.js';

/** One of this host's, with what does not depend on policies; a host endpoint may be there on several interfaces. */
export type LocalEndpoint =
  | { readonly kind: 'workload'; readonly base: Omit<WorkloadEndpoint, 'tiers'> }
  | {
      readonly kind: 'host';
      readonly bases: readonly Pick<HostEndpoint, 'key' | 'interfaceName' | 'profiles'>[];
    };

interface EndpointEntry {
  endpoint: LocalEndpoint;
  readonly policies: Set<PolicyEntry>;
  profiles: readonly string[];
  /** What has been told of it. */
  keys: readonly EndpointKey[];
}

interface PolicyEntry {
  source: PolicySource;
  readonly endpoints: Set<EndpointEntry>;
}

interface ProfileEntry {
  document: ProfileResource | undefined;
  readonly endpoints: Set<EndpointEntry>;
}

type Parts = Omit<PolicyDelta, 'sets'>;

export class LocalPolicy {
  readonly #rules: ActiveRules;
  readonly #tiers = new Map<string, TierResource>();
  readonly #policies = new Map<PolicyKey, PolicyEntry>();
  readonly #profiles = new Map<string, ProfileEntry>();
  /** Names of profiles that are there with their namespaces, unless a document says otherwise. */
  readonly #implied = new Set<string>();
  readonly #endpoints = new Map<string, EndpointEntry>();
  readonly #index = new LabelIndex<PolicyEntry, EndpointEntry>({
    selected: (policy, endpoint) => this.#selected(policy, endpoint),
    unselected: (policy, endpoint) => this.#unselected(policy, endpoint),
  });

  readonly #changedEndpoints = new Set<EndpointEntry>();
  readonly #changedPolicies = new Set<PolicyEntry>();
  readonly #changedProfiles = new Set<string>();

  readonly #parts = {
    workloads: new Part<EndpointKey, WorkloadEndpoint>(),
    hosts: new Part<EndpointKey, HostEndpoint>(),
    policies: new Part<PolicyKey, Policy>(),
    profiles: new Part<string, Profile>(),
  };

  constructor(sets: ActiveSets) {
    this.#rules = new ActiveRules(sets);
  }

  get workloads(): ReadonlyMap<EndpointKey, WorkloadEndpoint> {
    return this.#parts.workloads.held;
  }

  get hosts(): ReadonlyMap<EndpointKey, HostEndpoint> {
    return this.#parts.hosts.held;
  }

  get policies(): ReadonlyMap<PolicyKey, Policy> {
    return this.#parts.policies.held;
  }

  get profiles(): ReadonlyMap<string, Profile> {
    return this.#parts.profiles.held;
  }

  get size(): { readonly [part: string]: number } {
    const index = this.#index.size;
    return {
      tiers: this.#tiers.size,
      policies: this.#policies.size,
      profiles: this.#profiles.size + this.#implied.size,
      endpoints: this.#endpoints.size,
      active: this.#rules.size,
      indexed: index.items + index.selectors + index.places,
    };
  }

  // -------------------------------------------------------------- documents

  setTier(name: string, document: TierResource | undefined): void {
    if (document === undefined) this.#tiers.delete(name);
    else this.#tiers.set(name, document);
    for (const endpoint of this.#endpoints.values())
      for (const { source } of endpoint.policies)
        if (source.tier === name) this.#changedEndpoints.add(endpoint);
  }

  setPolicy(source: PolicySource): void {
    const entry = this.#policies.get(source.key);
    if (entry !== undefined && samePlace(entry.source, source)) {
      entry.source = source;
      this.#changedPolicies.add(entry);
      for (const endpoint of entry.endpoints) this.#changedEndpoints.add(endpoint);
      return;
    }
    this.deletePolicy(source.key);
    const created: PolicyEntry = { source, endpoints: new Set() };
    this.#policies.set(source.key, created);
    this.#index.watch(created, source.selector);
  }

  deletePolicy(key: PolicyKey): void {
    const entry = this.#policies.get(key);
    if (entry === undefined) return;
    this.#index.unwatch(entry, entry.source.selector);
    this.#policies.delete(key);
  }

  setProfile(name: string, document: ProfileResource | undefined): void {
    this.#profile(name).document = document;
    this.#changedProfiles.add(name);
  }

  setNamespace(name: string, exists: boolean): void {
    const profile = namespaceProfile(name);
    if (exists) this.#implied.add(profile);
    else this.#implied.delete(profile);
    this.#changedProfiles.add(profile);
  }

  // -------------------------------------------------------------- endpoints

  setEndpoint(id: string, endpoint: LocalEndpoint, labels: Labels): void {
    let entry = this.#endpoints.get(id);
    if (entry === undefined) {
      entry = { endpoint, policies: new Set(), profiles: [], keys: [] };
      this.#endpoints.set(id, entry);
    }
    entry.endpoint = endpoint;
    this.#changedEndpoints.add(entry);
    this.#setProfilesOf(entry, profilesOf(endpoint));
    this.#index.setItem(entry, labels);
  }

  setLabels(id: string, labels: Labels): void {
    const entry = this.#endpoints.get(id);
    if (entry !== undefined) this.#index.setItem(entry, labels);
  }

  deleteEndpoint(id: string): void {
    const entry = this.#endpoints.get(id);
    if (entry === undefined) return;
    this.#index.deleteItem(entry);
    this.#setProfilesOf(entry, []);
    this.#endpoints.delete(id);
    this.#changedEndpoints.delete(entry);
    for (const key of entry.keys) this.#part(entry).delete(key);
  }

  // -------------------------------------------------------------- what changed

  /** Before the sets are taken: rules that come into use bring sets with them. */
  take(): Parts {
    for (const policy of this.#changedPolicies) this.#refreshPolicy(policy);
    for (const name of this.#changedProfiles) this.#refreshProfile(name);
    for (const endpoint of this.#changedEndpoints) this.#refreshEndpoint(endpoint);
    this.#changedPolicies.clear();
    this.#changedProfiles.clear();
    this.#changedEndpoints.clear();
    const { workloads, hosts, policies, profiles } = this.#parts;
    return {
      workloads: workloads.take(),
      hosts: hosts.take(),
      policies: policies.take(),
      profiles: profiles.take(),
    };
  }

  /** One that was replaced goes before the other comes: it is the older in the list of changes. */
  #refreshPolicy(entry: PolicyEntry): void {
    const { key, tier, staged, flushOnDeny, namespace, ingress = [], egress = [] } = entry.source;
    if (entry.endpoints.size > 0) {
      const rules = this.#rules.activate(entry, { namespace, ingress, egress });
      this.#parts.policies.put(key, { key, tier, staged, flushOnDeny, ...rules });
    } else {
      this.#rules.deactivate(entry);
      this.#parts.policies.delete(key);
    }
  }

  #refreshProfile(name: string): void {
    const entry = this.#profile(name);
    const needed = entry.endpoints.size > 0;
    const spec = entry.document?.spec ?? (this.#isImplied(name) ? allowAll : undefined);
    if (needed && spec !== undefined) {
      const { ingress, egress } = spec;
      const rules = this.#rules.activate(entry, { namespace: undefined, ingress, egress });
      this.#parts.profiles.put(name, { name, ...rules });
      return;
    }
    this.#rules.deactivate(entry);
    this.#parts.profiles.delete(name);
    if (!needed && entry.document === undefined) this.#profiles.delete(name);
  }

  #isImplied(name: string): boolean {
    return name === DEFAULT_ALLOW_PROFILE || this.#implied.has(name);
  }

  #refreshEndpoint(entry: EndpointEntry): void {
    const sources = Array.from(entry.policies, ({ source }) => source);
    const tierNamed = (name: string): Tier => tierOf(name, this.#tiers.get(name));
    const before = entry.keys;
    if (entry.endpoint.kind === 'workload') {
      const { base } = entry.endpoint;
      entry.keys = [base.key];
      this.#parts.workloads.put(base.key, { ...base, tiers: endpointTiers(sources, tierNamed) });
    } else {
      const { bases } = entry.endpoint;
      const stages = hostStages(sources, tierNamed);
      entry.keys = bases.map(({ key }) => key);
      for (const base of bases) this.#parts.hosts.put(base.key, { ...base, ...stages });
    }
    for (const key of before) if (!entry.keys.includes(key)) this.#part(entry).delete(key);
  }

  // -------------------------------------------------------------- who needs what

  #selected(policy: PolicyEntry, endpoint: EndpointEntry): void {
    if (endpoint.endpoint.kind === 'workload' && !policy.source.place.workloads) return;
    if (policy.endpoints.size === 0) this.#changedPolicies.add(policy);
    policy.endpoints.add(endpoint);
    endpoint.policies.add(policy);
    this.#changedEndpoints.add(endpoint);
  }

  #unselected(policy: PolicyEntry, endpoint: EndpointEntry): void {
    if (!policy.endpoints.delete(endpoint)) return;
    endpoint.policies.delete(policy);
    this.#changedEndpoints.add(endpoint);
    if (policy.endpoints.size === 0) this.#changedPolicies.add(policy);
  }

  #setProfilesOf(endpoint: EndpointEntry, names: readonly string[]): void {
    const before = endpoint.profiles;
    endpoint.profiles = names;
    for (const name of names) {
      const entry = this.#profile(name);
      if (entry.endpoints.size === 0) this.#changedProfiles.add(name);
      entry.endpoints.add(endpoint);
    }
    for (const name of before) {
      const entry = this.#profile(name);
      if (!names.includes(name) && entry.endpoints.delete(endpoint) && entry.endpoints.size === 0)
        this.#changedProfiles.add(name);
    }
  }

  #profile(name: string): ProfileEntry {
    let entry = this.#profiles.get(name);
    if (entry === undefined) {
      entry = { document: undefined, endpoints: new Set() };
      this.#profiles.set(name, entry);
    }
    return entry;
  }

  #part({ endpoint }: EndpointEntry): { delete(key: EndpointKey): void } {
    return endpoint.kind === 'workload' ? this.#parts.workloads : this.#parts.hosts;
  }
}

/** Whoever one of them is for, the other is for. */
function samePlace(a: PolicySource, b: PolicySource): boolean {
  return a.selector.canonical === b.selector.canonical && a.place.workloads === b.place.workloads;
}

function profilesOf(endpoint: LocalEndpoint): readonly string[] {
  const { profiles = [] } = (endpoint.kind === 'workload' ? endpoint.base : endpoint.bases[0]) ?? {};
  return profiles;
}
