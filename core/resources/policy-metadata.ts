/** What a document of policy must be called, and what its name says: checked after its fields, each of which is sound by itself. */
import { NAMESPACE_LABEL } from '../selector.js';
import { type DocumentProblem, show } from './problems.js';
import type { Metadata, ResourceKind } from './resource.js';
import { completeTier, type TierGiven, tierProblems } from './tier.js';

/** A spec as it is kept: with what the name says of it. */
export function completed(kind: ResourceKind, { name }: Metadata, spec: unknown): unknown {
  return kind === 'Tier' ? completeTier(name, spec as TierGiven) : spec;
}

export function metadataProblems(
  kind: ResourceKind,
  metadata: Metadata,
  spec: unknown,
): readonly DocumentProblem[] {
  switch (kind) {
    case 'Tier':
      return [...tierNameProblems(metadata), ...tierProblems(metadata.name, spec as TierGiven)];
    case 'NetworkPolicy':
    case 'StagedNetworkPolicy':
    case 'GlobalNetworkPolicy':
    case 'StagedGlobalNetworkPolicy':
      return policyNameProblems(kind, metadata);
    case 'NetworkSet':
    case 'GlobalNetworkSet':
      return labelProblems(metadata);
    case 'BGPTopology':
    case 'TopologyPlan':
      return onlyOneProblems(kind, metadata);
    default:
      return [];
  }
}

function onlyOneProblems(kind: ResourceKind, { name }: Metadata): DocumentProblem[] {
  if (name === 'default') return [];
  const allowed = `"default": a cluster has one ${kind}, which is called so`;
  return [{ path: 'metadata.name', value: show(name), allowed }];
}

/** It is part of other names. */
function tierNameProblems({ name }: Metadata): DocumentProblem[] {
  if (/^[-a-z0-9]{1,63}$/.test(name)) return [];
  const allowed = 'the name of a tier: at most 63 small letters, digits and "-"';
  return [{ path: 'metadata.name', value: show(name), allowed }];
}

/** NAME or TIER.NAME. */
function policyNameProblems(kind: ResourceKind, { name }: Metadata): DocumentProblem[] {
  const path = 'metadata.name';
  if (/^(knp|ossg)\.default\./.test(name)) {
    const allowed = `free: Calico shows Kubernetes' own policies so, which are applied as networking.k8s.io/v1`;
    return [{ path, value: show(name), allowed }];
  }
  if (name.split('.').length <= 2) return [];
  return [
    { path, value: show(name), allowed: `the name of a ${kind}: NAME or TIER.NAME, without further dots` },
  ];
}

/** Says where the set is, which nobody else may. */
function labelProblems({ labels }: Metadata): DocumentProblem[] {
  if (!Object.hasOwn(labels, NAMESPACE_LABEL)) return [];
  const path = `metadata.labels["${NAMESPACE_LABEL}"]`;
  return [{ path, value: show(labels[NAMESPACE_LABEL]), allowed: 'allowed: metadata.namespace says it' }];
}
