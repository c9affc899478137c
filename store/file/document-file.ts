/**
 * One file of the store as text (pure): one or several YAML documents, each with a revision of its own, the hash of its bytes; so an
 * editor's save counts as a change, and only for the documents it touched.
 */
import { createHash } from 'node:crypto';
import { type Document, parseAllDocuments, stringify } from 'yaml';
import { parseResource } from '../../core/resources/parse.js';
import {
  formatResourceId,
  isPolicyKind,
  type Resource,
  type ResourceId,
  resourceIdOf,
} from '../../core/resources/resource.js';
import { serialiseResource } from '../../core/resources/written-form.js';
import type { InvalidDocument, Revision, StoredResource } from '../port.js';

export interface ParsedFile {
  readonly stored: readonly StoredResource[];
  readonly invalid: readonly InvalidDocument[];
  /** The file is no YAML at all: what it held before may still be meant, and nobody can tell where to write. */
  readonly unreadable: boolean;
}

/** @param name for locations, e.g. "pods.yaml" */
export function parseFile(name: string, content: string): ParsedFile {
  const documents = parseDocuments(content);
  const broken = documents.find(document => document.errors.length > 0);
  if (broken !== undefined) {
    const error = broken.errors[0]!;
    const line = error.linePos?.[0].line;
    const problem = {
      path: '',
      value: line === undefined ? 'the text' : `line ${line}`,
      allowed: `YAML: ${mentionsSecret(content) ? 'something is wrong there' : error.message.split('\n')[0]}`,
    };
    return {
      stored: [],
      invalid: [{ location: name, id: undefined, problems: [problem] }],
      unreadable: true,
    };
  }
  const stored: StoredResource[] = [];
  const invalid: InvalidDocument[] = [];
  for (const [i, document] of documents.entries()) {
    const location = documents.length === 1 ? name : `${name}#${i + 1}`;
    const written = writtenValue(document);
    if (written.kind === 'refused') {
      const reason = mentionsSecret(content) ? 'it has an alias of nothing, or too many' : written.reason;
      const problem = { path: '', value: 'the text', allowed: `YAML: ${reason}` };
      invalid.push({ location, id: undefined, problems: [problem] });
      continue;
    }
    if (written.value === null) continue;
    const parsed = parseResource(written.value);
    if (parsed.kind === 'ok') {
      stored.push({ resource: parsed.resource, revision: revisionOf(slice(content, document)) });
    } else {
      const { id, problems } = parsed;
      const ofPolicy = id !== undefined && isPolicyKind(id.kind);
      invalid.push({ location, id, problems, ...(ofPolicy ? { written: written.value } : {}) });
    }
  }
  return { stored, invalid, unreadable: false };
}

/** It holds a Secret, or what was meant to be one: rather one file too many than one too few. */
export function mentionsSecret(content: string): boolean {
  return /\bkind\W{1,8}Secrets?\b/i.test(content);
}

/** `<<` merges maps, as it does for kubectl and calicoctl. */
function parseDocuments(content: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(content, { merge: true });
  return 'empty' in documents ? [] : documents;
}

/** Text that is fine and whose aliases would fill the memory has no value. */
function writtenValue(
  document: Document.Parsed,
): { readonly kind: 'ok'; readonly value: unknown } | { readonly kind: 'refused'; readonly reason: string } {
  try {
    return { kind: 'ok', value: document.toJS() };
  } catch (error) {
    return { kind: 'refused', reason: (error as Error).message };
  }
}

export function revisionOf(text: string): Revision {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function slice(content: string, document: Document.Parsed): string {
  return content.slice(document.range[0], document.range[2]);
}

/** The text of one document, as this store writes it. */
export function documentText(resource: Resource): string {
  return stringify(serialiseResource(resource));
}

/** The file's text with one document replaced, added, or (undefined) left out; "" if nothing is left. */
export function replaceDocument(content: string, id: ResourceId, resource: Resource | undefined): string {
  const parts: string[] = [];
  let replaced = false;
  for (const document of parseDocuments(content)) {
    const written = writtenValue(document);
    const found = written.kind === 'ok' ? idOf(written.value) : undefined;
    if (found === undefined || formatResourceId(found) !== formatResourceId(id)) {
      if (written.kind === 'refused' || written.value !== null)
        parts.push(withNewline(slice(content, document)));
    } else if (resource !== undefined) {
      parts.push(documentText(resource));
      replaced = true;
    }
  }
  if (resource !== undefined && !replaced) parts.push(documentText(resource));
  return parts.join('---\n');
}

function idOf(value: unknown): ResourceId | undefined {
  const parsed = parseResource(value);
  return parsed.kind === 'ok' ? resourceIdOf(parsed.resource) : parsed.id;
}

function withNewline(text: string): string {
  const trimmed = text.replace(/^---\n/, '').replace(/(\n\.\.\.)?\s*$/, '');
  return `${trimmed}\n`;
}

/** `IPPool.pods.yaml`, `WorkloadEndpoint.default_web.yaml`. */
export function fileNameOf(id: ResourceId): string {
  return id.namespace === undefined
    ? `${id.kind}.${id.name}.yaml`
    : `${id.kind}.${id.namespace}_${id.name}.yaml`;
}

/** Editors and this store keep their half-done work in files with a dot in front. */
export function isDocumentFile(name: string): boolean {
  return !name.startsWith('.') && /\.(ya?ml|json)$/.test(name);
}
