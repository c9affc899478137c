/**
 * A block of path attributes, decoded and judged by RFC 7606, and encoded.
 *
 *     +---------------+---------------+---------------+------------------
 *     |  Flags        |  Type         |  Length (8, or 16 if extended) | Value ...
 *     +---------------+---------------+---------------+------------------
 *
 * The decoder never throws: what is wrong comes back as problems, each with its disposition; the strongest decides.
 */
import { AttributeFlag, UpdateError } from '../../iana.js';
import { noData } from '../message-error.js';
import { readU16 } from '../reader.js';
import { Writer } from '../writer.js';
import { mergeAs4 } from './as4-merge.js';
import type { PathAttributes, UnknownAttribute } from './attributes.js';
import type { AttributeContext, AttributeEntry, AttributesUnderConstruction, Disposition } from './entry.js';
import { type AttributeProblem, repeatedAttribute, strongestDisposition } from './problems.js';
import { attributeByType, attributeTable } from './table.js';

export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  readonly problems: readonly AttributeProblem[];
  /** The strongest disposition among the problems; `undefined` if there are none. */
  readonly disposition: Disposition | undefined;
}

/** The bits of the flags that belong to a type; Partial and Extended Length are the sender's. */
const IDENTITY = AttributeFlag.optional | AttributeFlag.transitive;

/** The attributes in `bytes[start, end)`. Says nothing about missing ones: see `missingAttributes`. */
export function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): DecodedAttributes {
  const attributes: AttributesUnderConstruction = {};
  const problems: AttributeProblem[] = [];
  const seen = new Set<number>();
  for (let at = start; at < end; ) {
    const value = at + ((bytes[at]! & AttributeFlag.extendedLength) === 0 ? 3 : 4);
    // The length is read only where the whole header is there.
    const next = value > end ? value : value + (value - at === 3 ? bytes[at + 2]! : readU16(bytes, at + 2));
    if (next > end) {
      problems.push(overrun(bytes, at, end));
      break;
    }
    const type = bytes[at + 1]!;
    const problem = seen.has(type)
      ? repeatedAttribute(type)
      : decodeAttribute(bytes, at, value, next, context, attributes);
    if (problem !== undefined) problems.push(problem);
    seen.add(type);
    at = next;
  }
  if (!context.fourOctetAs) mergeAs4(attributes);
  return { attributes, problems, disposition: strongestDisposition(problems) };
}

/** One attribute: header at `at`, value in `bytes[value, end)`. */
function decodeAttribute(
  bytes: Uint8Array,
  at: number,
  value: number,
  end: number,
  context: AttributeContext,
  into: AttributesUnderConstruction,
): AttributeProblem | undefined {
  const flags = bytes[at]!;
  const type = bytes[at + 1]!;
  const entry = attributeByType[type];
  const problem = (disposition: Disposition, subcode: number, detail: string): AttributeProblem => {
    // RFC 4271 section 6.3: the data is the erroneous attribute, type, length and value.
    return { type, disposition, subcode, data: bytes.slice(at, end), detail };
  };
  if (entry === undefined) {
    if ((flags & AttributeFlag.optional) !== 0) {
      keepUnknown(flags, type, bytes, value, end, into);
      return undefined;
    }
    const detail = `attribute ${type} is unknown but well-known`;
    return problem('session-reset', UpdateError.unrecognizedWellKnownAttribute, detail);
  }
  if ((flags & IDENTITY) !== entry.flags) return problem(...flagsConflict(entry, flags));
  const outOfPlace = whyOutOfPlace(entry, context);
  if (outOfPlace !== undefined) {
    return problem('attribute-discard', UpdateError.malformedAttributeList, outOfPlace);
  }
  const subcode = entry.decode(bytes, value, end, context, into);
  if (subcode === undefined) {
    if ((flags & AttributeFlag.partial) !== 0) keepPartial(entry, into);
    return undefined;
  }
  const octets = end - value;
  const detail =
    subcode === UpdateError.attributeLengthError
      ? `${entry.name} of ${octets} octets`
      : `${entry.name} is malformed`;
  return problem(entry.malformed, subcode, detail);
}

/** RFC 4271 section 5: once set on an optional transitive attribute it stays set; on others it means nothing. */
function keepPartial(entry: AttributeEntry, into: AttributesUnderConstruction): void {
  if (entry.flags === IDENTITY) into.partial = [...(into.partial ?? []), entry.type];
}

/** RFC 4271 section 5: of unknown optional attributes the transitive ones go on, the others are quietly ignored. */
function keepUnknown(
  flags: number,
  type: number,
  bytes: Uint8Array,
  value: number,
  end: number,
  into: AttributesUnderConstruction,
): void {
  if ((flags & AttributeFlag.transitive) === 0) return;
  const attribute: UnknownAttribute = { flags, type, value: bytes.slice(value, end) };
  into.unknown = [...(into.unknown ?? []), attribute];
}

/**
 * RFC 7606 section 3 c: treat as withdraw, even where a malformed value would cost only the attribute. RFC 7606 section 5.3: an
 * attribute that holds routes is not to be trusted then, which ends the session.
 */
function flagsConflict(entry: AttributeEntry, flags: number): [Disposition, number, string] {
  const detail = `${entry.name} with flags 0x${flags.toString(16).padStart(2, '0')}`;
  return entry.holdsRoutes === true
    ? ['session-reset', UpdateError.optionalAttributeError, detail]
    : ['treat-as-withdraw', UpdateError.attributeFlagsError, detail];
}

/** What this peer should not have sent, well-formed or not. */
function whyOutOfPlace(entry: AttributeEntry, context: AttributeContext): string | undefined {
  if (entry.internalOnly === true && !context.ibgp) return `${entry.name} from an external peer`;
  if (entry.oldSpeakersOnly === true && context.fourOctetAs) {
    return `${entry.name} from a peer with 4-octet AS numbers`;
  }
  return undefined;
}

/**
 * RFC 7606 section 4: an attribute that runs past the attributes, header or value. Where the NLRI field begins is still known, so
 * its routes can be withdrawn; but not those in an attribute that itself is cut off (section 3 j).
 */
function overrun(bytes: Uint8Array, at: number, end: number): AttributeProblem {
  const type = at + 1 < end ? bytes[at + 1]! : 0;
  const holdsRoutes = attributeByType[type]?.holdsRoutes === true;
  return {
    type,
    disposition: holdsRoutes ? 'session-reset' : 'treat-as-withdraw',
    subcode: holdsRoutes ? UpdateError.optionalAttributeError : UpdateError.malformedAttributeList,
    data: holdsRoutes ? bytes.slice(at, end) : noData,
    detail: 'an attribute runs past the attributes',
  };
}

/** In the table's order, extended lengths only where needed, unknown attributes with Partial set (RFC 4271 section 5). */
export function encodeAttributes(attributes: PathAttributes, context: AttributeContext): Uint8Array {
  const writer = new Writer();
  const unknown = (attributes.unknown ?? []).toSorted((a, b) => a.type - b.type);
  let next = 0;
  for (const entry of attributeTable) {
    while (entry.holdsRoutes !== true && next < unknown.length && unknown[next]!.type < entry.type) {
      writeUnknown(writer, unknown[next++]!);
    }
    const flags = isPartial(entry, attributes) ? entry.flags | AttributeFlag.partial : entry.flags;
    writeAttribute(writer, flags, entry.type, () => entry.encode(writer, attributes, context));
  }
  while (next < unknown.length) writeUnknown(writer, unknown[next++]!);
  return writer.finish();
}

function isPartial(entry: AttributeEntry, { partial }: PathAttributes): boolean {
  return partial !== undefined && entry.flags === IDENTITY && partial.includes(entry.type);
}

function writeUnknown(writer: Writer, { flags, type, value }: UnknownAttribute): void {
  writeAttribute(writer, (flags & IDENTITY) | AttributeFlag.partial, type, () => {
    writer.bytes(value);
    return true;
  });
}

/** A header, and what `write` appends; nothing if it returns false. */
function writeAttribute(writer: Writer, flags: number, type: number, write: () => boolean): void {
  const at = writer.length;
  writer.u8(flags).u8(type).u8(0);
  if (!write()) {
    writer.truncate(at);
    return;
  }
  const length = writer.length - at - 3;
  writer.patchU8(at + 2, length & 255);
  if (length > 255) {
    writer.patchU8(at, flags | AttributeFlag.extendedLength);
    writer.insertU8(at + 2, length >>> 8);
  }
}
