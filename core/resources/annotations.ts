/** Margay's own annotations (`margay.io/*`) on Calico's documents: fields that those have no place for. */
import { nearest } from '../nearest-word.js';
import { type DocumentProblem, show } from './problems.js';
import type { EncapsulationMode, IPPoolResource, ResourceKind } from './resource.js';

const PREFIX = 'margay.io/';

const modes: readonly string[] = ['Always', 'CrossSubnet', 'Never'] satisfies EncapsulationMode[];

/** By kind and name: whether a value is allowed, and what is, completing "VALUE is not ...". */
const known: Readonly<
  Partial<Record<ResourceKind, Readonly<Record<string, { is(value: string): boolean; allowed: string }>>>>
> = {
  IPPool: { udpMode: { is: value => modes.includes(value), allowed: `one of ${modes.join(', ')}` } },
};

/** When packets to the pool leave inside UDP; never unless the annotation says otherwise. */
export function udpModeOf({ metadata }: Pick<IPPoolResource, 'metadata'>): EncapsulationMode {
  return (metadata.annotations[`${PREFIX}udpMode`] as EncapsulationMode | undefined) ?? 'Never';
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
    const entry = Object.hasOwn(ofKind, key.slice(PREFIX.length))
      ? ofKind[key.slice(PREFIX.length)]
      : undefined;
    if (entry === undefined)
      problems.push({ path, value: show(value), allowed: unknownWords(kind, key, ofKind) });
    else if (!entry.is(value)) problems.push({ path, value: show(value), allowed: entry.allowed });
  }
  return [...problems, ...(kind === 'IPPool' ? tunnelProblems(annotations, spec) : [])];
}

function unknownWords(kind: ResourceKind, key: string, ofKind: object): string {
  const names = Object.keys(ofKind).map(name => `${PREFIX}${name}`);
  const meant = nearest(key, names);
  return `an annotation of Margay's on a ${kind}${meant === undefined ? '' : `: did you mean ${meant}?`}`;
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
