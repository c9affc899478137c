/** Addresses on rtnetlink, pure (linux/if_addr.h, struct ifaddrmsg): family, prefixlen, flags, scope (8), index (32). */
import { addressFromBytes, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import { AddressAttribute, AddressFamilyNumber } from './constants.js';
import { eachAttribute, type Message, type MessageWriter, readU32 } from './message.js';

export interface InterfaceAddress {
  readonly ifindex: number;
  /** The interface's own. */
  readonly address: IpAddress;
  /** Of the subnet, 0 to 32 or 128. */
  readonly prefixLength: number;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_*: 0x01 secondary, 0x40 tentative, 0x80 permanent. */
  readonly flags: number;
}

/** The payload of RTM_GETADDR for a dump of every family. */
export function writeAddressDump(writer: MessageWriter): void {
  writer.u8(0).u8(0).u8(0).u8(0).u32(0);
}

/** The payload of RTM_NEWADDR and RTM_DELADDR. */
export function writeAddress(writer: MessageWriter, entry: InterfaceAddress): void {
  const bytes = addressToBytes(entry.address);
  writer
    .u8(bytes.length === 4 ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6)
    .u8(entry.prefixLength)
    .u8(entry.flags & 0xff)
    .u8(entry.scope)
    .u32(entry.ifindex)
    .attributeBytes(AddressAttribute.local, bytes)
    .attributeBytes(AddressAttribute.address, bytes);
}

/** From RTM_NEWADDR or RTM_DELADDR; undefined for other families. */
export function parseAddress({ bytes, start, end }: Message): InterfaceAddress | undefined {
  const family = bytes[start]!;
  if (family !== AddressFamilyNumber.ipv4 && family !== AddressFamilyNumber.ipv6) return undefined;
  const name = family === AddressFamilyNumber.ipv4 ? 'ipv4' : 'ipv6';
  let address: IpAddress | undefined;
  let local: IpAddress | undefined;
  let flags = bytes[start + 2]!;
  eachAttribute(bytes, start + 8, end, (type, from) => {
    // On a point-to-point link IFA_ADDRESS is the other end's.
    if (type === AddressAttribute.local) local = addressFromBytes(name, bytes, from);
    else if (type === AddressAttribute.address) address = addressFromBytes(name, bytes, from);
    else if (type === AddressAttribute.flags) flags = readU32(bytes, from);
  });
  const own = local ?? address;
  if (own === undefined) return undefined;
  return {
    ifindex: readU32(bytes, start + 4),
    address: own,
    prefixLength: bytes[start + 1]!,
    scope: bytes[start + 3]!,
    flags,
  };
}
