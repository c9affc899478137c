/** Documents as people write them, for the tests of their parser. */
import type { ExecutionContext } from 'ava';
import { parseResource } from '../../../core/resources/parse.js';
import type { DocumentProblem } from '../../../core/resources/problems.js';
import { apiOf, isNamespaced, type ResourceKind } from '../../../core/resources/resource.js';
import { serialiseResource, writtenKind } from '../../../core/resources/written-form.js';

/** A document with this spec and the least of everything else. */
export function written(kind: ResourceKind, spec: unknown): Record<string, unknown> {
  const namespace = isNamespaced(kind) ? { namespace: 'default' } : {};
  const name = kind === 'BGPTopology' || kind === 'TopologyPlan' ? 'default' : 'a';
  return { apiVersion: apiOf(kind), kind: writtenKind(kind), metadata: { name, ...namespace }, spec };
}

export function problems(document: unknown): readonly DocumentProblem[] {
  const parsed = parseResource(document);
  return parsed.kind === 'ok' ? [] : parsed.problems;
}

/** The spec of what is parsed: `spec` itself unless something else is expected. */
export function readsAs(
  t: ExecutionContext,
  kind: ResourceKind,
  spec: unknown,
  expected: unknown = spec,
): void {
  const parsed = parseResource(written(kind, spec));
  t.deepEqual(parsed.kind === 'ok' ? serialiseResource(parsed.resource).spec : parsed.problems, expected);
  if (parsed.kind !== 'ok') return;
  const again = parseResource(serialiseResource(parsed.resource));
  t.deepEqual(again, parsed);
}

/** What is wrong with a spec: path below it, value as shown, what the words must hold. */
export type Refusal = readonly [
  spec: unknown,
  path: string,
  value: string | RegExp,
  allowed: string | RegExp,
];

/** Exactly one problem each, at its place. */
export function refuses(t: ExecutionContext, kind: ResourceKind, refusals: readonly Refusal[]): void {
  for (const [spec, path, value, allowed] of refusals) {
    const found = problems(written(kind, spec));
    const label = JSON.stringify(spec);
    t.deepEqual(
      found.map(problem => problem.path),
      [path === '' ? 'spec' : `spec.${path}`],
      label,
    );
    if (typeof value === 'string') t.is(found[0]?.value, value, label);
    else t.regex(found[0]?.value ?? '', value, label);
    const words = found[0]?.allowed ?? '';
    if (typeof allowed === 'string') t.is(words, allowed, label);
    else t.regex(words, allowed, label);
  }
}
