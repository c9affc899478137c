/** Documents of what selectors select: their labels, with those they take over, and the addresses they stand for. */
import type {
  EndpointPort,
  GlobalNetworkSetResource,
  HostEndpointResource,
  NamespaceResource,
  NetworkSetResource,
  ProfileResource,
  ServiceAccountResource,
} from '../../core/resources/policy-documents.js';
import { protocolNumber } from '../../core/resources/policy-fields.js';
import type { Metadata, WorkloadEndpointResource } from '../../core/resources/resource.js';
import { type Labels, NAMESPACE_LABEL } from '../../core/selector.js';
import type { Addressed } from './active-sets.js';
import type { LabelledItem } from './inherited-labels.js';
import {
  KIND,
  NAMESPACE_PREFIX,
  ORCHESTRATOR,
  SERVICE_ACCOUNT,
  SERVICE_ACCOUNT_PREFIX,
} from './scoped-selectors.js';

export type SelectableDocument =
  | WorkloadEndpointResource
  | HostEndpointResource
  | NetworkSetResource
  | GlobalNetworkSetResource;

/** What gives labels to others. */
export type ParentDocument = ProfileResource | NamespaceResource | ServiceAccountResource;

export interface Selectable {
  readonly labels: LabelledItem;
  readonly has: Addressed;
}

export function selectable(document: SelectableDocument): Selectable {
  const { metadata } = document;
  switch (document.kind) {
    case 'WorkloadEndpoint':
      return workload(document);
    case 'HostEndpoint': {
      const { profiles, expectedIPs, ports } = document.spec;
      return {
        labels: { facts: {}, labels: metadata.labels, parents: profiles.map(profileKey) },
        has: { nets: expectedIPs, ports: numbered(ports) },
      };
    }
    case 'NetworkSet':
      return { labels: inNamespace(metadata, {}, []), has: { nets: document.spec.nets, ports: [] } };
    case 'GlobalNetworkSet':
      return {
        labels: { facts: {}, labels: metadata.labels, parents: [] },
        has: { nets: document.spec.nets, ports: [] },
      };
  }
}

function workload({ metadata, spec }: WorkloadEndpointResource): Selectable {
  const { orchestrator, serviceAccountName: account, ipNetworks, profiles = [], ports = [] } = spec;
  const facts: Record<string, string> = { [KIND]: 'WorkloadEndpoint' };
  if (orchestrator !== undefined) facts[ORCHESTRATOR] = orchestrator;
  const parents = profiles.map(profileKey);
  if (account !== undefined) {
    facts[SERVICE_ACCOUNT] = account;
    facts[SERVICE_ACCOUNT_NAME] = account;
    parents.unshift(serviceAccountKey(metadata.namespace, account));
  }
  return {
    labels: inNamespace(metadata, facts, parents),
    has: { nets: ipNetworks, ports: numbered(ports) },
  };
}

/** Who may label a thing in a namespace may not by that say what its namespace or its service account is. */
function inNamespace(
  { namespace, labels }: Metadata,
  facts: Record<string, string>,
  parents: string[],
): LabelledItem {
  const own = Object.keys(labels).some(isOfNamespace)
    ? Object.fromEntries(Object.entries(labels).filter(([label]) => !isOfNamespace(label)))
    : labels;
  if (namespace === undefined) return { facts, labels: own, parents };
  facts[NAMESPACE_LABEL] = namespace;
  for (const label of namespaceNames) facts[label] = namespace;
  parents.unshift(namespaceKey(namespace));
  return { facts, labels: own, parents };
}

/** Under Calico's key and under Kubernetes'. */
const namespaceNames = ['projectcalico.org/name', 'kubernetes.io/metadata.name'].map(
  name => NAMESPACE_PREFIX + name,
);
const SERVICE_ACCOUNT_NAME = `${SERVICE_ACCOUNT_PREFIX}projectcalico.org/name`;

function isOfNamespace(label: string): boolean {
  return label.startsWith(NAMESPACE_PREFIX) || label.startsWith(SERVICE_ACCOUNT_PREFIX);
}

function numbered(ports: readonly EndpointPort[]): Addressed['ports'] {
  return ports.map(({ name, protocol, port }) => ({ name, protocol: protocolNumber(protocol), port }));
}

// ---------------------------------------------------------------- parents

function profileKey(name: string): string {
  return `Profile/${name}`;
}

function namespaceKey(name: string): string {
  return `Namespace/${name}`;
}

function serviceAccountKey(namespace: string | undefined, name: string): string {
  return `ServiceAccount/${namespace ?? ''}/${name}`;
}

/** By kind and name, as {@link selectable} names those that a thing takes labels over from. */
export function parentKey(kind: ParentDocument['kind'], namespace: string | undefined, name: string): string {
  switch (kind) {
    case 'Profile':
      return profileKey(name);
    case 'Namespace':
      return namespaceKey(name);
    case 'ServiceAccount':
      return serviceAccountKey(namespace, name);
  }
}

/** What it gives to others. */
export function labelsGiven(document: ParentDocument): Labels {
  switch (document.kind) {
    case 'Profile':
      return document.spec.labelsToApply;
    case 'Namespace':
      return prefixed(NAMESPACE_PREFIX, document.metadata.labels);
    case 'ServiceAccount':
      return prefixed(SERVICE_ACCOUNT_PREFIX, document.metadata.labels);
  }
}

function prefixed(prefix: string, labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [prefix + label, value]));
}
