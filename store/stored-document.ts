/** A resource as JSON, as machines keep it for each other: to text and back (pure). */
import { parseResource } from '../core/resources/parse.js';
import { formatResourceId, isPolicyKind, type Resource, resourceIdOf } from '../core/resources/resource.js';
import { serialiseResource } from '../core/resources/written-form.js';
import type { InvalidDocument, Revision, StoredResource } from './port.js';

export interface StoredText {
  readonly revision: Revision;
  readonly document: string;
}

export type ReadDocument =
  | { readonly kind: 'ok'; readonly stored: StoredResource }
  | { readonly kind: 'invalid'; readonly invalid: InvalidDocument };

export function jsonText(resource: Resource): string {
  return JSON.stringify(serialiseResource(resource));
}

/** @param id `Kind/name` or `Kind/namespace/name` under which it stands; a document that says that it is another one is invalid */
export function readDocument(id: string, { revision, document }: StoredText): ReadDocument {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    const problem = { path: '', value: 'the text', allowed: 'JSON' };
    return { kind: 'invalid', invalid: { location: id, id: undefined, problems: [problem] } };
  }
  const parsed = parseResource(value);
  if (parsed.kind === 'invalid') {
    const ofPolicy = parsed.id !== undefined && isPolicyKind(parsed.id.kind);
    const invalid = { location: id, id: parsed.id, problems: parsed.problems };
    return { kind: 'invalid', invalid: ofPolicy ? { ...invalid, written: value } : invalid };
  }
  const said = formatResourceId(resourceIdOf(parsed.resource));
  if (said === id) return { kind: 'ok', stored: { resource: parsed.resource, revision } };
  const problem = { path: 'metadata.name', value: said, allowed: `${id}, as where it stands` };
  return { kind: 'invalid', invalid: { location: id, id: undefined, problems: [problem] } };
}
