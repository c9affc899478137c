/** Links on rtnetlink, pure (linux/if_link.h, struct ifinfomsg): family, pad (8), type (16), index, flags, change (32). */
import { LinkAttribute, LinkFlag, LinkInfoAttribute } from './constants.js';
import { eachAttribute, type Message, type MessageWriter, readText, readU32 } from './message.js';

export interface Link {
  readonly ifindex: number;
  readonly name: string;
  readonly mtu: number;
  /** IFF_UP: what its administrator wants. */
  readonly up: boolean;
  /** IFF_LOWER_UP: the cable is plugged in, so to speak. */
  readonly carrier: boolean;
  readonly loopback: boolean;
  /** "veth", "bridge", "ipip", ...; "" for hardware. */
  readonly kind: string;
  readonly masterIfindex: number;
}

/** The payload of RTM_GETLINK for a dump. */
export function writeLinkDump(writer: MessageWriter): void {
  writer.u8(0).u8(0).u16(0).u32(0).u32(0).u32(0);
}

export interface LinkChange {
  readonly ifindex: number;
  readonly up?: boolean;
  readonly mtu?: number;
}

/** The payload of RTM_NEWLINK that changes a link that is there. */
export function writeLinkChange(writer: MessageWriter, { ifindex, up, mtu }: LinkChange): void {
  const change = up === undefined ? 0 : LinkFlag.up;
  writer
    .u8(0)
    .u8(0)
    .u16(0)
    .u32(ifindex)
    .u32(up === true ? LinkFlag.up : 0)
    .u32(change);
  if (mtu !== undefined) writer.attributeU32(LinkAttribute.mtu, mtu);
}

/** From RTM_NEWLINK or RTM_DELLINK. */
export function parseLink({ bytes, start, end }: Message): Link {
  const flags = readU32(bytes, start + 8);
  let name = '';
  let kind = '';
  let mtu = 0;
  let masterIfindex = 0;
  eachAttribute(bytes, start + 16, end, (type, from, to) => {
    if (type === LinkAttribute.name) name = readText(bytes, from, to);
    else if (type === LinkAttribute.mtu) mtu = readU32(bytes, from);
    else if (type === LinkAttribute.master) masterIfindex = readU32(bytes, from);
    else if (type === LinkAttribute.linkInfo) {
      eachAttribute(bytes, from, to, (infoType, at, infoEnd) => {
        if (infoType === LinkInfoAttribute.kind) kind = readText(bytes, at, infoEnd);
      });
    }
  });
  return {
    ifindex: readU32(bytes, start + 4),
    name,
    mtu,
    up: (flags & LinkFlag.up) !== 0,
    carrier: (flags & LinkFlag.lowerUp) !== 0,
    loopback: (flags & LinkFlag.loopback) !== 0,
    kind,
    masterIfindex,
  };
}
