/** From a resource to the text that Redis keeps, and back (pure). */
import { parseResource } from '../../core/resources/parse.js';
import {
  formatResourceId,
  isPolicyKind,
  type Resource,
  type ResourceId,
} from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import type { InvalidDocument, StoredResource } from '../port.js';
import type { StoredText } from './commands.js';

export type ReadDocument =
  | { readonly kind: 'ok'; readonly stored: StoredResource }
  | { readonly kind: 'invalid'; readonly invalid: InvalidDocument };

/** In its hash; of a record without its kind, which is that of the hash. */
export function fieldOf(id: ResourceId): string {
  return formatResourceId(id);
}

export function documentText(resource: Resource): string {
  return JSON.stringify(serialiseResource(resource));
}

/** @param field as in {@link fieldOf}; what stands there must be what it says */
export function readDocument(field: string, { revision, document }: StoredText): ReadDocument {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    const problem = { path: '', value: 'the text', allowed: 'JSON' };
    return { kind: 'invalid', invalid: { location: field, id: undefined, problems: [problem] } };
  }
  const parsed = parseResource(value);
  if (parsed.kind === 'ok') return { kind: 'ok', stored: { resource: parsed.resource, revision } };
  const { id, problems } = parsed;
  const ofPolicy = id !== undefined && isPolicyKind(id.kind);
  const invalid = { location: field, id, problems, ...(ofPolicy ? { written: value } : {}) };
  return { kind: 'invalid', invalid };
}
