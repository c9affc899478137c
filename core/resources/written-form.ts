/**
 * From a resource back to the document that people write: the kind that Kubernetes has under another name here, and the specs of policies,
 * whose parsed shape is not the written one. What is written reads as the same resource.
 */
import type {
  EntityRule,
  KubernetesPolicyPeer,
  KubernetesPolicyRule,
  KubernetesPolicySpec,
  LabelSelector,
  PolicyRule,
} from './policy-documents.js';
import { portText } from './policy-fields.js';
import type { Resource, ResourceKind, SecretResource } from './resource.js';

type Written = Readonly<Record<string, unknown>>;

/** Both Calico's and Kubernetes' policies are written with this kind; the apiVersion tells them apart. */
export function writtenKind(kind: ResourceKind): string {
  return kind === 'KubernetesNetworkPolicy' ? 'NetworkPolicy' : kind;
}

/** As it is written to a store or shown: a stable order, empty maps left out. */
export function serialiseResource(resource: Resource): Record<string, unknown> {
  const { name, namespace, labels, annotations } = resource.metadata;
  const metadata: Record<string, unknown> = { name };
  if (namespace !== undefined) metadata.namespace = namespace;
  if (Object.keys(labels).length > 0) metadata.labels = labels;
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  const { apiVersion } = resource;
  const kind = writtenKind(resource.kind);
  if (resource.kind !== 'Secret') {
    const spec = writtenSpec(resource);
    return { apiVersion, kind, metadata, ...(spec === undefined ? {} : { spec }) };
  }
  const { type, data } = resource;
  return { apiVersion, kind, metadata, ...(type === undefined ? {} : { type }), data };
}

/** Undefined where nothing of it is kept. */
function writtenSpec(resource: Exclude<Resource, SecretResource>): unknown {
  switch (resource.kind) {
    case 'NetworkPolicy':
    case 'GlobalNetworkPolicy':
    case 'StagedNetworkPolicy':
    case 'StagedGlobalNetworkPolicy':
    case 'Profile': {
      const { ingress, egress, ...rest } = resource.spec;
      return { ...rest, ...lists({ ingress: ingress.map(writtenRule), egress: egress.map(writtenRule) }) };
    }
    case 'KubernetesNetworkPolicy':
    case 'StagedKubernetesNetworkPolicy':
      return writtenKubernetesPolicy(resource.spec);
    case 'Namespace':
    case 'ServiceAccount':
      return undefined;
    default:
      return resource.spec;
  }
}

function writtenRule({ source, destination, ...rest }: PolicyRule): Written {
  const sides = { source: writtenEntity(source), destination: writtenEntity(destination) };
  return { ...rest, ...maps(sides) };
}

function writtenEntity({ ports, notPorts, nets, notNets, serviceAccounts, ...rest }: EntityRule): Written {
  const { names = [], ...accounts } = serviceAccounts ?? {};
  return {
    ...lists({ nets, notNets }),
    ...rest,
    ...maps({ serviceAccounts: { ...lists({ names }), ...accounts } }),
    ...lists({ ports: ports.map(portText), notPorts: notPorts.map(portText) }),
  };
}

function writtenKubernetesPolicy({ podSelector, ingress, egress, ...rest }: KubernetesPolicySpec): Written {
  const rules = {
    ingress: ingress.map(rule => writtenKubernetesRule(rule, 'from')),
    egress: egress.map(rule => writtenKubernetesRule(rule, 'to')),
  };
  return { podSelector: writtenLabelSelector(podSelector), ...rest, ...lists(rules) };
}

function writtenKubernetesRule({ peers, ports }: KubernetesPolicyRule, name: 'from' | 'to'): Written {
  return lists({ [name]: peers.map(writtenPeer), ports });
}

function writtenPeer({ podSelector, namespaceSelector, ipBlock }: KubernetesPolicyPeer): Written {
  return {
    ...(podSelector === undefined ? {} : { podSelector: writtenLabelSelector(podSelector) }),
    ...(namespaceSelector === undefined
      ? {}
      : { namespaceSelector: writtenLabelSelector(namespaceSelector) }),
    ...(ipBlock === undefined
      ? {}
      : { ipBlock: { cidr: ipBlock.cidr, ...lists({ except: ipBlock.except }) } }),
  };
}

/** One that is empty and selects everything stays. */
function writtenLabelSelector({ matchLabels, matchExpressions }: LabelSelector): Written {
  const expressions = matchExpressions.map(({ key, operator, values }) => ({
    key,
    operator,
    ...lists({ values }),
  }));
  return { ...maps({ matchLabels }), ...lists({ matchExpressions: expressions }) };
}

/** Those that are not empty. */
function lists(all: Readonly<Record<string, readonly unknown[]>>): Written {
  return Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0));
}

function maps(all: Readonly<Record<string, object>>): Written {
  return Object.fromEntries(Object.entries(all).filter(([, map]) => Object.keys(map).length > 0));
}
