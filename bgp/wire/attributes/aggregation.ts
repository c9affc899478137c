/**
 * ATOMIC_AGGREGATE, AGGREGATOR and AS4_AGGREGATOR (RFC 4271 sections 5.1.6 and 5.1.7, RFC 6793 section 4, RFC 7606 sections 7.6 and
 * 7.7): who put routes together. Of a malformed one only the attribute is lost.
 *
 *     +-------------------------------+-------------------------------+
 *     | AS number (2 or 4 octets)     | IPv4 address of the speaker   |
 *     +-------------------------------+-------------------------------+
 */
import { AS_TRANS } from '../../../core/asn.js';
import { AttributeType, UpdateError } from '../../iana.js';
import { readU16, readU32 } from '../reader.js';
import { type AttributeEntry, optionalTransitive, wellKnown } from './entry.js';

export const atomicAggregate: AttributeEntry = {
  type: AttributeType.atomicAggregate,
  name: 'ATOMIC_AGGREGATE',
  flags: wellKnown,
  malformed: 'attribute-discard',
  decode(_bytes, start, end, _context, into) {
    if (end !== start) return UpdateError.attributeLengthError;
    into.atomicAggregate = true;
    return undefined;
  },
  encode(_writer, attributes) {
    return attributes.atomicAggregate === true;
  },
};

export const aggregator: AttributeEntry = {
  type: AttributeType.aggregator,
  name: 'AGGREGATOR',
  flags: optionalTransitive,
  malformed: 'attribute-discard',
  decode(bytes, start, end, { fourOctetAs }, into) {
    const octets = fourOctetAs ? 4 : 2;
    if (end - start !== octets + 4) return UpdateError.attributeLengthError;
    const asn = fourOctetAs ? readU32(bytes, start) : readU16(bytes, start);
    // RFC 7607 section 2.
    if (asn === 0) return UpdateError.optionalAttributeError;
    into.aggregator = { asn, address: readU32(bytes, start + octets) };
    return undefined;
  },
  encode(writer, attributes, { fourOctetAs }) {
    if (attributes.aggregator === undefined) return false;
    const { asn, address } = attributes.aggregator;
    if (fourOctetAs) writer.u32(asn);
    else writer.u16(asn > 65535 ? AS_TRANS : asn);
    writer.u32(address);
    return true;
  },
};

export const as4Aggregator: AttributeEntry = {
  type: AttributeType.as4Aggregator,
  name: 'AS4_AGGREGATOR',
  flags: optionalTransitive,
  malformed: 'attribute-discard',
  oldSpeakersOnly: true,
  decode(bytes, start, end, _, into) {
    if (end - start !== 8) return UpdateError.attributeLengthError;
    const asn = readU32(bytes, start);
    if (asn === 0) return UpdateError.optionalAttributeError;
    into.as4Aggregator = { asn, address: readU32(bytes, start + 4) };
    return undefined;
  },
  /** Made from `aggregator`, where a 2-octet encoding would lose its number (RFC 6793 section 4.2.2). */
  encode(writer, attributes, { fourOctetAs }) {
    if (fourOctetAs || attributes.aggregator === undefined || attributes.aggregator.asn <= 65535)
      return false;
    writer.u32(attributes.aggregator.asn).u32(attributes.aggregator.address);
    return true;
  },
};
