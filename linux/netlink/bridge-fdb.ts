/**
 * The forwarding database of VXLAN devices on rtnetlink, pure (linux/neighbour.h): which tunnel end a MAC address is behind. It travels
 * as neighbour messages of family AF_BRIDGE, struct ndmsg: family (8), pad (24), ifindex (32), state (16), flags, type (8).
 */
import { addressFromBytes, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import { AddressFamilyNumber, NeighbourAttribute, NeighbourFlag, NeighbourState } from './constants.js';
import { linkLayerAddressFromBytes, linkLayerAddressToBytes } from './link-layer-address.js';
import { eachAttribute, type Message, type MessageWriter, readU32 } from './message.js';
import { neighbourState } from './neighbour.js';

export interface FdbEntry {
  /** Of the VXLAN device. */
  readonly ifindex: number;
  /** "00:00:00:00:00:00" is for what no other entry is for. */
  readonly linkLayerAddress: string;
  /** Of the outer header. */
  readonly destination: IpAddress;
  /** NUD_*: {@link permanentFdbState} for what stays until it is deleted. */
  readonly state: number;
}

/** As `bridge fdb add ... self permanent` has it. */
export const permanentFdbState = NeighbourState.permanent | NeighbourState.noArp;

/** The payload of RTM_GETNEIGH for a dump of every forwarding database. */
export function writeFdbDump(writer: MessageWriter): void {
  writer.u8(AddressFamilyNumber.bridge).u8(0).u16(0).u32(0).u32(0);
}

/** The payload of RTM_NEWNEIGH and RTM_DELNEIGH. */
export function writeFdbEntry(writer: MessageWriter, entry: FdbEntry): void {
  writer
    .u8(AddressFamilyNumber.bridge)
    .u8(0)
    .u16(0)
    .u32(entry.ifindex)
    .u16(entry.state)
    .u8(NeighbourFlag.self)
    .u8(0)
    .attributeBytes(NeighbourAttribute.linkLayerAddress, linkLayerAddressToBytes(entry.linkLayerAddress))
    .attributeBytes(NeighbourAttribute.destination, addressToBytes(entry.destination));
}

/** From RTM_NEWNEIGH or RTM_DELNEIGH; undefined for what is not a tunnel device's own (a bridge's ports have entries too). */
export function parseFdbEntry(message: Message): FdbEntry | undefined {
  const { bytes, start, end } = message;
  if (bytes[start] !== AddressFamilyNumber.bridge) return undefined;
  if ((bytes[start + 10]! & NeighbourFlag.self) === 0) return undefined;
  // The kernel does not write the address of zeros.
  let linkLayerAddress = '00:00:00:00:00:00';
  let destination: IpAddress | undefined;
  eachAttribute(bytes, start + 12, end, (type, from, to) => {
    if (type === NeighbourAttribute.destination) {
      destination = addressFromBytes(to - from === 4 ? 'ipv4' : 'ipv6', bytes, from);
    } else if (type === NeighbourAttribute.linkLayerAddress) {
      linkLayerAddress = linkLayerAddressFromBytes(bytes, from, to);
    }
  });
  if (destination === undefined) return undefined;
  return {
    ifindex: readU32(bytes, start + 4),
    linkLayerAddress,
    destination,
    state: neighbourState(message),
  };
}
