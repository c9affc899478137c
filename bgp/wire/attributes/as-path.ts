/**
 * AS_PATH and AS4_PATH (RFC 4271 sections 4.3 b and 5.1.2, RFC 6793 sections 4 and 6).
 *
 *     +---------------+---------------+-----------------------------------
 *     | Segment type  |  AS count     |  AS numbers, 2 or 4 octets each
 *     +---------------+---------------+-----------------------------------  repeated
 */
import { AS_TRANS } from '../../../core/asn.js';
import { AsPathSegmentType } from '../../iana.js';
import type { Writer } from '../writer.js';

export interface AsPathSegment {
  readonly type: 'sequence' | 'set';
  readonly asns: readonly number[];
}

export type AsPath = readonly AsPathSegment[];

export const emptyAsPath: AsPath = [];

/**
 * RFC 7606 section 7.2: an unknown segment type, one of no AS, or lengths that do not add up make it malformed; so do
 * confederation segments (RFC 5065 section 5: we are in none) and AS 0 (RFC 7607). Malformed is `undefined`.
 *
 * @param octets 2 or 4 per AS number
 */
export function decodeAsPath(
  bytes: Uint8Array,
  start: number,
  end: number,
  octets: 2 | 4,
): AsPath | undefined {
  if (start === end) return emptyAsPath;
  const segments: AsPathSegment[] = [];
  let at = start;
  while (at < end) {
    if (at + 2 > end) return undefined;
    const type = bytes[at]!;
    const count = bytes[at + 1]!;
    at += 2;
    if (count === 0 || at + count * octets > end) return undefined;
    if (type !== AsPathSegmentType.asSet && type !== AsPathSegmentType.asSequence) return undefined;
    const asns = new Array<number>(count);
    for (let i = 0; i < count; i++, at += octets) {
      const low = (bytes[at + octets - 2]! << 8) | bytes[at + octets - 1]!;
      const asn = octets === 2 ? low : ((bytes[at]! << 8) | bytes[at + 1]!) * 65536 + low;
      if (asn === 0) return undefined;
      asns[i] = asn;
    }
    segments.push({ type: type === AsPathSegmentType.asSet ? 'set' : 'sequence', asns });
  }
  return segments;
}

/** With 2 octets, numbers above 65535 become AS_TRANS. Segments of more than 255 numbers are split. */
export function encodeAsPath(writer: Writer, path: AsPath, octets: 2 | 4): void {
  for (const { type, asns } of path) {
    for (let from = 0; from < asns.length; from += 255) {
      const part = asns.slice(from, from + 255);
      writer.u8(type === 'set' ? AsPathSegmentType.asSet : AsPathSegmentType.asSequence).u8(part.length);
      for (const asn of part) {
        if (octets === 4) writer.u32(asn);
        else writer.u16(asn > 65535 ? AS_TRANS : asn);
      }
    }
  }
}

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

/** True if a 2-octet encoding would lose a number, so that AS4_PATH must go along. */
export function needsAs4(path: AsPath): boolean {
  return path.some(segment => segment.asns.some(asn => asn > 65535));
}

/**
 * RFC 6793 section 4.2.3: the leading part that AS4_PATH lacks comes from AS_PATH. If AS_PATH is the shorter one, AS4_PATH is
 * ignored.
 */
export function mergeAs4Path(path: AsPath, as4Path: AsPath): AsPath {
  let missing = asPathLength(path) - asPathLength(as4Path);
  if (missing < 0) return path;
  const merged: AsPathSegment[] = [];
  for (const segment of path) {
    if (missing <= 0) break;
    if (segment.type === 'set') {
      merged.push(segment);
      missing--;
    } else {
      merged.push({ type: 'sequence', asns: segment.asns.slice(0, missing) });
      missing -= segment.asns.length;
    }
  }
  return joinSequences([...merged, ...as4Path]);
}

function joinSequences(path: AsPath): AsPath {
  const joined: AsPathSegment[] = [];
  for (const segment of path) {
    const last = joined.at(-1);
    if (
      last?.type === 'sequence' &&
      segment.type === 'sequence' &&
      last.asns.length + segment.asns.length <= 255
    ) {
      joined[joined.length - 1] = { type: 'sequence', asns: [...last.asns, ...segment.asns] };
    } else {
      joined.push(segment);
    }
  }
  return joined;
}

/** "65001 65002 {65003 65004}"; empty for our own. */
export function formatAsPath(path: AsPath): string {
  return path.map(({ type, asns }) => (type === 'set' ? `{${asns.join(' ')}}` : asns.join(' '))).join(' ');
}
