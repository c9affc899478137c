/** `bgpctl get` of the documents of network policy: calicoctl's columns, with the namespace in front. Pure. */
import type { PolicyResource } from '../../core/resources/policy-documents.js';

type Cell = readonly [header: string, text: string];

export function policyCells(resource: PolicyResource, wide: boolean): Cell[] {
  const { name, namespace } = resource.metadata;
  const names: Cell[] = [
    ...(namespace === undefined ? [] : [['NAMESPACE', namespace] as const]),
    ['NAME', name],
  ];
  return [...names, ...ownCells(resource, wide)];
}

function ownCells(resource: PolicyResource, wide: boolean): Cell[] {
  switch (resource.kind) {
    case 'Tier':
      return [
        ['ORDER', orderText(resource.spec.order)],
        ['DEFAULTACTION', resource.spec.defaultAction],
      ];
    case 'NetworkPolicy':
    case 'GlobalNetworkPolicy':
    case 'StagedNetworkPolicy':
    case 'StagedGlobalNetworkPolicy': {
      const { tier, order, selector, types, ingress, egress } = resource.spec;
      const more: Cell[] = [
        ['ORDER', orderText(order)],
        ['SELECTOR', selector === '' ? 'all()' : selector],
        ['TYPES', types.join(',')],
        ['RULES', String(ingress.length + egress.length)],
      ];
      return [['TIER', tier], ...(wide ? more : [])];
    }
    case 'KubernetesNetworkPolicy':
    case 'StagedKubernetesNetworkPolicy': {
      const { policyTypes, ingress, egress } = resource.spec;
      const rules: Cell = ['RULES', String(ingress.length + egress.length)];
      return [['TYPES', policyTypes.join(',')], ...(wide ? [rules] : [])];
    }
    case 'NetworkSet':
    case 'GlobalNetworkSet':
      return [['NETS', wide ? resource.spec.nets.join(',') : String(resource.spec.nets.length)]];
    case 'Profile': {
      const labels = Object.entries(resource.spec.labelsToApply).map(([key, value]) => `${key}=${value}`);
      return wide ? [['LABELS', labels.join(',')]] : [];
    }
    case 'HostEndpoint': {
      const { node, interfaceName = '', expectedIPs, profiles } = resource.spec;
      const more: Cell[] = [
        ['INTERFACE', interfaceName],
        ['IPS', expectedIPs.join(',')],
        ['PROFILES', profiles.join(',')],
      ];
      return [['NODE', node], ...(wide ? more : [])];
    }
    case 'Namespace':
    case 'ServiceAccount': {
      const labels = Object.entries(resource.metadata.labels).map(([key, value]) => `${key}=${value}`);
      return wide ? [['LABELS', labels.join(',')]] : [];
    }
  }
}

/** Without one it is last. */
function orderText(order: number | undefined): string {
  return order === undefined ? '' : String(order);
}
