/**
 * The value of AS_PATH (RFC 4271 section 5.1.2) and what is asked of it. Its form on the wire is `as-path-attribute.ts`.
 */
import { type Asn, isPrivateAsn } from '../../../core/asn.js';

export interface AsPathSegment {
  readonly type: 'sequence' | 'set';
  readonly asns: readonly number[];
}

export type AsPath = readonly AsPathSegment[];

export const emptyAsPath: AsPath = [];

/** RFC 4271 section 9.1.2.2 a: an AS_SET counts as one. */
export function asPathLength(path: AsPath): number {
  let length = 0;
  for (const { type, asns } of path) length += type === 'set' ? 1 : asns.length;
  return length;
}

/** How often `asn` stands in the path; more than allowed is a loop (RFC 4271 section 9.1.2). */
export function countAsn(path: AsPath, asn: number): number {
  let count = 0;
  for (const segment of path) for (const hop of segment.asns) if (hop === asn) count++;
  return count;
}

/** The neighbouring AS: the first of a leading AS_SEQUENCE (RFC 4271 section 9.1.2.2 c). */
export function firstAsn(path: AsPath): number | undefined {
  const first = path[0];
  return first?.type === 'sequence' ? first.asns[0] : undefined;
}

/** RFC 4271 section 5.1.2 b: what a route gets on its way to an external peer. */
export function prependAsn(path: AsPath, asn: number): AsPath {
  const first = path[0];
  if (first?.type === 'sequence' && first.asns.length < 255) {
    return [{ type: 'sequence', asns: [asn, ...first.asns] }, ...path.slice(1)];
  }
  return [{ type: 'sequence', asns: [asn] }, ...path];
}

/** Without any of the AS numbers of RFC 6996, wherever they stand. */
export function withoutPrivateAsns(path: AsPath): AsPath {
  if (!hasPrivateAsn(path)) return path;
  return path
    .map(({ type, asns }) => ({ type, asns: asns.filter(asn => !isPrivateAsn(asn as Asn)) }))
    .filter(({ asns }) => asns.length > 0);
}

export function hasPrivateAsn(path: AsPath): boolean {
  return path.some(({ asns }) => asns.some(asn => isPrivateAsn(asn as Asn)));
}

/** "65001 65002 {65003 65004}"; empty for our own. */
export function formatAsPath(path: AsPath): string {
  return path.map(({ type, asns }) => (type === 'set' ? `{${asns.join(' ')}}` : asns.join(' '))).join(' ');
}
