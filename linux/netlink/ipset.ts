/**
 * Headers of ipsets on NETLINK_NETFILTER, pure (linux/netfilter/nfnetlink.h and ipset/ip_set.h): what each set is and how much it holds, without
 * its members. Numbers are in network order.
 *
 *     +----------------------------------+------------+-------------+-------------+
 *     | netlink header, type = 6 << 8 | 7 | family (8) | version (8) | res_id (16) |  then attributes
 *     +----------------------------------+------------+-------------+-------------+
 */
import type { AddressFamily } from '../../core/ip-address.js';
import { AddressFamilyNumber } from './constants.js';
import { eachAttribute, type Message, type MessageWriter } from './message.js';

/** NFNL_SUBSYS_IPSET and IPSET_CMD_LIST; answers have the number of the request. */
export const IPSET_LIST = (6 << 8) | 7;

/** IPSET_PROTOCOL_MIN: what every kernel since 2.6.39 takes. */
const PROTOCOL = 6;
/** IPSET_FLAG_LIST_HEADER */
const HEADERS_ONLY = 1 << 2;
/** IPSET_ATTR_*, of a command */
const Attribute = { protocol: 1, name: 2, type: 3, family: 5, flags: 6, data: 7 } as const;
/** IPSET_ATTR_*, of what a set was created with, and of what has become of it */
const DataAttribute = { elements: 24, references: 25 } as const;
/** NLA_F_NET_BYTEORDER */
const NETWORK_ORDER = 0x4000;
const HEADER = 4;

export interface IpsetHeader {
  readonly name: string;
  /** "hash:net" and the like. */
  readonly type: string;
  /** Undefined: of no family, as a bitmap of ports. */
  readonly family: AddressFamily | undefined;
  /** Undefined: an old kernel does not say. */
  readonly elements: number | undefined;
  /**
   * Everything that is told of the set but who refers to it, the memory that it takes and the number that its hash begins with among it: equal
   * ones, equal members, as far as can be seen.
   */
  readonly fingerprint: string;
}

/** The payload for a dump of all sets' headers. */
export function writeIpsetHeadersDump(writer: MessageWriter): void {
  writer.u8(0).u8(0).u16(0).attributeU8(Attribute.protocol, PROTOCOL);
  writer
    .u16(8)
    .u16(Attribute.flags | NETWORK_ORDER)
    .u32Network(HEADERS_ONLY);
}

/** The set of an {@link IPSET_LIST}; undefined for what is not whole. */
export function readIpsetHeader({ bytes, start, end }: Message): IpsetHeader | undefined {
  let name: string | undefined;
  let type: string | undefined;
  let family: AddressFamily | undefined;
  let elements: number | undefined;
  let fingerprint = '';
  eachAttribute(bytes, start + HEADER, end, (kind, from, to) => {
    if (kind === Attribute.name) name = text(bytes, from, to - 1);
    else if (kind === Attribute.type) type = text(bytes, from, to - 1);
    else if (kind === Attribute.family) family = familyOf(bytes[from]);
    else if (kind === Attribute.data)
      eachAttribute(bytes, from, to, (inner, at, until) => {
        if (inner === DataAttribute.references) return;
        if (inner === DataAttribute.elements && until - at >= 4) elements = readNetworkU32(bytes, at);
        fingerprint += text(bytes, at - 4, until);
      });
  });
  if (name === undefined || type === undefined) return undefined;
  return { name, type, family, elements, fingerprint };
}

/** An octet a character: there may be hundreds of sets, several times a second. */
function text(bytes: Uint8Array, from: number, to: number): string {
  let characters = '';
  for (let at = from; at < to; at++) characters += String.fromCharCode(bytes[at]!);
  return characters;
}

function readNetworkU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function familyOf(number: number | undefined): AddressFamily | undefined {
  if (number === AddressFamilyNumber.ipv4) return 'ipv4';
  return number === AddressFamilyNumber.ipv6 ? 'ipv6' : undefined;
}
