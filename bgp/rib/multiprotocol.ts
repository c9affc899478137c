/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760) as the RIB takes them: the prefixes are cut out, and what is left of the block is
 * the same for every message that carries the same path, so that it can be interned.
 */
import { addressFromBytes, type IpAddress, ipv4FromNumber, isLinkLocal } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import { Afi, AttributeFlag, AttributeType, Safi } from '../iana.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';

/** Where prefixes lie in a message. */
export interface NlriField {
  /** `undefined` for a family we do not know. */
  readonly family: Family | undefined;
  readonly start: number;
  readonly end: number;
  /** Where the attribute that holds them begins; it ends with them. `undefined` for the fields of RFC 4271. */
  readonly attribute?: number;
}

export interface MultiprotocolBlock {
  /** The attributes without the prefixes of the two. */
  readonly bytes: Uint8Array;
  readonly reach: NlriField | undefined;
  readonly unreach: NlriField | undefined;
  /** MP_UNREACH_NLRI is all there is: with nothing in it, an End-of-RIB marker. */
  readonly unreachOnly: boolean;
}

/** Whether one of the two stands among the attributes in `buffer[start, end)`; stops where they are malformed. */
export function hasMultiprotocol(buffer: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 2 < end; at = attributeEnd(buffer, at)) {
    const type = buffer[at + 1]!;
    if (type === AttributeType.mpReachNlri || type === AttributeType.mpUnreachNlri) return true;
  }
  return false;
}

/**
 * Cuts the prefixes out. Whatever is malformed is copied as it is, for the decoder to judge. Of a second MP_REACH_NLRI or
 * MP_UNREACH_NLRI the prefixes are of no account: it ends the session (RFC 7606 section 3 g). `drop` leaves out MP_REACH_NLRI
 * altogether: such are the attributes of the routes in the message's own NLRI field.
 */
export function cutMultiprotocol(
  buffer: Uint8Array,
  start: number,
  end: number,
  drop: boolean,
): MultiprotocolBlock {
  const bytes = new Uint8Array(end - start);
  let length = 0;
  let reach: NlriField | undefined;
  let unreach: NlriField | undefined;
  let others = 0;
  for (let at = start; at < end; ) {
    const next = at + 2 < end ? attributeEnd(buffer, at) : end + 1;
    const type = buffer[at + 1];
    const header = (buffer[at]! & AttributeFlag.extendedLength) === 0 ? 3 : 4;
    let kept = Math.min(next, end);
    if (next <= end && type === AttributeType.mpReachNlri && next - at - header >= 5) {
      const nlri = at + header + 5 + buffer[at + header + 3]!;
      if (nlri <= next) {
        reach ??= { family: familyAt(buffer, at + header), start: nlri, end: next, attribute: at };
        kept = drop ? at : nlri;
      }
    } else if (next <= end && type === AttributeType.mpUnreachNlri && next - at - header >= 3) {
      kept = at + header + 3;
      unreach ??= { family: familyAt(buffer, at + header), start: kept, end: next, attribute: at };
    }
    if (type !== AttributeType.mpUnreachNlri) others++;
    bytes.set(buffer.subarray(at, kept), length);
    if (at < kept && kept < next && next <= end) writeLength(bytes, length, header, kept - at - header);
    length += kept - at;
    at = Math.min(next, end);
  }
  return { bytes: bytes.subarray(0, length), reach, unreach, unreachOnly: others === 0 };
}

function attributeEnd(buffer: Uint8Array, at: number): number {
  return (buffer[at]! & AttributeFlag.extendedLength) === 0
    ? at + 3 + buffer[at + 2]!
    : at + 4 + ((buffer[at + 2]! << 8) | (buffer[at + 3] ?? 0));
}

function writeLength(bytes: Uint8Array, at: number, header: number, length: number): void {
  if (header === 3) {
    bytes[at + 2] = length;
  } else {
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length & 255;
  }
}

function familyAt(buffer: Uint8Array, at: number): Family | undefined {
  const afi = (buffer[at]! << 8) | buffer[at + 1]!;
  if (buffer[at + 2] !== Safi.unicast) return undefined;
  return afi === Afi.ipv4 ? 'ipv4-unicast' : afi === Afi.ipv6 ? 'ipv6-unicast' : undefined;
}

export interface ReceivedNextHops {
  readonly nextHop: IpAddress | undefined;
  readonly linkLocal: IpAddress | undefined;
}

/**
 * RFC 2545 section 3: a global address, that and a link-local one, or a link-local one alone, in front of which some write zeros. Of two
 * in the wrong order each is taken for what it is.
 */
export function nextHopsOf({ mpReach, nextHop }: PathAttributes): ReceivedNextHops {
  if (mpReach === undefined || mpReach.nextHop.length < 4) {
    return { nextHop: nextHop === undefined ? undefined : ipv4FromNumber(nextHop), linkLocal: undefined };
  }
  const octets = mpReach.nextHop;
  if (octets.length < 16) return { nextHop: addressFromBytes('ipv4', octets), linkLocal: undefined };
  const first = addressFromBytes('ipv6', octets);
  const second = octets.length === 32 ? addressFromBytes('ipv6', octets, 16) : undefined;
  const addresses = second === undefined ? [first] : [second, first];
  const linkLocal = addresses.find(isLinkLocal);
  const global = addresses.findLast(address => address !== '::' && !isLinkLocal(address));
  return { nextHop: global ?? linkLocal ?? first, linkLocal };
}
