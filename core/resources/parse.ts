/**
 * From a document as it was written to a resource, or to everything that is wrong with it at once. Documents of
 * `projectcalico.org/v3` are taken as they are: a field that Calico does not have is refused with the place where it belongs.
 */
import { z } from 'zod';
import { nearest } from '../nearest-word.js';
import { bgpConfigurationSpec } from './bgp-configuration.js';
import { bgpPeerSpec } from './bgp-peer.js';
import { blockAffinitySpec } from './block-affinity.js';
import { optional, resourceName } from './fields.js';
import { ipPoolSpec } from './ip-pool.js';
import { nodeSpec } from './node.js';
import { CALICO_API, type Resource, type ResourceId, type ResourceKind } from './resource.js';
import { workloadEndpointSpec } from './workload-endpoint.js';

/** One thing wrong: `PATH: VALUE is not ALLOWED`. */
export interface DocumentProblem {
  /** e.g. "spec.communities[0].value"; "" for the document itself. */
  readonly path: string;
  readonly value: string;
  readonly allowed: string;
}

export type ParsedDocument =
  | { readonly kind: 'ok'; readonly resource: Resource }
  | {
      readonly kind: 'invalid';
      /** As far as it can be made out. */
      readonly id: ResourceId | undefined;
      readonly problems: readonly DocumentProblem[];
    };

const specs: Readonly<Record<ResourceKind, z.ZodType>> = {
  Node: nodeSpec,
  IPPool: ipPoolSpec,
  BGPConfiguration: bgpConfigurationSpec,
  BGPPeer: bgpPeerSpec,
  WorkloadEndpoint: workloadEndpointSpec,
  BlockAffinity: blockAffinitySpec,
};

const namespaced: ReadonlySet<ResourceKind> = new Set(['WorkloadEndpoint']);

const texts = z.record(z.string(), z.coerce.string<unknown>());

/** What the API server and calicoctl add is taken and left out. */
const metadataSchema = z.strictObject({
  name: resourceName,
  namespace: optional(resourceName),
  labels: optional(texts).transform(value => value ?? {}),
  annotations: optional(texts).transform(value => value ?? {}),
  uid: z.unknown().optional(),
  creationTimestamp: z.unknown().optional(),
  resourceVersion: z.unknown().optional(),
  generation: z.unknown().optional(),
  managedFields: z.unknown().optional(),
  ownerReferences: z.unknown().optional(),
  finalizers: z.unknown().optional(),
});

const envelope = z.strictObject({
  apiVersion: z.literal(CALICO_API, `"${CALICO_API}"`),
  kind: z.enum(Object.keys(specs) as [ResourceKind, ...ResourceKind[]], {
    error: issue => kindWords(issue.input),
  }),
  metadata: metadataSchema,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

function kindWords(kind: unknown): string {
  const kinds = Object.keys(specs);
  const meant = typeof kind === 'string' ? nearest(kind, kinds) : undefined;
  return `one of ${kinds.join(', ')}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}

export function parseResource(document: unknown): ParsedDocument {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    const problem = {
      path: '',
      value: show(document),
      allowed: 'a document with apiVersion, kind, metadata and spec',
    };
    return { kind: 'invalid', id: undefined, problems: [problem] };
  }
  const outer = envelope.safeParse(document);
  const written = document as { readonly kind?: unknown; readonly spec?: unknown };
  const kind = isResourceKind(written.kind) ? written.kind : undefined;
  const spec = kind === undefined ? undefined : specs[kind].safeParse(written.spec ?? {});
  const problems = [
    ...(outer.success ? [] : problemsOf(outer.error, document, [], kind)),
    ...(spec === undefined || spec.success ? [] : problemsOf(spec.error, written.spec ?? {}, ['spec'], kind)),
    ...namespaceProblems(kind, document),
  ];
  const id = idOf(document, kind);
  if (problems.length > 0 || !outer.success || spec?.success !== true) {
    return { kind: 'invalid', id, problems };
  }
  const { name, namespace, labels, annotations } = outer.data.metadata;
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), labels, annotations };
  const resource = { apiVersion: CALICO_API, kind: outer.data.kind, metadata, spec: pruned(spec.data) };
  return { kind: 'ok', resource: resource as Resource };
}

function isResourceKind(kind: unknown): kind is ResourceKind {
  return typeof kind === 'string' && Object.hasOwn(specs, kind);
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
  if (namespaced.has(kind)) {
    if (namespace !== undefined && namespace !== null) return [];
    return [{ path, value: 'nothing', allowed: `there: a ${kind} lives in a namespace, e.g. "default"` }];
  }
  if (namespace === undefined || namespace === null) return [];
  return [{ path, value: show(namespace), allowed: `allowed: a ${kind} has no namespace` }];
}

function problemsOf(
  error: z.ZodError,
  root: unknown,
  base: readonly PropertyKey[],
  kind: ResourceKind | undefined,
): DocumentProblem[] {
  return error.issues.flatMap(issue => {
    const value = valueAt(root, issue.path);
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({
        path: pathText([...path, key]),
        value: show((value as Record<string, unknown>)[key]),
        allowed: unknownFieldWords(key, path, kind),
      }));
    }
    return [{ path: pathText(path), value: show(value), allowed: issue.message }];
  });
}

function unknownFieldWords(
  key: string,
  path: readonly PropertyKey[],
  kind: ResourceKind | undefined,
): string {
  const known = knownFields(kind, path);
  const meant = nearest(key, known);
  if (meant !== undefined) return `a field of Calico's ${kind ?? 'documents'}: did you mean ${meant}?`;
  return `a field of Calico's ${kind ?? 'documents'}: what only Margay has stands in annotations (margay.io/${key}) or in documents of margay.io/v1`;
}

/** Names beside which an unknown one stands: of the spec itself, or of the envelope. */
function knownFields(kind: ResourceKind | undefined, path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(envelope.shape);
  if (path[0] === 'metadata') return Object.keys(metadataSchema.shape);
  if (kind === undefined || path.length > 1) return [];
  const schema = specs[kind];
  const object = schema instanceof z.ZodPipe ? schema.in : schema;
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

/** "spec.communities[0].value" */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? String(step) : `.${String(step)}`))
    .join('');
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value) ?? String(value);
  return json.length <= 80 ? json : `${json.slice(0, 77)}...`;
}

/** Absent fields are absent. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, pruned(inner)]])),
  );
}

/** As it is written to a store or shown: a stable order, empty maps left out. */
export function serialiseResource(resource: Resource): Record<string, unknown> {
  const { name, namespace, labels, annotations } = resource.metadata;
  const metadata: Record<string, unknown> = { name };
  if (namespace !== undefined) metadata.namespace = namespace;
  if (Object.keys(labels).length > 0) metadata.labels = labels;
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  return { apiVersion: resource.apiVersion, kind: resource.kind, metadata, spec: resource.spec };
}

/** "spec.asNumber: 0 is not an AS number from 1 to 4294967295" */
export function describeProblem({ path, value, allowed }: DocumentProblem): string {
  return `${path === '' ? 'the document' : path}: ${value} is not ${allowed}`;
}
