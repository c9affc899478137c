/** What is never shown: the values of Secrets, and whatever stands where a password might have been written by mistake. Pure. */
import type { Resource } from './resource.js';

/** Stands in the place of a value. No base64, so that what was shown is never taken for a value. */
export const notShown = '(not shown)';

/** As it may be shown: a Secret keeps its keys. */
export function redacted<R extends Resource>(resource: R): R {
  if (resource.kind !== 'Secret') return resource;
  const data = Object.fromEntries(Object.keys(resource.data).map(key => [key, notShown]));
  return { ...resource, data };
}

/** Fields that hold secrets, or that people take for such. */
const secretField = /password|secret|^(string)?data$/i;

/** True for a value that must not be shown. @param path from the document's root */
export function isSecret(path: readonly PropertyKey[], kind: unknown): boolean {
  if (typeof kind === 'string' && /^secrets?$/i.test(kind) && path[0] !== 'metadata' && path.length > 0) {
    return path[0] !== 'kind' && path[0] !== 'apiVersion' && path[0] !== 'type';
  }
  return path.some(step => typeof step === 'string' && secretField.test(step));
}
