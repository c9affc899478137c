/** Policies of every kind in one form: whom they are for, where they stand, and their rules as written. */
import { flushOnDenyOf } from '../../core/resources/annotations.js';
import type {
  GlobalNetworkPolicyResource,
  GlobalPolicySpec,
  KubernetesNetworkPolicyResource,
  NetworkPolicyResource,
  PolicyRule,
  PolicySpec,
  StagedGlobalNetworkPolicyResource,
  StagedKubernetesNetworkPolicyResource,
  StagedNetworkPolicyResource,
} from '../../core/resources/policy-documents.js';
import { formatResourceId, type Metadata } from '../../core/resources/resource.js';
import type { PolicyKey } from '../model.js';
import { convertKubernetesRules, podsOf } from './kubernetes-policy.js';
import type { SharedSelector } from './label-index.js';
import { policySelector } from './scoped-selectors.js';
import { shared } from './set-definitions.js';
import { DEFAULT_TIER } from './tiers.js';

export type PolicyDocument =
  | NetworkPolicyResource
  | GlobalNetworkPolicyResource
  | KubernetesNetworkPolicyResource
  | StagedNetworkPolicyResource
  | StagedGlobalNetworkPolicyResource
  | StagedKubernetesNetworkPolicyResource;

export interface PolicySource {
  readonly key: PolicyKey;
  readonly kind: PolicyDocument['kind'];
  readonly name: string;
  readonly namespace: string | undefined;
  readonly tier: string;
  /** Infinity: after all that say one. */
  readonly order: number;
  readonly staged: boolean;
  readonly flushOnDeny: boolean | undefined;
  readonly selector: SharedSelector;
  readonly place: PolicyPlace;
  /** Undefined: it does not apply that way. */
  readonly ingress: readonly PolicyRule[] | undefined;
  readonly egress: readonly PolicyRule[] | undefined;
}

export interface PolicyPlace {
  /** Endpoints of workloads as well as of hosts. */
  readonly workloads: boolean;
  /** For the traffic of local processes: with connection tracking and after NAT, or before the one or the other. */
  readonly stage: 'tracked' | 'untracked' | 'pre-dnat';
  /** For traffic through a host endpoint, too. */
  readonly forward: boolean;
}

/** Kubernetes' policies have no order of their own. */
const KUBERNETES_ORDER = 1000;

/** Undefined: it is not there to be looked at (a staged one that would delete its counterpart, or says to ignore it). */
export function policySource(document: PolicyDocument): PolicySource | undefined {
  switch (document.kind) {
    case 'NetworkPolicy':
      return sourceOf(document, document.spec, tracked, false);
    case 'GlobalNetworkPolicy':
      return sourceOf(document, document.spec, placeOf(document.spec), false);
    case 'KubernetesNetworkPolicy':
      return kubernetesSource(document, false);
    case 'StagedNetworkPolicy':
      return isShown(document.spec) ? sourceOf(document, document.spec, tracked, true) : undefined;
    case 'StagedGlobalNetworkPolicy':
      return isShown(document.spec)
        ? sourceOf(document, document.spec, placeOf(document.spec), true)
        : undefined;
    case 'StagedKubernetesNetworkPolicy':
      return isShown(document.spec) ? kubernetesSource(document, true) : undefined;
  }
}

const tracked: PolicyPlace = { workloads: true, stage: 'tracked', forward: false };

function placeOf({ doNotTrack, preDNAT, applyOnForward }: GlobalPolicySpec): PolicyPlace {
  if (doNotTrack) return { workloads: false, stage: 'untracked', forward: false };
  if (preDNAT) return { workloads: false, stage: 'pre-dnat', forward: false };
  return { ...tracked, forward: applyOnForward };
}

function isShown({ stagedAction }: { readonly stagedAction: string }): boolean {
  return stagedAction === 'Set' || stagedAction === 'Learn';
}

type Identified = Pick<PolicySource, 'key' | 'kind' | 'name' | 'namespace' | 'flushOnDeny'>;

function identify({ kind, metadata }: { kind: PolicyDocument['kind']; metadata: Metadata }): Identified {
  const { name, namespace } = metadata;
  const key = formatResourceId({ kind, name, ...(namespace !== undefined && { namespace }) });
  return { key, kind, name, namespace, flushOnDeny: flushOnDenyOf({ metadata }) };
}

function sourceOf(
  document: PolicyDocument,
  spec: PolicySpec & { readonly namespaceSelector?: string },
  place: PolicyPlace,
  staged: boolean,
): PolicySource {
  const { namespace } = document.metadata;
  const ways = place.stage === 'pre-dnat' ? ['Ingress'] : spec.types;
  return {
    ...identify(document),
    tier: spec.tier,
    order: spec.order ?? Number.POSITIVE_INFINITY,
    staged,
    selector: shared(policySelector(spec, namespace)),
    place,
    ingress: ways.includes('Ingress') ? spec.ingress : undefined,
    egress: ways.includes('Egress') ? spec.egress : undefined,
  };
}

function kubernetesSource(
  document: KubernetesNetworkPolicyResource | StagedKubernetesNetworkPolicyResource,
  staged: boolean,
): PolicySource {
  const { podSelector, policyTypes, ingress, egress } = document.spec;
  return {
    ...identify(document),
    tier: DEFAULT_TIER,
    order: KUBERNETES_ORDER,
    staged,
    selector: shared(podsOf(podSelector, document.metadata.namespace)),
    place: tracked,
    ingress: policyTypes.includes('Ingress') ? convertKubernetesRules(ingress, 'ingress') : undefined,
    egress: policyTypes.includes('Egress') ? convertKubernetesRules(egress, 'egress') : undefined,
  };
}
