/**
 * AS_PATH and AS4_PATH on the wire (RFC 4271 sections 4.3 b and 5.1.2, RFC 6793 sections 4 and 6, RFC 7606 section 7.2).
 *
 *     +---------------+---------------+-----------------------------------
 *     | Segment type  |  AS count     |  AS numbers, 2 or 4 octets each
 *     +---------------+---------------+-----------------------------------  repeated
 */
import { AS_TRANS } from '../../../core/asn.js';
import { AsPathSegmentType, AttributeType, UpdateError } from '../../iana.js';
import { readU16, readU32 } from '../reader.js';
import type { Writer } from '../writer.js';
import { type AsPath, type AsPathSegment, emptyAsPath } from './as-path.js';
import { type AttributeEntry, optionalTransitive, wellKnown } from './entry.js';

/** RFC 4271 section 4.3 b: the AS count is one octet. */
const MAX_SEGMENT = 255;

export const asPath: AttributeEntry = {
  type: AttributeType.asPath,
  name: 'AS_PATH',
  flags: wellKnown,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, { fourOctetAs }, into) {
    // RFC 5065 section 5: we are in no confederation, so none of its segments may come to us.
    const path = decodeSegments(bytes, start, end, fourOctetAs ? 4 : 2, 'malformed');
    if (path === undefined) return UpdateError.malformedAsPath;
    into.asPath = path;
    return undefined;
  },
  encode(writer, attributes, { fourOctetAs }) {
    if (attributes.asPath === undefined) return false;
    encodeSegments(writer, attributes.asPath, fourOctetAs ? 4 : 2);
    return true;
  },
};

export const as4Path: AttributeEntry = {
  type: AttributeType.as4Path,
  name: 'AS4_PATH',
  flags: optionalTransitive,
  malformed: 'attribute-discard',
  oldSpeakersOnly: true,
  decode(bytes, start, end, _, into) {
    // RFC 6793 section 6: at least one AS number; confederation segments are dropped and the rest stands.
    if (end - start < 6) return UpdateError.optionalAttributeError;
    const path = decodeSegments(bytes, start, end, 4, 'dropped');
    if (path === undefined) return UpdateError.optionalAttributeError;
    if (path.length > 0) into.as4Path = path;
    return undefined;
  },
  /** Made from `asPath`, where a 2-octet encoding would lose a number (RFC 6793 section 4.2.2). */
  encode(writer, attributes, { fourOctetAs }) {
    if (fourOctetAs || attributes.asPath === undefined || !needsFourOctets(attributes.asPath)) return false;
    encodeSegments(writer, attributes.asPath, 4);
    return true;
  },
};

/**
 * `undefined` if it is malformed: an unknown segment type, a segment of no AS or past the end, an AS 0 (RFC 7607), and
 * confederation segments where they are.
 */
function decodeSegments(
  bytes: Uint8Array,
  start: number,
  end: number,
  octets: 2 | 4,
  confederation: 'malformed' | 'dropped',
): AsPath | undefined {
  if (start === end) return emptyAsPath;
  const segments: AsPathSegment[] = [];
  for (let at = start; at < end; ) {
    if (at + 2 > end) return undefined;
    const type = segmentType(bytes[at]!);
    const count = bytes[at + 1]!;
    const next = at + 2 + count * octets;
    if (type === undefined || count === 0 || next > end) return undefined;
    if (type === 'confederation') {
      if (confederation === 'malformed') return undefined;
    } else {
      const asns = decodeAsns(bytes, at + 2, count, octets);
      if (asns.includes(0)) return undefined;
      segments.push({ type, asns });
    }
    at = next;
  }
  return segments;
}

function segmentType(code: number): AsPathSegment['type'] | 'confederation' | undefined {
  switch (code) {
    case AsPathSegmentType.asSet:
      return 'set';
    case AsPathSegmentType.asSequence:
      return 'sequence';
    case AsPathSegmentType.confederationSequence:
    case AsPathSegmentType.confederationSet:
      return 'confederation';
    default:
      return undefined;
  }
}

function decodeAsns(bytes: Uint8Array, start: number, count: number, octets: 2 | 4): number[] {
  const asns = new Array<number>(count);
  for (let i = 0; i < count; i++) {
    asns[i] = octets === 2 ? readU16(bytes, start + 2 * i) : readU32(bytes, start + 4 * i);
  }
  return asns;
}

/** With 2 octets, numbers above 65535 become AS_TRANS. Longer segments than the wire allows are split. */
function encodeSegments(writer: Writer, path: AsPath, octets: 2 | 4): void {
  for (const { type, asns } of path) {
    for (let from = 0; from < asns.length; from += MAX_SEGMENT) {
      const part = asns.slice(from, from + MAX_SEGMENT);
      writer.u8(type === 'set' ? AsPathSegmentType.asSet : AsPathSegmentType.asSequence).u8(part.length);
      for (const asn of part) {
        if (octets === 4) writer.u32(asn);
        else writer.u16(asn > 65535 ? AS_TRANS : asn);
      }
    }
  }
}

function needsFourOctets(path: AsPath): boolean {
  return path.some(segment => segment.asns.some(asn => asn > 65535));
}
