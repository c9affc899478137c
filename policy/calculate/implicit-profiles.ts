/**
 * Profiles that are there without a document: Calico's own that lets everything through, for workloads that no policy is written for, and
 * one like it for each namespace. A document of the name says otherwise.
 */
import type { ProfileResource } from '../../core/resources/policy-documents.js';

export const DEFAULT_ALLOW_PROFILE = 'projectcalico-default-allow';

export function namespaceProfile(namespace: string): string {
  return `kns.${namespace}`;
}

const side = { nets: [], notNets: [], ports: [], notPorts: [] };
const rules = [{ action: 'Allow', source: side, destination: side }] as const;

export const allowAll: Pick<ProfileResource['spec'], 'ingress' | 'egress'> = {
  ingress: rules,
  egress: rules,
};
