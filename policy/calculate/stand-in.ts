/**
 * In place of a policy that cannot be understood and never was: one without rules, for whoever the policy would be for as far as that
 * can be read, in its tier. So the tier's default decides for them: nothing is left open because of a slip.
 */
import type { LabelSelector } from '../../core/resources/policy-documents.js';
import { formatResourceId } from '../../core/resources/resource.js';
import { isSelector, parseSelector } from '../../core/selector.js';
import { selectorText } from './kubernetes-policy.js';
import type { PolicyDocument, PolicyPlace, PolicySource } from './policy-source.js';
import { policySelector } from './scoped-selectors.js';
import { shared } from './set-definitions.js';
import { DEFAULT_TIER } from './tiers.js';

export interface PolicyId {
  readonly kind: PolicyDocument['kind'];
  readonly namespace?: string;
  readonly name: string;
}

type Written = Readonly<Record<string, unknown>>;

/** `document` as it was written, or whatever is left of it. Undefined: a staged one, which decides nothing. */
export function standInFor(id: PolicyId, document: unknown): PolicySource | undefined {
  if (id.kind.startsWith('Staged')) return undefined;
  const spec = mapOf(mapOf(document).spec);
  const ofKubernetes = id.kind === 'KubernetesNetworkPolicy';
  const whom = {
    selector: readable(ofKubernetes ? podSelectorText(spec.podSelector) : spec.selector) ?? '',
    namespaceSelector: readable(id.kind === 'GlobalNetworkPolicy' ? spec.namespaceSelector : undefined),
    serviceAccountSelector: readable(ofKubernetes ? undefined : spec.serviceAccountSelector),
  };
  const ways = waysOf(spec, ofKubernetes ? spec.policyTypes : spec.types, ofKubernetes);
  return {
    key: formatResourceId(id),
    kind: id.kind,
    name: id.name,
    namespace: id.namespace,
    tier: !ofKubernetes && typeof spec.tier === 'string' && spec.tier !== '' ? spec.tier : DEFAULT_TIER,
    order: Number.POSITIVE_INFINITY,
    staged: false,
    flushOnDeny: undefined,
    selector: shared(policySelector(whom, id.namespace)),
    place: placeOf(id.kind === 'GlobalNetworkPolicy' ? spec : {}),
    ingress: ways.ingress ? [] : undefined,
    egress: ways.egress ? [] : undefined,
  };
}

/** Untracked policy and such before NAT, which are for hosts alone, have no default: the tier's decides for what they would see. */
function placeOf({ doNotTrack, preDNAT, applyOnForward }: Written): PolicyPlace {
  const hostsOnly = doNotTrack === true || preDNAT === true;
  return { workloads: !hostsOnly, stage: 'tracked', forward: hostsOnly || applyOnForward === true };
}

function waysOf(
  spec: Written,
  types: unknown,
  ingressAlways: boolean,
): { readonly ingress: boolean; readonly egress: boolean } {
  const egressRules = spec.egress !== undefined && !(Array.isArray(spec.egress) && spec.egress.length === 0);
  if (types === undefined || types === null)
    return { ingress: ingressAlways || !egressRules || spec.ingress !== undefined, egress: egressRules };
  const known = Array.isArray(types) && types.length > 0 ? types : [undefined];
  const sound = known.every(type => type === 'Ingress' || type === 'Egress');
  return { ingress: !sound || known.includes('Ingress'), egress: !sound || known.includes('Egress') };
}

/** A selector, or undefined if it is none. */
function readable(text: unknown): string | undefined {
  return typeof text === 'string' && isSelector(parseSelector(text)) ? text : undefined;
}

function podSelectorText(selector: unknown): string | undefined {
  const { matchLabels = {}, matchExpressions = [] } = mapOf(selector);
  const labels = Object.values(mapOf(matchLabels));
  const sound =
    labels.every(value => typeof value === 'string') &&
    Array.isArray(matchExpressions) &&
    matchExpressions.every(isRequirement);
  if (!sound) return undefined;
  const expressions = matchExpressions.map(({ values = [], ...rest }) => ({ ...rest, values }));
  return selectorText({
    matchLabels: mapOf(matchLabels) as LabelSelector['matchLabels'],
    matchExpressions: expressions as LabelSelector['matchExpressions'],
  });
}

function isRequirement(expression: unknown): boolean {
  const { key, operator, values = [] } = mapOf(expression);
  return (
    typeof key === 'string' &&
    ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator as string) &&
    Array.isArray(values) &&
    values.every(value => typeof value === 'string')
  );
}

function mapOf(value: unknown): Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Written) : {};
}
