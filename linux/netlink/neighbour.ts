/** The neighbour table on rtnetlink, pure (linux/neighbour.h, struct ndmsg): family (8), pad (24), ifindex (32), state (16), flags, type (8). */
import { addressFromBytes, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import { AddressFamilyNumber, NeighbourAttribute } from './constants.js';
import { linkLayerAddressFromBytes, linkLayerAddressToBytes } from './link-layer-address.js';
import { eachAttribute, type Message, type MessageWriter, readU32 } from './message.js';

export interface Neighbour {
  readonly ifindex: number;
  readonly address: IpAddress;
  /** Six octets as "aa:bb:cc:dd:ee:ff"; "" while unresolved, and for what is not six octets. */
  readonly linkLayerAddress: string;
  /** NUD_*: 0x02 reachable, 0x04 stale, 0x80 permanent. */
  readonly state: number;
}

/** The payload of RTM_GETNEIGH for a dump. */
export function writeNeighbourDump(writer: MessageWriter): void {
  writer.u32(0).u32(0).u32(0);
}

/** The payload of RTM_NEWNEIGH and RTM_DELNEIGH. */
export function writeNeighbour(writer: MessageWriter, neighbour: Neighbour): void {
  const bytes = addressToBytes(neighbour.address);
  writer
    .u8(bytes.length === 4 ? AddressFamilyNumber.ipv4 : AddressFamilyNumber.ipv6)
    .u8(0)
    .u16(0)
    .u32(neighbour.ifindex)
    .u16(neighbour.state)
    .u8(0)
    .u8(0)
    .attributeBytes(NeighbourAttribute.destination, bytes);
  if (neighbour.linkLayerAddress !== '') {
    writer.attributeBytes(
      NeighbourAttribute.linkLayerAddress,
      linkLayerAddressToBytes(neighbour.linkLayerAddress),
    );
  }
}

/** NUD_* of RTM_NEWNEIGH and RTM_DELNEIGH, of any family. */
export function neighbourState({ bytes, start }: Message): number {
  return bytes[start + 8]! | (bytes[start + 9]! << 8);
}

/** From RTM_NEWNEIGH or RTM_DELNEIGH; undefined for other families and entries without an address. */
export function parseNeighbour(message: Message): Neighbour | undefined {
  const { bytes, start, end } = message;
  const family = bytes[start]!;
  if (family !== AddressFamilyNumber.ipv4 && family !== AddressFamilyNumber.ipv6) return undefined;
  let address: IpAddress | undefined;
  let linkLayerAddress = '';
  eachAttribute(bytes, start + 12, end, (type, from, to) => {
    if (type === NeighbourAttribute.destination) {
      address = addressFromBytes(family === AddressFamilyNumber.ipv4 ? 'ipv4' : 'ipv6', bytes, from);
    } else if (type === NeighbourAttribute.linkLayerAddress) {
      linkLayerAddress = linkLayerAddressFromBytes(bytes, from, to);
    }
  });
  if (address === undefined) return undefined;
  return { ifindex: readU32(bytes, start + 4), address, linkLayerAddress, state: neighbourState(message) };
}
