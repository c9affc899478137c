/**
 * UPDATE (RFC 4271 section 4.3).
 *
 *     +-----------------------------------------------------+
 *     |   Withdrawn Routes Length (2 octets)                |
 *     |   Withdrawn Routes (variable)                       |
 *     |   Total Path Attribute Length (2 octets)            |
 *     |   Path Attributes (variable)                        |
 *     |   Network Layer Reachability Information (variable) |
 *     +-----------------------------------------------------+
 *
 * `scanUpdate` finds the three fields without allocating, for the RIB; `decodeUpdate` is the slow and obvious whole.
 */
import { addressFamily } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import { Afi, ErrorCode, MessageType, Safi, UpdateError } from '../iana.js';
import type { PathAttributes } from './attributes/attributes.js';
import { decodeAttributes, encodeAttributes } from './attributes/codec.js';
import type { AttributeContext, Disposition } from './attributes/entry.js';
import {
  type AttributeProblem,
  fatalProblem,
  missingAttributes,
  strongestDisposition,
} from './attributes/problems.js';
import { familyOfNumbers } from './capabilities.js';
import { HEADER_LENGTH } from './framer.js';
import { BgpMessageError, noData } from './message-error.js';
import { decodePathNlri, encodeNlri, type PathPrefix } from './nlri.js';
import { readU16 } from './reader.js';
import { frame, Writer } from './writer.js';

/** Where the fields of an UPDATE lie in its buffer. Reused by the caller: hot path. */
export interface UpdateFields {
  withdrawnStart: number;
  withdrawnEnd: number;
  attributesStart: number;
  attributesEnd: number;
  /** The NLRI end with the message. */
  nlriStart: number;
}

export function newUpdateFields(): UpdateFields {
  return { withdrawnStart: 0, withdrawnEnd: 0, attributesStart: 0, attributesEnd: 0, nlriStart: 0 };
}

/**
 * Fills `fields` for the whole message in `buffer[start, end)`.
 *
 * @throws BgpMessageError 3/1 if the lengths do not fit the message (RFC 4271 section 6.3)
 */
export function scanUpdate(buffer: Uint8Array, start: number, end: number, fields: UpdateFields): void {
  const withdrawnStart = start + HEADER_LENGTH + 2;
  const withdrawnEnd = withdrawnStart + readU16(buffer, withdrawnStart - 2);
  if (withdrawnEnd + 2 > end) throw malformedAttributeList('the withdrawn routes run past the message');
  const attributesStart = withdrawnEnd + 2;
  const attributesEnd = attributesStart + readU16(buffer, withdrawnEnd);
  if (attributesEnd > end) throw malformedAttributeList('the path attributes run past the message');
  fields.withdrawnStart = withdrawnStart;
  fields.withdrawnEnd = withdrawnEnd;
  fields.attributesStart = attributesStart;
  fields.attributesEnd = attributesEnd;
  fields.nlriStart = attributesEnd;
}

function malformedAttributeList(detail: string): BgpMessageError {
  return new BgpMessageError(ErrorCode.update, UpdateError.malformedAttributeList, noData, detail);
}

/** `undefined` for a prefix of a family without ADD-PATH. */
export interface PathIds {
  readonly withdrawn: readonly (number | undefined)[];
  readonly announced: readonly (number | undefined)[];
}

/** An UPDATE, decoded and judged. Routes of every family stand together; each prefix tells its own. */
export interface Update {
  readonly withdrawn: readonly Prefix[];
  readonly announced: readonly Prefix[];
  /** RFC 7911: those of the two lists, in their order; `undefined` unless a family carries them. */
  readonly pathIds?: PathIds;
  /** With `mpReach` and `mpUnreach` as they came; their prefixes are in the two lists as well. */
  readonly attributes: PathAttributes;
  readonly problems: readonly AttributeProblem[];
  /** `treat-as-withdraw`: the announced routes are to be taken as withdrawn. */
  readonly disposition: Disposition | undefined;
}

/**
 * One whole message in `buffer[start, end)`.
 *
 * @throws BgpMessageError 3/x where the error cannot be contained: lengths, NLRI, or a `session-reset` disposition
 */
export function decodeUpdate(
  buffer: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): Update {
  const fields = newUpdateFields();
  scanUpdate(buffer, start, end, fields);
  const ipv4Paths = context.addPath?.includes('ipv4-unicast') === true;
  const withdrawnField = decodePathNlri(
    'ipv4',
    buffer,
    fields.withdrawnStart,
    fields.withdrawnEnd,
    ipv4Paths,
  );
  const decoded = decodeAttributes(buffer, fields.attributesStart, fields.attributesEnd, context);
  const nlriField = decodePathNlri('ipv4', buffer, fields.nlriStart, end, ipv4Paths);
  const { attributes } = decoded;
  const announces = nlriField.length > 0 || (attributes.mpReach?.nlri.length ?? 0) > 0;
  const missing = announces ? missingAttributes(decoded, context, nlriField.length > 0) : [];
  const problems = [...decoded.problems, ...missing];
  const fatal = fatalProblem(problems, announces);
  if (fatal !== undefined) {
    throw new BgpMessageError(ErrorCode.update, fatal.subcode, fatal.data, fatal.detail);
  }
  const { mpReach, mpUnreach } = attributes;
  const withdrawn = [
    ...withdrawnField,
    ...multiprotocolPrefixes(mpUnreach, mpUnreach?.withdrawn, context.addPath),
  ];
  const announced = [...nlriField, ...multiprotocolPrefixes(mpReach, mpReach?.nlri, context.addPath)];
  return {
    withdrawn: withdrawn.map(({ prefix }) => prefix),
    announced: announced.map(({ prefix }) => prefix),
    ...(context.addPath === undefined
      ? {}
      : {
          pathIds: {
            withdrawn: withdrawn.map(({ pathId }) => pathId),
            announced: announced.map(({ pathId }) => pathId),
          },
        }),
    attributes,
    problems,
    disposition: strongestDisposition(problems),
  };
}

/** Prefixes of a family we do not know are none of ours. */
function multiprotocolPrefixes(
  numbers: { readonly afi: number; readonly safi: number } | undefined,
  nlri: Uint8Array | undefined,
  addPath: readonly Family[] | undefined,
): PathPrefix[] {
  const family = numbers && familyOfNumbers(numbers.afi, numbers.safi);
  if (family === undefined || nlri === undefined) return [];
  const address = family === 'ipv4-unicast' ? 'ipv4' : 'ipv6';
  return decodePathNlri(address, nlri, 0, nlri.length, addPath?.includes(family) === true);
}

export interface UpdateToEncode {
  /** IPv4 prefixes for the NLRI and Withdrawn Routes fields; other families travel in `mpReach` and `mpUnreach`. */
  readonly withdrawn: readonly Prefix[];
  readonly announced: readonly Prefix[];
  readonly attributes: PathAttributes;
  /** RFC 7911: one for each of the two lists' prefixes, where IPv4 unicast carries them. */
  readonly pathIds?: PathIds;
}

/**
 * One message; the caller keeps it within the session's maximum length, and puts routes in one of its four places only where it goes
 * to a peer (RFC 7606 section 5.1; receivers must still take any combination).
 *
 * @throws RangeError for other than IPv4 prefixes in the two fields
 */
export function encodeUpdate(update: UpdateToEncode, context: AttributeContext): Uint8Array {
  if ([...update.withdrawn, ...update.announced].some(prefix => addressFamily(prefix) !== 'ipv4')) {
    throw new RangeError('only IPv4 prefixes stand in the fields of RFC 4271');
  }
  const { attributes, withdrawn, announced, pathIds } = update;
  const body = new Writer(512)
    .sized16(writer => encodeNlri(writer, withdrawn, pathIds?.withdrawn))
    .sized16(writer => writer.bytes(encodeAttributes(attributes, context)));
  encodeNlri(body, announced, pathIds?.announced);
  return frame(MessageType.update, body.finish());
}

/** RFC 4724 section 2: an empty UPDATE for IPv4 unicast, an empty MP_UNREACH_NLRI for any other family. */
export function encodeEndOfRib(afi: number, safi: number): Uint8Array {
  const ipv4Unicast = afi === Afi.ipv4 && safi === Safi.unicast;
  const attributes = ipv4Unicast ? {} : { mpUnreach: { afi, safi, withdrawn: noData } };
  return encodeUpdate({ withdrawn: [], announced: [], attributes }, { fourOctetAs: true, ibgp: true });
}
