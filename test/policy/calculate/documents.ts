/** Short-hand for documents of policy in tests. */
import type { Prefix } from '../../../core/prefix.js';
import type {
  EntityRule,
  GlobalNetworkPolicyResource,
  GlobalPolicySpec,
  HostEndpointResource,
  NetworkPolicyResource,
  PolicyRule,
  PolicySpec,
  TierResource,
} from '../../../core/resources/policy-documents.js';
import { CALICO_API, type WorkloadEndpointResource } from '../../../core/resources/resource.js';
import { HOST } from './worlds.js';

const apiVersion = CALICO_API;

function metadata(name: string, labels: Record<string, string> = {}, namespace?: string) {
  return { name, labels, annotations: {}, ...(namespace !== undefined && { namespace }) };
}

export const anybody: EntityRule = { nets: [], notNets: [], ports: [], notPorts: [] };

export function allow(source: Partial<EntityRule>, more: Partial<PolicyRule> = {}): PolicyRule {
  return { action: 'Allow', source: { ...anybody, ...source }, destination: anybody, ...more };
}

export function workload(
  name: string,
  labels: Record<string, string>,
  more: Partial<WorkloadEndpointResource['spec']> = {},
): WorkloadEndpointResource {
  const spec = { node: HOST, interfaceName: `cali-${name}`, ipNetworks: ['10.0.0.1/32' as Prefix], ...more };
  return { apiVersion, kind: 'WorkloadEndpoint', metadata: metadata(name, labels, 'red'), spec };
}

export function hostEndpoint(
  name: string,
  more: Partial<HostEndpointResource['spec']>,
): HostEndpointResource {
  const spec = { node: HOST, expectedIPs: [], profiles: [], ports: [], ...more };
  return { apiVersion, kind: 'HostEndpoint', metadata: metadata(name), spec };
}

const policySpec: PolicySpec = {
  tier: 'default',
  selector: '',
  types: ['Ingress'],
  ingress: [],
  egress: [],
};

export function networkPolicy(name: string, more: Partial<PolicySpec> = {}): NetworkPolicyResource {
  const spec = { ...policySpec, ...more };
  return { apiVersion, kind: 'NetworkPolicy', metadata: metadata(name, {}, 'red'), spec };
}

export function globalPolicy(
  name: string,
  more: Partial<GlobalPolicySpec> = {},
): GlobalNetworkPolicyResource {
  const spec = { ...policySpec, doNotTrack: false, preDNAT: false, applyOnForward: false, ...more };
  return { apiVersion, kind: 'GlobalNetworkPolicy', metadata: metadata(name), spec };
}

export function tier(name: string, spec: TierResource['spec']): TierResource {
  return { apiVersion, kind: 'Tier', metadata: metadata(name), spec };
}
