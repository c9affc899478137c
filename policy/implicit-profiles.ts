/**
 * Profiles that are there without a document (pure): Calico's own that lets everything through, for workloads that no policy is written for,
 * and one like it for each namespace. What a policy says comes first.
 */
import type { ProfileResource } from '../core/resources/policy-documents.js';
import { CALICO_API, type ResourceId } from '../core/resources/resource.js';

const DEFAULT_ALLOW = 'projectcalico-default-allow';
const ofNamespace = (name: string) => `kns.${name}`;

export const defaultAllowProfile: ProfileResource = allowAll(DEFAULT_ALLOW);

/** Of a namespace that is there; undefined for anything else. */
export function implicitProfileOf({ kind, name }: ResourceId): ProfileResource | undefined {
  return kind === 'Namespace' ? allowAll(ofNamespace(name)) : undefined;
}

function allowAll(name: string): ProfileResource {
  const side = { nets: [], notNets: [], ports: [], notPorts: [] };
  const rules = [{ action: 'Allow', source: side, destination: side }] as const;
  return {
    apiVersion: CALICO_API,
    kind: 'Profile',
    metadata: { name, labels: {}, annotations: {} },
    spec: { labelsToApply: {}, ingress: rules, egress: rules },
  };
}
