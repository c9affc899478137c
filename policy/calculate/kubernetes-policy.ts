/**
 * Kubernetes' own policies as Calico's: each rule allows its peers on its ports, and what no rule allows is the tier's to deny. Selectors
 * of pods select workload endpoints alone, whatever else may be in a namespace.
 */
import type {
  EntityRule,
  KubernetesPolicyPeer,
  KubernetesPolicyRule,
  LabelSelector,
  PolicyPort,
  PolicyRule,
} from '../../core/resources/policy-documents.js';
import type { Selector } from '../../core/selector.js';
import type { Direction } from '../model.js';
import { groupBy } from './group-by.js';
import { KIND, policySelector } from './scoped-selectors.js';

/** Whom a policy of the namespace is for. */
export function podsOf(selector: LabelSelector, namespace: string | undefined): Selector {
  return policySelector({ selector: selectorText(selector) }, namespace);
}

export function convertKubernetesRules(
  rules: readonly KubernetesPolicyRule[],
  direction: Direction,
): PolicyRule[] {
  return rules.flatMap(({ peers, ports }) =>
    (peers.length === 0 ? [anybody] : peers.flatMap(sideOf)).flatMap(peer =>
      portsByProtocol(ports).map(
        ({ protocol, ports }): PolicyRule => ({
          action: 'Allow',
          ...(protocol !== undefined && { protocol }),
          source: direction === 'ingress' ? peer : anybody,
          destination: direction === 'ingress' ? { ...anybody, ports } : { ...peer, ports },
        }),
      ),
    ),
  );
}

const anybody: EntityRule = { nets: [], notNets: [], ports: [], notPorts: [] };

/** A peer that says nothing, which no document may have, is nobody. */
function sideOf({ podSelector, namespaceSelector, ipBlock }: KubernetesPolicyPeer): EntityRule[] {
  if (ipBlock !== undefined) return [{ ...anybody, nets: [ipBlock.cidr], notNets: ipBlock.except }];
  if (podSelector === undefined && namespaceSelector === undefined) return [];
  const pods = podSelector === undefined ? [] : termsOf(podSelector);
  return [
    {
      ...anybody,
      selector: [`${KIND} == "WorkloadEndpoint"`, ...pods].join(' && '),
      ...(namespaceSelector !== undefined && { namespaceSelector: selectorText(namespaceSelector) }),
    },
  ];
}

/** In the language of selectors. */
export function selectorText(selector: LabelSelector): string {
  return termsOf(selector).join(' && ') || 'all()';
}

/** Keys and values have no characters that selectors do not take. */
function termsOf({ matchLabels, matchExpressions }: LabelSelector): string[] {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key} == "${value}"`);
  return [...equal, ...matchExpressions.map(expressionText)];
}

function expressionText({ key, operator, values }: LabelSelector['matchExpressions'][number]): string {
  const list = `{${values.map(value => `"${value}"`).join(', ')}}`;
  switch (operator) {
    case 'In':
      return `${key} in ${list}`;
    case 'NotIn':
      return `${key} not in ${list}`;
    case 'Exists':
      return `has(${key})`;
    case 'DoesNotExist':
      return `!has(${key})`;
  }
}

interface PortsOfProtocol {
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  /** None is every port. */
  readonly ports: readonly PolicyPort[];
}

function portsByProtocol(ports: KubernetesPolicyRule['ports']): PortsOfProtocol[] {
  if (ports.length === 0) return [{ ports: [] }];
  const byProtocol = groupBy(ports, ({ protocol }) => protocol);
  return [...byProtocol].map(([protocol, ofProtocol]) => ({
    protocol,
    ports: ofProtocol.some(({ port }) => port === undefined) ? [] : ofProtocol.map(portOf),
  }));
}

function portOf({ port, endPort }: KubernetesPolicyRule['ports'][number]): PolicyPort {
  if (typeof port === 'string') return { name: port };
  const min = port as number;
  return { min, max: endPort ?? min };
}
