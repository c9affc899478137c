/**
 * A block of path attributes, decoded and judged by RFC 7606, and encoded in the order of their types.
 *
 *     +---------------+---------------+---------------+------------------
 *     |  Flags        |  Type         |  Length (8, or 16 if extended) | Value ...
 *     +---------------+---------------+---------------+------------------
 *
 * The decoder never throws: what is wrong comes back as problems, each with its disposition; the strongest decides.
 */
import { AttributeFlag, AttributeType, UpdateError } from '../../iana.js';
import { Writer } from '../writer.js';
import { mergeAs4Path } from './as-path.js';
import type { PathAttributes, UnknownAttribute } from './attributes.js';
import {
  type AttributeContext,
  type AttributesUnderConstruction,
  attributeByType,
  attributeTable,
  type Disposition,
} from './table.js';

/** One thing wrong with one attribute. `subcode` and `data` are those of a NOTIFICATION 3/x, should it come to that. */
export interface AttributeProblem {
  readonly type: number;
  readonly disposition: Disposition;
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly detail: string;
}

export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  readonly problems: readonly AttributeProblem[];
  /** The strongest disposition among the problems; `undefined` if there are none. */
  readonly disposition: Disposition | undefined;
}

const strength = { 'attribute-discard': 1, 'treat-as-withdraw': 2, 'session-reset': 3 } as const;

/** RFC 7606 section 3 h. */
export function strongestDisposition(problems: readonly AttributeProblem[]): Disposition | undefined {
  let strongest: Disposition | undefined;
  for (const { disposition } of problems) {
    if (strongest === undefined || strength[disposition] > strength[strongest]) strongest = disposition;
  }
  return strongest;
}

/** The attributes in `bytes[start, end)`. Says nothing about missing ones: see {@link missingAttributes}. */
export function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): DecodedAttributes {
  const attributes: AttributesUnderConstruction = {};
  const problems: AttributeProblem[] = [];
  const seen = new Set<number>();
  const unknown: UnknownAttribute[] = [];
  let at = start;
  while (at < end) {
    const flags = bytes[at]!;
    const type = bytes[at + 1]!;
    const headerLength = (flags & AttributeFlag.extendedLength) === 0 ? 3 : 4;
    const value = at + headerLength;
    const length = headerLength === 3 ? bytes[at + 2]! : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (value > end || value + length > end) {
      // RFC 7606 section 4: the total length still says where the NLRI begins, so the routes can be withdrawn.
      problems.push({
        type: at + 1 < end ? type : 0,
        disposition: 'treat-as-withdraw',
        subcode: UpdateError.malformedAttributeList,
        data: bytes.slice(at, end),
        detail: 'an attribute runs past the attributes',
      });
      break;
    }
    const problem = seen.has(type)
      ? duplicate(type)
      : decodeOne(bytes, at, value, value + length, context, attributes, unknown);
    seen.add(type);
    if (problem !== undefined) problems.push(problem);
    at = value + length;
  }
  if (unknown.length > 0) attributes.unknown = unknown;
  if (!context.fourOctetAs) mergeAs4(attributes);
  return { attributes, problems, disposition: strongestDisposition(problems) };
}

function decodeOne(
  bytes: Uint8Array,
  at: number,
  value: number,
  end: number,
  context: AttributeContext,
  into: AttributesUnderConstruction,
  unknown: UnknownAttribute[],
): AttributeProblem | undefined {
  const flags = bytes[at]!;
  const type = bytes[at + 1]!;
  const entry = attributeByType[type];
  const problem = (disposition: Disposition, subcode: number, detail: string): AttributeProblem => ({
    type,
    disposition,
    subcode,
    data: bytes.slice(at, end),
    detail,
  });
  if (entry === undefined) {
    if ((flags & AttributeFlag.optional) === 0) {
      return problem(
        'session-reset',
        UpdateError.unrecognizedWellKnownAttribute,
        `attribute ${type} is unknown but well-known`,
      );
    }
    // RFC 4271 section 5: non-transitive ones are quietly ignored, transitive ones go on with Partial set.
    if ((flags & AttributeFlag.transitive) !== 0)
      unknown.push({ flags, type, value: bytes.slice(value, end) });
    return undefined;
  }
  if (entry.internalOnly === true && !context.ibgp) {
    return problem(
      'attribute-discard',
      UpdateError.malformedAttributeList,
      `${entry.name} from an external peer`,
    );
  }
  if (entry.oldSpeakersOnly === true && context.fourOctetAs) {
    return problem(
      'attribute-discard',
      UpdateError.malformedAttributeList,
      `${entry.name} from a peer with 4-octet AS numbers`,
    );
  }
  const identity = AttributeFlag.optional | AttributeFlag.transitive;
  if ((flags & identity) !== entry.flags) {
    // RFC 7606 section 3 c: whatever the attribute, but for those whose own rule is to be discarded.
    const disposition = entry.malformed === 'session-reset' ? 'treat-as-withdraw' : entry.malformed;
    if (entry.malformed === 'session-reset') entry.decode(bytes, value, end, context, into);
    return problem(
      disposition === 'attribute-discard' ? 'treat-as-withdraw' : disposition,
      UpdateError.attributeFlagsError,
      `${entry.name} with flags 0x${flags.toString(16)}`,
    );
  }
  if (entry.decode(bytes, value, end, context, into)) return undefined;
  return problem(entry.malformed, subcodeOf(type), `${entry.name} is malformed`);
}

/** RFC 7606 section 3 g: MP attributes may stand only once; of others the first counts. */
function duplicate(type: number): AttributeProblem {
  const fatal = type === AttributeType.mpReachNlri || type === AttributeType.mpUnreachNlri;
  return {
    type,
    disposition: fatal ? 'session-reset' : 'attribute-discard',
    subcode: UpdateError.malformedAttributeList,
    data: new Uint8Array(0),
    detail: `${attributeName(type)} stands twice`,
  };
}

/** RFC 4271 section 6.3. */
function subcodeOf(type: number): number {
  switch (type) {
    case AttributeType.origin:
      return UpdateError.invalidOrigin;
    case AttributeType.asPath:
      return UpdateError.malformedAsPath;
    case AttributeType.nextHop:
      return UpdateError.invalidNextHop;
    case AttributeType.multiExitDisc:
    case AttributeType.localPref:
    case AttributeType.atomicAggregate:
      return UpdateError.attributeLengthError;
    default:
      return UpdateError.optionalAttributeError;
  }
}

/** RFC 6793 section 4.2.3: what an old speaker could only say beside AS_PATH and AGGREGATOR. */
function mergeAs4(attributes: AttributesUnderConstruction): void {
  const { as4Path, as4Aggregator, aggregator } = attributes;
  delete attributes.as4Path;
  delete attributes.as4Aggregator;
  // An AGGREGATOR with a real 2-octet AS means that somebody aggregated anew and both AS4 attributes are outdated.
  if (aggregator !== undefined && aggregator.asn !== 23456 && as4Aggregator !== undefined) return;
  if (aggregator !== undefined && as4Aggregator !== undefined) attributes.aggregator = as4Aggregator;
  if (attributes.asPath !== undefined && as4Path !== undefined) {
    attributes.asPath = mergeAs4Path(attributes.asPath, as4Path);
  }
}

/**
 * Well-known attributes that routes must carry and these do not (RFC 4271 section 5, RFC 7606 section 3 d: treat as withdraw).
 *
 * @param nlri routes in the NLRI field, for which NEXT_HOP is mandatory too
 */
export function missingAttributes(
  attributes: PathAttributes,
  context: AttributeContext,
  nlri: boolean,
): readonly AttributeProblem[] {
  if (!nlri && attributes.mpReach === undefined) return [];
  const missing: number[] = [];
  if (attributes.origin === undefined) missing.push(AttributeType.origin);
  if (attributes.asPath === undefined) missing.push(AttributeType.asPath);
  if (nlri && attributes.nextHop === undefined) missing.push(AttributeType.nextHop);
  if (context.ibgp && attributes.localPref === undefined) missing.push(AttributeType.localPref);
  return missing.map(type => ({
    type,
    disposition: 'treat-as-withdraw',
    subcode: UpdateError.missingWellKnownAttribute,
    data: Uint8Array.of(type),
    detail: `${attributeName(type)} is missing`,
  }));
}

/** Ordered by type, extended lengths only where needed, unknown attributes with Partial set (RFC 4271 section 5). */
export function encodeAttributes(attributes: PathAttributes, context: AttributeContext): Uint8Array {
  const parts: { readonly type: number; readonly flags: number; readonly value: Uint8Array }[] = [];
  for (const entry of attributeTable) {
    const writer = new Writer(64);
    if (entry.encode(writer, attributes, context)) {
      parts.push({ type: entry.type, flags: entry.flags, value: writer.finish() });
    }
  }
  for (const { type, flags, value } of attributes.unknown ?? []) {
    const identity = flags & (AttributeFlag.optional | AttributeFlag.transitive);
    parts.push({ type, flags: identity | AttributeFlag.partial, value });
  }
  parts.sort((a, b) => a.type - b.type);
  const writer = new Writer();
  for (const { type, flags, value } of parts) {
    if (value.length > 255)
      writer
        .u8(flags | AttributeFlag.extendedLength)
        .u8(type)
        .u16(value.length);
    else writer.u8(flags).u8(type).u8(value.length);
    writer.bytes(value);
  }
  return writer.finish();
}

/** "AS_PATH", or "attribute 99". */
export function attributeName(type: number): string {
  return attributeByType[type]?.name ?? `attribute ${type}`;
}
