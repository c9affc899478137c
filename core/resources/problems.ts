/**
 * What is wrong with a document, in words: from the schemas' issues to sentences `PATH: VALUE is not ALLOWED`, unknown fields with the
 * one that was meant or the place where they belong.
 */
import { z } from 'zod';
import { nearest } from '../nearest-word.js';
import { isSecret, notShown } from './redaction.js';
import { apiOf, CALICO_API, type ResourceKind } from './resource.js';

/** Stands for a value where there is none; a text would be in quotes. */
const ABSENT = 'nothing';

/** One thing wrong: `PATH: VALUE is not ALLOWED`. */
export interface DocumentProblem {
  /** e.g. "spec.communities[0].value"; "" for the document itself. */
  readonly path: string;
  readonly value: string;
  readonly allowed: string;
}

/** "spec.asNumber: 0 is not an AS number from 1 to 4294967295", "spec.asNumber is missing: a peerIP needs it" */
export function describeProblem({ path, value, allowed }: DocumentProblem): string {
  const where = path === '' ? 'the document' : path;
  if (value === ABSENT) return `${where} is missing: ${allowed.replace(/^there: /, '')}`;
  return `${where}: ${value} is not ${allowed}`;
}

/** For what the schemas themselves have no words: lists and maps. */
export function typeWords(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'invalid_type') return 'allowed here';
  const words: Readonly<Record<string, string>> = {
    array: 'a list',
    object: 'a map of fields',
    record: 'a map of fields',
  };
  return words[issue.expected] ?? `a ${issue.expected}`;
}

/**
 * @param root what was parsed, `base` its place in the document and `schema` what it was parsed by
 * @param kind the document's, as far as it can be made out
 * @param unknownField what to say of a field where there are but the known ones, completing "VALUE is not ..."
 */
export function problemsOf(
  error: z.ZodError,
  root: unknown,
  base: readonly PropertyKey[],
  schema: z.ZodType,
  kind: ResourceKind | undefined,
  unknownField: (key: string, known: readonly string[]) => string = (key, known) =>
    unknownFieldWords(key, known, kind),
): DocumentProblem[] {
  const written = base.length === 0 ? (root as { readonly kind?: unknown } | null)?.kind : kind;
  const shown = (path: readonly PropertyKey[], value: unknown) =>
    value !== undefined && isSecret(path, written) ? notShown : show(value);
  return error.issues.flatMap(issue => {
    const value = valueAt(root, issue.path);
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({
        path: pathText([...path, key]),
        value: shown([...path, key], (value as Record<string, unknown>)[key]),
        allowed: unknownField(key, fieldsAt(schema, issue.path)),
      }));
    }
    if (issue.code === 'invalid_key') {
      const allowed = issue.issues[0]?.message ?? 'allowed as a key';
      return [{ path: pathText(path.slice(0, -1)), value: show(path.at(-1)), allowed }];
    }
    return [{ path: pathText(path), value: shown(path, value), allowed: issue.message }];
  });
}

function unknownFieldWords(key: string, known: readonly string[], kind: ResourceKind | undefined): string {
  const own = kind !== undefined && apiOf(kind) !== CALICO_API;
  const calico = own ? `a field of a ${kind}` : `a field of Calico's ${kind ?? 'documents'}`;
  const meant = nearest(key, known);
  if (meant !== undefined) return `${calico}: did you mean ${meant}?`;
  if (own) return `${calico}, which are ${known.join(', ')}`;
  return `${calico}: what only Margay has stands in annotations (margay.io/${key}) or in documents of margay.io/v1`;
}

/** Names of the fields of the map at `path`. */
function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const inner = unwrapped(schema);
  const [step, ...rest] = path;
  if (inner instanceof z.ZodObject) {
    if (step === undefined) return Object.keys(inner.shape);
    const field = inner.shape[String(step)];
    return field === undefined ? [] : fieldsAt(field, rest);
  }
  return inner instanceof z.ZodArray && step !== undefined ? fieldsAt(inner.element, rest) : [];
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return unwrapped(schema.unwrap());
  return schema;
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

/** As it was written, shortened, without secrets. What is nested too deep for this is refused before, see `parse.ts`. */
export function show(value: unknown): string {
  if (value === undefined) return ABSENT;
  const json = JSON.stringify(value, withoutSecrets) ?? String(value);
  return json.length <= 80 ? json : `${json.slice(0, 77)}...`;
}

function withoutSecrets(key: string, value: unknown): unknown {
  return isSecret([key], undefined) ? notShown : value;
}
