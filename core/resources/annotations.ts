/** Margay's own annotations (`margay.io/*`) on Calico's documents: fields that those have no place for. */
import { durationSeconds } from '../duration.js';
import { nearest } from '../nearest-word.js';
import { type DocumentProblem, show } from './problems.js';
import { isSecret, notShown } from './redaction.js';
import type {
  BGPConfigurationResource,
  BGPPeerRangeResource,
  BGPPeerResource,
  EncapsulationMode,
  FelixConfigurationResource,
  IPPoolResource,
  Metadata,
  ResourceKind,
  WorkloadEndpointResource,
} from './resource.js';
import {
  contradictions,
  parseSessionOptions,
  type SessionOptionName,
  type SessionOptions,
  sessionOptionNames,
  sessionOptions,
} from './session-options.js';

const PREFIX = 'margay.io/';
const NEVER = 'never';
/** A day: a host that is repaired overnight comes back to what it had. */
const USUAL_GONE_SECONDS = 86_400;
/** A restart takes less. */
const LEAST_GONE_SECONDS = 60;

const modes: readonly string[] = ['Always', 'CrossSubnet', 'Never'] satisfies EncapsulationMode[];

type Known = Readonly<Record<string, { is(value: string): boolean; allowed: string }>>;

/** A node of the mesh is nobody's client, and the families are those of the two nodes. */
const notOfMesh: readonly SessionOptionName[] = ['families', 'routeReflectorClient'];

function optionsBut(left: readonly SessionOptionName[]): Known {
  const names = sessionOptionNames.filter(name => !left.includes(name));
  return Object.fromEntries(
    names.map(name => {
      const { allowed, parse } = sessionOptions[name];
      return [name, { allowed, is: (value: string) => parse(value) !== undefined }];
    }),
  );
}

const FLUSH_ON_DENY = 'flushOnDeny';
const FAIL_CLOSED = 'failClosedForwarding';
const ADMIN_STATE = 'adminState';
const GONE_HOSTS_AFTER = 'goneHostsAfter';

function oneOfWords(...words: readonly string[]): Known[string] {
  return { is: value => words.includes(value), allowed: `one of ${words.join(', ')}` };
}

const trueOrFalse = { ...oneOfWords('true', 'false'), allowed: '"true" or "false"' };
const flushing: Known = { [FLUSH_ON_DENY]: trueOrFalse };

/** By kind and name: whether a value is allowed, and what is, completing "VALUE is not ...". */
const known: Readonly<Partial<Record<ResourceKind, Known>>> = {
  IPPool: { udpMode: { is: value => modes.includes(value), allowed: `one of ${modes.join(', ')}` } },
  BGPPeer: optionsBut([]),
  BGPConfiguration: {
    ...optionsBut(notOfMesh),
    [GONE_HOSTS_AFTER]: {
      is: value => value === NEVER || (durationSeconds(value) ?? 0) >= LEAST_GONE_SECONDS,
      allowed: '"never", or a time of at least 1m, such as 24h',
    },
  },
  FelixConfiguration: { [FLUSH_ON_DENY]: trueOrFalse, [FAIL_CLOSED]: trueOrFalse },
  WorkloadEndpoint: { [ADMIN_STATE]: oneOfWords('up', 'down') },
  NetworkPolicy: flushing,
  GlobalNetworkPolicy: flushing,
  KubernetesNetworkPolicy: flushing,
  StagedNetworkPolicy: flushing,
  StagedGlobalNetworkPolicy: flushing,
  StagedKubernetesNetworkPolicy: flushing,
};

/** Live connections that the policy denies, or any does, are cut; undefined if its author does not say. */
export function flushOnDenyOf({ metadata }: { readonly metadata: Metadata }): boolean | undefined {
  return flagOf(metadata, FLUSH_ON_DENY);
}

/** Nothing is forwarded that no rule of ours has accepted, whoever flushes the tables; undefined if its author does not say. */
export function failClosedForwardingOf({
  metadata,
}: Pick<FelixConfigurationResource, 'metadata'>): boolean | undefined {
  return flagOf(metadata, FAIL_CLOSED);
}

/** Administratively down: nothing passes. */
export function isDisabled({ metadata }: Pick<WorkloadEndpointResource, 'metadata'>): boolean {
  return metadata.annotations[`${PREFIX}${ADMIN_STATE}`] === 'down';
}

/** When a host that is silent is deleted from the cluster; undefined: never. @param document the `default` one, if there is one */
export function goneHostsAfterSeconds(
  document: Pick<BGPConfigurationResource, 'metadata'> | undefined,
): number | undefined {
  const written = document?.metadata.annotations[`${PREFIX}${GONE_HOSTS_AFTER}`];
  if (written === NEVER) return undefined;
  return durationSeconds(written) ?? USUAL_GONE_SECONDS;
}

function flagOf({ annotations }: Metadata, name: string): boolean | undefined {
  const written = annotations[`${PREFIX}${name}`];
  return written === undefined ? undefined : written === 'true';
}

/** When packets to the pool leave inside UDP; never unless the annotation says otherwise. */
export function udpModeOf({ metadata }: Pick<IPPoolResource, 'metadata'>): EncapsulationMode {
  return (metadata.annotations[`${PREFIX}udpMode`] as EncapsulationMode | undefined) ?? 'Never';
}

/** What a document says of its sessions beyond Calico's fields. */
export function sessionOptionsOf(
  document: BGPPeerResource | BGPConfigurationResource | BGPPeerRangeResource,
): SessionOptions {
  return document.kind === 'BGPPeerRange'
    ? parseSessionOptions(document.spec)
    : parseSessionOptions(annotatedOptions(document.metadata.annotations));
}

function annotatedOptions(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(PREFIX));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/** What is wrong with the annotations that are ours; those of others are theirs. */
export function annotationProblems(
  kind: ResourceKind,
  annotations: Readonly<Record<string, string>>,
  spec: unknown,
): readonly DocumentProblem[] {
  const ofKind = known[kind] ?? {};
  const problems: DocumentProblem[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(PREFIX)) continue;
    const path = `metadata.annotations["${key}"]`;
    const shown = isSecret([key], undefined) ? notShown : show(value);
    const entry = Object.hasOwn(ofKind, key.slice(PREFIX.length))
      ? ofKind[key.slice(PREFIX.length)]
      : undefined;
    if (entry === undefined) problems.push({ path, value: shown, allowed: unknownWords(kind, key, ofKind) });
    else if (!entry.is(value)) problems.push({ path, value: shown, allowed: entry.allowed });
  }
  if (problems.length > 0) return problems;
  if (kind === 'IPPool') return tunnelProblems(annotations, spec);
  if (kind !== 'BGPPeer' && kind !== 'BGPConfiguration') return [];
  return contradictions(
    annotatedOptions(annotations),
    spec as Record<string, unknown>,
    name => `metadata.annotations["${PREFIX}${name}"]`,
  );
}

function unknownWords(kind: ResourceKind, key: string, ofKind: object): string {
  const meant = nearest(key.slice(PREFIX.length), Object.keys(ofKind));
  return `an annotation of Margay's on a ${kind}${meant === undefined ? '' : `: did you mean ${PREFIX}${meant}?`}`;
}

/** One tunnel at a time. */
function tunnelProblems(annotations: Readonly<Record<string, string>>, spec: unknown): DocumentProblem[] {
  const udpMode = annotations[`${PREFIX}udpMode`] ?? 'Never';
  if (udpMode === 'Never') return [];
  const path = `metadata.annotations["${PREFIX}udpMode"]`;
  const { ipipMode, vxlanMode, cidr } = spec as Partial<IPPoolResource['spec']>;
  if (cidr?.includes(':')) return [{ path, value: show(udpMode), allowed: '"Never": it carries IPv4 only' }];
  const [other, mode] = ipipMode === 'Never' ? ['vxlanMode', vxlanMode] : ['ipipMode', ipipMode];
  if (mode === undefined || mode === 'Never') return [];
  return [{ path, value: show(udpMode), allowed: `"Never" beside ${other} ${mode}: one tunnel at a time` }];
}
