/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 sections 3 and 4).
 *
 *     +-------------------------------+---------------+---------------+------------------
 *     |              AFI              |     SAFI      | Next hop len. |  Next hop ...
 *     +---------------+---------------+---------------+---------------+------------------
 *     |   Reserved    |  NLRI ...
 *     +---------------+------------------
 *
 *     +-------------------------------+---------------+------------------
 *     |              AFI              |     SAFI      |  Withdrawn routes ...
 *     +-------------------------------+---------------+------------------
 *
 * They hold routes, so where they cannot be read, what to withdraw is not known and the session ends (RFC 7606 sections 3 j,
 * 5.3 and 7.11). Families that we do not know are taken as they are: their NLRI are nobody's.
 */
import { Afi, AttributeType, Safi, UpdateError } from '../../iana.js';
import { familyOfNumbers } from '../capabilities.js';
import { isNlri } from '../nlri.js';
import { readU16 } from '../reader.js';
import { type AttributeContext, type AttributeEntry, optionalNonTransitive } from './entry.js';

export const mpReachNlri: AttributeEntry = {
  type: AttributeType.mpReachNlri,
  name: 'MP_REACH_NLRI',
  flags: optionalNonTransitive,
  malformed: 'session-reset',
  holdsRoutes: true,
  decode(bytes, start, end, context, into) {
    if (end - start < 5) return UpdateError.optionalAttributeError;
    const afi = readU16(bytes, start);
    const safi = bytes[start + 2]!;
    const nextHopEnd = start + 4 + bytes[start + 3]!;
    const nlriStart = nextHopEnd + 1;
    const readable =
      nlriStart <= end &&
      isNextHopLength(afi, safi, bytes[start + 3]!, context) &&
      isNlriOf(afi, safi, bytes, nlriStart, end, context);
    if (!readable) return UpdateError.optionalAttributeError;
    const nextHop = bytes.slice(start + 4, nextHopEnd);
    into.mpReach = { afi, safi, nextHop, nlri: bytes.slice(nlriStart, end) };
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.mpReach === undefined) return false;
    const { afi, safi, nextHop, nlri } = attributes.mpReach;
    writer.u16(afi).u8(safi).u8(nextHop.length).bytes(nextHop).u8(0).bytes(nlri);
    return true;
  },
};

export const mpUnreachNlri: AttributeEntry = {
  type: AttributeType.mpUnreachNlri,
  name: 'MP_UNREACH_NLRI',
  flags: optionalNonTransitive,
  malformed: 'session-reset',
  holdsRoutes: true,
  decode(bytes, start, end, context, into) {
    if (end - start < 3) return UpdateError.optionalAttributeError;
    const afi = readU16(bytes, start);
    const safi = bytes[start + 2]!;
    if (!isNlriOf(afi, safi, bytes, start + 3, end, context)) return UpdateError.optionalAttributeError;
    into.mpUnreach = { afi, safi, withdrawn: bytes.slice(start + 3, end) };
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.mpUnreach === undefined) return false;
    writer.u16(attributes.mpUnreach.afi).u8(attributes.mpUnreach.safi).bytes(attributes.mpUnreach.withdrawn);
    return true;
  },
};

/** RFC 2545 section 3: a global address, or that and a link-local one. RFC 8950 section 3: so for IPv4 prefixes where it was negotiated. */
function isNextHopLength(afi: number, safi: number, length: number, context: AttributeContext): boolean {
  if (safi !== Safi.unicast) return true;
  const ipv6 = length === 16 || length === 32;
  if (afi === Afi.ipv4) return length === 4 || (ipv6 && context.extendedNextHop === true);
  return afi !== Afi.ipv6 || ipv6;
}

function isNlriOf(
  afi: number,
  safi: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  { addPath }: AttributeContext,
): boolean {
  const family = familyOfNumbers(afi, safi);
  if (family === undefined) return true;
  const address = family === 'ipv4-unicast' ? 'ipv4' : 'ipv6';
  return isNlri(address, bytes, start, end, addPath?.includes(family) === true);
}
