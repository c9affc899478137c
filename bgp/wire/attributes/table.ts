/**
 * The path attributes we know, one line of truth for each: flags, decoder, encoder and what RFC 7606 does about a malformed one.
 * Decoding, encoding and error handling all run on this table, so a new attribute is one more entry.
 */
import { AttributeFlag, AttributeType } from '../../iana.js';
import type { Writer } from '../writer.js';
import { type AsPath, decodeAsPath, encodeAsPath, needsAs4 } from './as-path.js';
import type { Aggregator, LargeCommunity, MpReach, MpUnreach, PathAttributes } from './attributes.js';

/** RFC 7606 section 2, weakest first; `session-reset` is a NOTIFICATION. */
export type Disposition = 'attribute-discard' | 'treat-as-withdraw' | 'session-reset';

/** What of the session matters to an attribute's form. */
export interface AttributeContext {
  /** RFC 6793: negotiated both ways. */
  readonly fourOctetAs: boolean;
  /** Attributes for inside an AS are discarded when they come from outside. */
  readonly ibgp: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type AttributesUnderConstruction = Mutable<PathAttributes>;

interface Entry {
  readonly type: number;
  readonly name: string;
  /** Optional and Transitive as they must be; Partial and Extended Length are the sender's. */
  readonly flags: number;
  readonly malformed: Disposition;
  /** Only inside an AS: from eBGP it is discarded unread (RFC 7606 sections 7.5, 7.9, 7.10). */
  readonly internalOnly?: true;
  /** Only from a peer without 4-octet AS numbers (RFC 6793 section 4.1). */
  readonly oldSpeakersOnly?: true;
  /** Reads the value into `into`; false if it is malformed. */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    context: AttributeContext,
    into: AttributesUnderConstruction,
  ): boolean;
  /** Writes the value; false if there is nothing to write. */
  encode(writer: Writer, attributes: PathAttributes, context: AttributeContext): boolean;
}

const { optional, transitive } = AttributeFlag;

const u16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
const u32 = (bytes: Uint8Array, at: number) =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** A 32-bit number on its own. */
function number32(key: 'multiExitDisc' | 'localPref' | 'originatorId') {
  return {
    decode(
      bytes: Uint8Array,
      start: number,
      end: number,
      _: AttributeContext,
      into: AttributesUnderConstruction,
    ) {
      if (end - start !== 4) return false;
      into[key] = u32(bytes, start);
      return true;
    },
    encode(writer: Writer, attributes: PathAttributes) {
      const value = attributes[key];
      if (value !== undefined) writer.u32(value);
      return value !== undefined;
    },
  };
}

/** One or more 32-bit numbers. */
function numbers32(key: 'communities' | 'clusterList') {
  return {
    decode(
      bytes: Uint8Array,
      start: number,
      end: number,
      _: AttributeContext,
      into: AttributesUnderConstruction,
    ) {
      const count = (end - start) / 4;
      if (count === 0 || !Number.isInteger(count)) return false;
      const values = new Array<number>(count);
      for (let i = 0; i < count; i++) values[i] = u32(bytes, start + 4 * i);
      into[key] = values;
      return true;
    },
    encode(writer: Writer, attributes: PathAttributes) {
      const values = attributes[key];
      if (values === undefined || values.length === 0) return false;
      for (const value of values) writer.u32(value);
      return true;
    },
  };
}

/** RFC 4271 section 4.3: an AS number and an address. */
function decodeAggregator(
  bytes: Uint8Array,
  start: number,
  end: number,
  octets: 2 | 4,
): Aggregator | undefined {
  if (end - start !== octets + 4) return undefined;
  const asn = octets === 2 ? u16(bytes, start) : u32(bytes, start);
  return asn === 0 ? undefined : { asn, address: u32(bytes, start + octets) };
}

/** RFC 4271 section 6.3: a NEXT_HOP must at least be the address of a host. */
function isHostAddress(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first < 224;
}

export const attributeTable: readonly Entry[] = [
  {
    type: AttributeType.origin,
    name: 'ORIGIN',
    flags: transitive,
    malformed: 'treat-as-withdraw',
    decode(bytes, start, end, _, into) {
      if (end - start !== 1 || bytes[start]! > 2) return false;
      into.origin = bytes[start]!;
      return true;
    },
    encode(writer, { origin }) {
      if (origin !== undefined) writer.u8(origin);
      return origin !== undefined;
    },
  },
  {
    type: AttributeType.asPath,
    name: 'AS_PATH',
    flags: transitive,
    malformed: 'treat-as-withdraw',
    decode(bytes, start, end, { fourOctetAs }, into) {
      const path = decodeAsPath(bytes, start, end, fourOctetAs ? 4 : 2);
      if (path !== undefined) into.asPath = path;
      return path !== undefined;
    },
    encode(writer, { asPath }, { fourOctetAs }) {
      if (asPath !== undefined) encodeAsPath(writer, asPath, fourOctetAs ? 4 : 2);
      return asPath !== undefined;
    },
  },
  {
    type: AttributeType.nextHop,
    name: 'NEXT_HOP',
    flags: transitive,
    malformed: 'treat-as-withdraw',
    decode(bytes, start, end, _, into) {
      if (end - start !== 4 || !isHostAddress(u32(bytes, start))) return false;
      into.nextHop = u32(bytes, start);
      return true;
    },
    encode(writer, { nextHop }) {
      if (nextHop !== undefined) writer.u32(nextHop);
      return nextHop !== undefined;
    },
  },
  {
    type: AttributeType.multiExitDisc,
    name: 'MULTI_EXIT_DISC',
    flags: optional,
    malformed: 'treat-as-withdraw',
    ...number32('multiExitDisc'),
  },
  {
    type: AttributeType.localPref,
    name: 'LOCAL_PREF',
    flags: transitive,
    malformed: 'treat-as-withdraw',
    internalOnly: true,
    ...number32('localPref'),
  },
  {
    type: AttributeType.atomicAggregate,
    name: 'ATOMIC_AGGREGATE',
    flags: transitive,
    malformed: 'attribute-discard',
    decode(_bytes, start, end, _, into) {
      if (end !== start) return false;
      into.atomicAggregate = true;
      return true;
    },
    encode(_writer, { atomicAggregate }) {
      return atomicAggregate === true;
    },
  },
  {
    type: AttributeType.aggregator,
    name: 'AGGREGATOR',
    flags: optional | transitive,
    malformed: 'attribute-discard',
    decode(bytes, start, end, { fourOctetAs }, into) {
      const aggregator = decodeAggregator(bytes, start, end, fourOctetAs ? 4 : 2);
      if (aggregator !== undefined) into.aggregator = aggregator;
      return aggregator !== undefined;
    },
    encode(writer, { aggregator }, { fourOctetAs }) {
      if (aggregator === undefined) return false;
      if (fourOctetAs) writer.u32(aggregator.asn);
      else writer.u16(aggregator.asn > 65535 ? 23456 : aggregator.asn);
      writer.u32(aggregator.address);
      return true;
    },
  },
  {
    type: AttributeType.communities,
    name: 'COMMUNITIES',
    flags: optional | transitive,
    malformed: 'treat-as-withdraw',
    ...numbers32('communities'),
  },
  {
    type: AttributeType.originatorId,
    name: 'ORIGINATOR_ID',
    flags: optional,
    malformed: 'treat-as-withdraw',
    internalOnly: true,
    ...number32('originatorId'),
  },
  {
    type: AttributeType.clusterList,
    name: 'CLUSTER_LIST',
    flags: optional,
    malformed: 'treat-as-withdraw',
    internalOnly: true,
    ...numbers32('clusterList'),
  },
  {
    type: AttributeType.mpReachNlri,
    name: 'MP_REACH_NLRI',
    flags: optional,
    malformed: 'session-reset',
    decode(bytes, start, end, _, into) {
      const reach = decodeMpReach(bytes, start, end);
      if (reach !== undefined) into.mpReach = reach;
      return reach !== undefined;
    },
    encode(writer, { mpReach }) {
      if (mpReach === undefined) return false;
      const { afi, safi, nextHop, nlri } = mpReach;
      writer.u16(afi).u8(safi).u8(nextHop.length).bytes(nextHop).u8(0).bytes(nlri);
      return true;
    },
  },
  {
    type: AttributeType.mpUnreachNlri,
    name: 'MP_UNREACH_NLRI',
    flags: optional,
    malformed: 'session-reset',
    decode(bytes, start, end, _, into) {
      const unreach = decodeMpUnreach(bytes, start, end);
      if (unreach !== undefined) into.mpUnreach = unreach;
      return unreach !== undefined;
    },
    encode(writer, { mpUnreach }) {
      if (mpUnreach === undefined) return false;
      writer.u16(mpUnreach.afi).u8(mpUnreach.safi).bytes(mpUnreach.withdrawn);
      return true;
    },
  },
  {
    type: AttributeType.extendedCommunities,
    name: 'EXTENDED_COMMUNITIES',
    flags: optional | transitive,
    malformed: 'treat-as-withdraw',
    decode(bytes, start, end, _, into) {
      if (end === start || (end - start) % 8 !== 0) return false;
      const values: Uint8Array[] = [];
      for (let at = start; at < end; at += 8) values.push(bytes.slice(at, at + 8));
      into.extendedCommunities = values;
      return true;
    },
    encode(writer, { extendedCommunities }) {
      if (extendedCommunities === undefined || extendedCommunities.length === 0) return false;
      for (const value of extendedCommunities) writer.bytes(value);
      return true;
    },
  },
  {
    type: AttributeType.as4Path,
    name: 'AS4_PATH',
    flags: optional | transitive,
    malformed: 'attribute-discard',
    oldSpeakersOnly: true,
    decode(bytes, start, end, _, into) {
      const path: AsPath | undefined = start === end ? undefined : decodeAsPath(bytes, start, end, 4);
      if (path !== undefined) into.as4Path = path;
      return path !== undefined;
    },
    encode(writer, { asPath }, { fourOctetAs }) {
      if (fourOctetAs || asPath === undefined || !needsAs4(asPath)) return false;
      encodeAsPath(writer, asPath, 4);
      return true;
    },
  },
  {
    type: AttributeType.as4Aggregator,
    name: 'AS4_AGGREGATOR',
    flags: optional | transitive,
    malformed: 'attribute-discard',
    oldSpeakersOnly: true,
    decode(bytes, start, end, _, into) {
      const aggregator = decodeAggregator(bytes, start, end, 4);
      if (aggregator !== undefined) into.as4Aggregator = aggregator;
      return aggregator !== undefined;
    },
    encode(writer, { aggregator }, { fourOctetAs }) {
      if (fourOctetAs || aggregator === undefined || aggregator.asn <= 65535) return false;
      writer.u32(aggregator.asn).u32(aggregator.address);
      return true;
    },
  },
  {
    type: AttributeType.largeCommunities,
    name: 'LARGE_COMMUNITY',
    flags: optional | transitive,
    malformed: 'treat-as-withdraw',
    decode(bytes, start, end, _, into) {
      if (end === start || (end - start) % 12 !== 0) return false;
      const values: LargeCommunity[] = [];
      for (let at = start; at < end; at += 12) {
        values.push([u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8)]);
      }
      into.largeCommunities = values;
      return true;
    },
    encode(writer, { largeCommunities }) {
      if (largeCommunities === undefined || largeCommunities.length === 0) return false;
      for (const [administrator, first, second] of largeCommunities)
        writer.u32(administrator).u32(first).u32(second);
      return true;
    },
  },
];

/** The entry of an attribute type, by number. */
export const attributeByType: readonly (Entry | undefined)[] = Array.from({ length: 256 }, (_, type) =>
  attributeTable.find(entry => entry.type === type),
);

/**
 * RFC 4760 section 3. The next hop's length must fit the family (RFC 7606 section 7.11): where it does not, the NLRI cannot be
 * found, and only a session reset is safe.
 */
function decodeMpReach(bytes: Uint8Array, start: number, end: number): MpReach | undefined {
  if (end - start < 5) return undefined;
  const afi = u16(bytes, start);
  const safi = bytes[start + 2]!;
  const length = bytes[start + 3]!;
  const nlri = start + 4 + length + 1;
  const expected =
    afi === 1 ? length === 4 || length === 16 || length === 32 : afi !== 2 || length === 16 || length === 32;
  if (!expected || nlri > end) return undefined;
  return { afi, safi, nextHop: bytes.slice(start + 4, start + 4 + length), nlri: bytes.slice(nlri, end) };
}

/** RFC 4760 section 4. */
function decodeMpUnreach(bytes: Uint8Array, start: number, end: number): MpUnreach | undefined {
  if (end - start < 3) return undefined;
  return { afi: u16(bytes, start), safi: bytes[start + 2]!, withdrawn: bytes.slice(start + 3, end) };
}
