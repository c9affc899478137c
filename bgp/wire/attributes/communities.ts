/**
 * COMMUNITIES (RFC 1997), EXTENDED_COMMUNITIES (RFC 4360) and LARGE_COMMUNITY (RFC 8092): 4, 8 and 12 octets each, at least one of
 * them (RFC 7606 sections 7.8 and 7.14, RFC 8092 section 6).
 */
import { AttributeType, UpdateError } from '../../iana.js';
import { readU32 } from '../reader.js';
import type { LargeCommunity } from './attributes.js';
import { type AttributeEntry, optionalTransitive } from './entry.js';

export const communities: AttributeEntry = {
  type: AttributeType.communities,
  name: 'COMMUNITIES',
  flags: optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end === start || (end - start) % 4 !== 0) return UpdateError.attributeLengthError;
    const values: number[] = [];
    for (let at = start; at < end; at += 4) values.push(readU32(bytes, at));
    into.communities = values;
    return undefined;
  },
  encode(writer, attributes) {
    const values = attributes.communities;
    if (values === undefined || values.length === 0) return false;
    for (const value of values) writer.u32(value);
    return true;
  },
};

export const extendedCommunities: AttributeEntry = {
  type: AttributeType.extendedCommunities,
  name: 'EXTENDED_COMMUNITIES',
  flags: optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end === start || (end - start) % 8 !== 0) return UpdateError.attributeLengthError;
    const values: Uint8Array[] = [];
    for (let at = start; at < end; at += 8) values.push(bytes.slice(at, at + 8));
    into.extendedCommunities = values;
    return undefined;
  },
  encode(writer, attributes) {
    const values = attributes.extendedCommunities;
    if (values === undefined || values.length === 0) return false;
    for (const value of values) writer.bytes(value);
    return true;
  },
};

export const largeCommunities: AttributeEntry = {
  type: AttributeType.largeCommunities,
  name: 'LARGE_COMMUNITY',
  flags: optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end === start || (end - start) % 12 !== 0) return UpdateError.attributeLengthError;
    const values: LargeCommunity[] = [];
    for (let at = start; at < end; at += 12) {
      values.push([readU32(bytes, at), readU32(bytes, at + 4), readU32(bytes, at + 8)]);
    }
    into.largeCommunities = distinct(values);
    return undefined;
  },
  encode(writer, attributes) {
    const values = attributes.largeCommunities;
    if (values === undefined || values.length === 0) return false;
    for (const [administrator, first, second] of distinct(values))
      writer.u32(administrator).u32(first).u32(second);
    return true;
  },
};

/** RFC 8092 section 3: repeated values are silently removed on receipt and never sent. */
function distinct(values: readonly LargeCommunity[]): readonly LargeCommunity[] {
  if (values.length === 1) return values;
  return [...new Map(values.map(value => [value.join(':'), value])).values()];
}
