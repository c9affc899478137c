/** Links on rtnetlink, pure (linux/if_link.h, struct ifinfomsg): family, pad (8), type (16), index, flags, change (32). */
import type { IpAddress, Ipv4Address } from '../../core/ip-address.js';
import { LinkAttribute, LinkFlag } from './constants.js';
import { type LinkInfo, parseLinkInfo, writeNewTunnel, writeTunnelChange } from './link-info.js';
import { linkLayerAddressFromBytes, linkLayerAddressToBytes } from './link-layer-address.js';
import { eachAttribute, type Message, type MessageWriter, readText, readU32 } from './message.js';

/** What a tunnel device does with packets. Addresses are of the outer header. */
export type TunnelParameters =
  | {
      readonly kind: 'ipip';
      /** Undefined: any. */
      readonly local: Ipv4Address | undefined;
      /** Undefined: the next hop of each packet's route. */
      readonly remote: Ipv4Address | undefined;
      /** Sets "don't fragment" in outer headers. A TTL that is not inherited switches it on, whatever is said here. */
      readonly pathMtuDiscovery: boolean;
      /** 1 to 255; 0: the inner packet's. */
      readonly ttl: number;
    }
  | {
      readonly kind: 'vxlan';
      /** VXLAN network identifier, 24 bits. */
      readonly vni: number;
      /** UDP destination port, also the one that is listened at. */
      readonly port: number;
      /** Undefined: any. Its family is that of the outer packets. */
      readonly local: IpAddress | undefined;
      /** Whether received packets write the forwarding database. */
      readonly learning: boolean;
      /** 0: not bound to a link. */
      readonly parentIfindex: number;
    };

export interface Link {
  readonly ifindex: number;
  readonly name: string;
  /** A note that its maker left, "" for none. */
  readonly alias: string;
  readonly mtu: number;
  /** "aa:bb:cc:dd:ee:ff"; "" for a link whose addresses are not six octets, or that has none. */
  readonly linkLayerAddress: string;
  /** IFF_UP: what its administrator wants. */
  readonly up: boolean;
  /** IFF_LOWER_UP: the cable is plugged in, so to speak. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  /** "veth", "bridge", "ipip", ...; "" for hardware. */
  readonly kind: string;
  readonly masterIfindex: number;
  /** Of kinds "ipip" and "vxlan". */
  readonly tunnel: TunnelParameters | undefined;
}

/** A tunnel device to be. It begins its life down. */
export interface NewLink {
  /** At most 15 octets. */
  readonly name: string;
  /** At most 255 octets. */
  readonly alias: string;
  readonly mtu: number;
  /** Absent: the kernel chooses. Of no use to IPIP. */
  readonly linkLayerAddress?: string;
  readonly tunnel: TunnelParameters;
}

/** What is absent stays as it is. */
export interface LinkChange {
  readonly ifindex: number;
  /** False: the kernel forgets all neighbours behind it, permanent ones too, and its routes. */
  readonly up?: boolean;
  readonly mtu?: number;
  /** Kernels before 6.2 rename a link only while it is down (EBUSY). */
  readonly name?: string;
  /** "" takes it away. */
  readonly alias?: string;
  /** The kernel forgets all neighbours behind it, permanent ones too. */
  readonly linkLayerAddress?: string;
  /**
   * Whole. What the kernel does not change in place (`changesInPlace`) it refuses: another kind, another VNI (EOPNOTSUPP), a remote address
   * where there was none or none where there was one (EINVAL); or leaves as it was: a VXLAN device's port, and that it is bound to a link.
   */
  readonly tunnel?: TunnelParameters;
}

/** The payload of RTM_GETLINK for a dump. */
export function writeLinkDump(writer: MessageWriter): void {
  writer.u8(0).u8(0).u16(0).u32(0).u32(0).u32(0);
}

/** The payload of RTM_NEWLINK that makes a link. @param ifindex that nobody has, or 0: the kernel chooses */
export function writeNewLink(writer: MessageWriter, link: NewLink, ifindex = 0): void {
  writeHeader(writer, ifindex, undefined);
  writer.attributeText(LinkAttribute.name, link.name).attributeU32(LinkAttribute.mtu, link.mtu);
  if (link.linkLayerAddress !== undefined) {
    writer.attributeBytes(LinkAttribute.address, linkLayerAddressToBytes(link.linkLayerAddress));
  }
  writeAlias(writer, link.alias);
  writeNewTunnel(writer, link.tunnel);
}

/** The payload of RTM_NEWLINK that changes a link that is there. */
export function writeLinkChange(writer: MessageWriter, change: LinkChange): void {
  writeHeader(writer, change.ifindex, change.up);
  if (change.name !== undefined) writer.attributeText(LinkAttribute.name, change.name);
  if (change.mtu !== undefined) writer.attributeU32(LinkAttribute.mtu, change.mtu);
  if (change.linkLayerAddress !== undefined) {
    writer.attributeBytes(LinkAttribute.address, linkLayerAddressToBytes(change.linkLayerAddress));
  }
  if (change.alias !== undefined) writeAlias(writer, change.alias);
  if (change.tunnel !== undefined) writeTunnelChange(writer, change.tunnel);
}

/** The payload of RTM_DELLINK. */
export function writeLinkDeletion(writer: MessageWriter, ifindex: number): void {
  writeHeader(writer, ifindex, undefined);
}

function writeHeader(writer: MessageWriter, ifindex: number, up: boolean | undefined): void {
  writer
    .u8(0)
    .u8(0)
    .u16(0)
    .u32(ifindex)
    .u32(up === true ? LinkFlag.up : 0)
    .u32(up === undefined ? 0 : LinkFlag.up);
}

/** Without a terminating zero: the kernel would count it, and "" would not take the alias away. */
function writeAlias(writer: MessageWriter, alias: string): void {
  writer.attributeBytes(LinkAttribute.alias, new TextEncoder().encode(alias));
}

/** From RTM_NEWLINK or RTM_DELLINK. */
export function parseLink({ bytes, start, end }: Message): Link {
  const flags = readU32(bytes, start + 8);
  let [name, alias, linkLayerAddress] = ['', '', ''];
  let [mtu, masterIfindex] = [0, 0];
  let info: LinkInfo = { kind: '', tunnel: undefined };
  eachAttribute(bytes, start + 16, end, (type, from, to) => {
    if (type === LinkAttribute.name) name = readText(bytes, from, to);
    else if (type === LinkAttribute.alias) alias = readText(bytes, from, to);
    else if (type === LinkAttribute.mtu) mtu = readU32(bytes, from);
    else if (type === LinkAttribute.master) masterIfindex = readU32(bytes, from);
    else if (type === LinkAttribute.address) linkLayerAddress = linkLayerAddressFromBytes(bytes, from, to);
    else if (type === LinkAttribute.linkInfo) info = parseLinkInfo(bytes, from, to);
  });
  return {
    ifindex: readU32(bytes, start + 4),
    name,
    alias,
    mtu,
    linkLayerAddress,
    up: (flags & LinkFlag.up) !== 0,
    carrier: (flags & LinkFlag.lowerUp) !== 0,
    loopback: (flags & LinkFlag.loopback) !== 0,
    ...info,
    masterIfindex,
  };
}
