/**
 * From a document as it was written to a resource, or to everything that is wrong with it at once. Documents of
 * `projectcalico.org/v3` are taken as they are: a field that Calico does not have is refused with the place where it belongs.
 */
import { z } from 'zod';
import { nearest } from '../nearest-word.js';
import { annotationProblems } from './annotations.js';
import { bgpConfigurationSpec } from './bgp-configuration.js';
import { bgpFilterSpec } from './bgp-filter.js';
import { bgpPeerSpec } from './bgp-peer.js';
import { bgpPeerRangeSpec } from './bgp-peer-range.js';
import { blockAffinitySpec } from './block-affinity.js';
import { bgpTopologySpec, leaseSpec, nodeReportSpec, topologyPlanSpec } from './cluster.js';
import { felixConfigurationSpec } from './felix-configuration.js';
import { labels, optional, resourceName } from './fields.js';
import { hostEndpointSpec } from './host-endpoint.js';
import { ipPoolSpec } from './ip-pool.js';
import { ipamBlockSpec, ipamConfigurationSpec, ipamHandleSpec, ipReservationSpec } from './ipam.js';
import { kubernetesNetworkPolicySpec, stagedKubernetesNetworkPolicySpec } from './kubernetes-policy.js';
import { networkSetSpec } from './network-set.js';
import { nodeSpec } from './node.js';
import { nodeStatusSpec } from './node-status.js';
import {
  globalNetworkPolicySpec,
  networkPolicySpec,
  stagedGlobalNetworkPolicySpec,
  stagedNetworkPolicySpec,
} from './policy.js';
import { completed, metadataProblems } from './policy-metadata.js';
import { type DocumentProblem, problemsOf, show, typeWords } from './problems.js';
import { profileSpec } from './profile.js';
import {
  apiOf,
  isNamespaced,
  KUBERNETES_API,
  type Metadata,
  NETWORKING_API,
  type Resource,
  type ResourceId,
  type ResourceKind,
} from './resource.js';
import { secretContent, secretFields } from './secret.js';
import { tierSpec } from './tier.js';
import { workloadEndpointSpec } from './workload-endpoint.js';
import { writtenKind } from './written-form.js';

export type ParsedDocument =
  | { readonly kind: 'ok'; readonly resource: Resource }
  | {
      readonly kind: 'invalid';
      /** As far as it can be made out. */
      readonly id: ResourceId | undefined;
      readonly problems: readonly DocumentProblem[];
    };

/** Its labels are what it is here for. */
const nothingKept = z.unknown().transform(() => ({}));

/** A Secret has none: its content stands beside its metadata. */
const specs: Readonly<Record<Exclude<ResourceKind, 'Secret'>, z.ZodType>> = {
  Node: nodeSpec,
  IPPool: ipPoolSpec,
  BGPConfiguration: bgpConfigurationSpec,
  FelixConfiguration: felixConfigurationSpec,
  BGPPeer: bgpPeerSpec,
  BGPPeerRange: bgpPeerRangeSpec,
  BGPFilter: bgpFilterSpec,
  WorkloadEndpoint: workloadEndpointSpec,
  BlockAffinity: blockAffinitySpec,
  NodeStatus: nodeStatusSpec,
  IPAMConfiguration: ipamConfigurationSpec,
  IPReservation: ipReservationSpec,
  IPAMBlock: ipamBlockSpec,
  IPAMHandle: ipamHandleSpec,
  BGPTopology: bgpTopologySpec,
  TopologyPlan: topologyPlanSpec,
  Lease: leaseSpec,
  NodeReport: nodeReportSpec,
  Tier: tierSpec,
  NetworkPolicy: networkPolicySpec,
  GlobalNetworkPolicy: globalNetworkPolicySpec,
  StagedNetworkPolicy: stagedNetworkPolicySpec,
  StagedGlobalNetworkPolicy: stagedGlobalNetworkPolicySpec,
  StagedKubernetesNetworkPolicy: stagedKubernetesNetworkPolicySpec,
  KubernetesNetworkPolicy: kubernetesNetworkPolicySpec,
  NetworkSet: networkSetSpec,
  GlobalNetworkSet: networkSetSpec,
  Profile: profileSpec,
  HostEndpoint: hostEndpointSpec,
  Namespace: nothingKept,
  ServiceAccount: nothingKept,
};

const resourceKinds = [...(Object.keys(specs) as [ResourceKind, ...ResourceKind[]]), 'Secret'] as const;

/** Kinds as they are written: of the two NetworkPolicies the apiVersion says which one it is. */
const writtenKinds = resourceKinds.filter(kind => writtenKind(kind) === kind) as [string, ...string[]];

/** As of labels: YAML reads `3` as a number. */
const texts = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()], 'a text').transform(String),
);

/** What the API server and calicoctl add is taken and left out. */
const metadataSchema = z.strictObject({
  name: resourceName,
  namespace: optional(resourceName),
  labels,
  annotations: optional(texts).transform(value => value ?? {}),
  uid: z.unknown().optional(),
  creationTimestamp: z.unknown().optional(),
  resourceVersion: z.unknown().optional(),
  generation: z.unknown().optional(),
  managedFields: z.unknown().optional(),
  ownerReferences: z.unknown().optional(),
  finalizers: z.unknown().optional(),
  // Before Kubernetes 1.20.
  selfLink: z.unknown().optional(),
});

/** The apiVersion is checked apart: which one is right depends on the kind. */
const heading = {
  apiVersion: z.unknown().optional(),
  kind: z.enum(writtenKinds, { error: issue => kindWords(issue.input) }),
  metadata: metadataSchema,
};
const envelope = z.strictObject({
  ...heading,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});
/** What else Kubernetes has of these is taken and left out. */
const serviceAccountEnvelope = envelope.extend({
  secrets: z.unknown().optional(),
  imagePullSecrets: z.unknown().optional(),
  automountServiceAccountToken: z.unknown().optional(),
});
const secretEnvelope = z.strictObject({ ...heading, ...secretFields });

function kindWords(kind: unknown): string {
  const meant =
    kind === 'KubernetesNetworkPolicy'
      ? `NetworkPolicy of ${NETWORKING_API}`
      : typeof kind === 'string'
        ? nearest(kind, writtenKinds)
        : undefined;
  return `one of ${writtenKinds.join(', ')}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}

export function parseResource(document: unknown): ParsedDocument {
  const refused = notDocument(document);
  if (refused !== undefined) return { kind: 'invalid', id: undefined, problems: [refused] };
  const written = document as {
    readonly apiVersion?: unknown;
    readonly kind?: unknown;
    readonly spec?: unknown;
  };
  const kind = kindOf(written);
  if (kind === 'Secret') return parseSecret(document as object);
  const outerSchema = kind === 'ServiceAccount' ? serviceAccountEnvelope : envelope;
  const outer = outerSchema.safeParse(document, { error: typeWords });
  const schema = kind === undefined ? undefined : specs[kind];
  const spec = schema?.safeParse(written.spec ?? {}, { error: typeWords });
  const problems = [
    ...(outer.success ? [] : problemsOf(outer.error, document, [], outerSchema, kind)),
    ...(schema === undefined || spec === undefined || spec.success
      ? []
      : problemsOf(spec.error, written.spec ?? {}, ['spec'], schema, kind)),
    ...apiProblems(kind, written),
    ...namespaceProblems(kind, written),
  ];
  if (problems.length > 0 || !outer.success || kind === undefined || spec?.success !== true) {
    return { kind: 'invalid', id: idOf(written, kind), problems };
  }
  const metadata = metadataOf(outer.data.metadata);
  const ownProblems = [
    ...annotationProblems(kind, metadata.annotations, spec.data),
    ...metadataProblems(kind, metadata, spec.data),
  ];
  if (ownProblems.length > 0) return { kind: 'invalid', id: idOf(written, kind), problems: ownProblems };
  const kept = completed(kind, metadata, spec.data);
  const resource = { apiVersion: apiOf(kind), kind, metadata, spec: pruned(kept) };
  return { kind: 'ok', resource: resource as Resource };
}

function parseSecret(document: object): ParsedDocument {
  const parsed = secretEnvelope.safeParse(document, { error: typeWords });
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error, document, [], secretEnvelope, 'Secret')),
    ...apiProblems('Secret', document),
    ...namespaceProblems('Secret', document),
  ];
  if (!parsed.success || problems.length > 0) {
    return { kind: 'invalid', id: idOf(document, 'Secret'), problems };
  }
  const metadata = metadataOf(parsed.data.metadata);
  const ownProblems = annotationProblems('Secret', metadata.annotations, undefined);
  if (ownProblems.length > 0) return { kind: 'invalid', id: idOf(document, 'Secret'), problems: ownProblems };
  const resource = {
    apiVersion: KUBERNETES_API,
    kind: 'Secret',
    metadata,
    ...secretContent(parsed.data),
  } as const;
  return { kind: 'ok', resource };
}

function metadataOf({ name, namespace, labels, annotations }: z.output<typeof metadataSchema>): Metadata {
  return { name, ...(namespace === undefined ? {} : { namespace }), labels, annotations };
}

function apiProblems(kind: ResourceKind | undefined, document: object): DocumentProblem[] {
  const { apiVersion } = document as { apiVersion?: unknown };
  const wanted = apiOf(kind ?? 'Node');
  if (apiVersion === wanted) return [];
  const ofKind = kind === undefined || apiVersion === undefined ? '' : ` for a ${writtenKind(kind)}`;
  const other = kind === 'NetworkPolicy' ? ` (Calico's) or "${NETWORKING_API}" (Kubernetes')` : '';
  return [{ path: 'apiVersion', value: show(apiVersion), allowed: `"${wanted}"${other}${ofKind}` }];
}

function notDocument(document: unknown): DocumentProblem | undefined {
  if (deeperThan(document, DEEPEST)) {
    return { path: '', value: 'a deeply nested document', allowed: `nested at most ${DEEPEST} deep` };
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return undefined;
  const allowed = 'a document with apiVersion, kind, metadata and spec';
  return { path: '', value: show(document), allowed };
}

/** A document is written by hand or by a program; no field of any lies anywhere near this deep. */
const DEEPEST = 64;

/** Without recursion: what is too deep for the stack must be said, too. */
function deeperThan(document: unknown, most: number): boolean {
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap(value => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}

function kindOf({
  apiVersion,
  kind,
}: {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
}): ResourceKind | undefined {
  const kubernetes = typeof apiVersion === 'string' && apiVersion.startsWith('networking.k8s.io/');
  if (kind === 'NetworkPolicy' && kubernetes) return 'KubernetesNetworkPolicy';
  return writtenKinds.includes(kind as string) ? (kind as ResourceKind) : undefined;
}

function idOf(document: object, kind: ResourceKind | undefined): ResourceId | undefined {
  const { name, namespace } =
    (document as { metadata?: { name?: unknown; namespace?: unknown } }).metadata ?? {};
  if (kind === undefined || typeof name !== 'string') return undefined;
  return typeof namespace === 'string' ? { kind, namespace, name } : { kind, name };
}

function namespaceProblems(kind: ResourceKind | undefined, document: object): DocumentProblem[] {
  const { namespace } = (document as { metadata?: { namespace?: unknown } }).metadata ?? {};
  if (kind === undefined) return [];
  const path = 'metadata.namespace';
  if (isNamespaced(kind)) {
    if (namespace !== undefined && namespace !== null) return [];
    return [{ path, value: 'nothing', allowed: `there: a ${kind} lives in a namespace, e.g. "default"` }];
  }
  if (namespace === undefined || namespace === null) return [];
  return [
    { path, value: show(namespace), allowed: `allowed: a ${kind} is in no namespace here, leave it out` },
  ];
}

/** Absent fields are absent. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, pruned(inner)]])),
  );
}
