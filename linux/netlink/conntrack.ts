/**
 * Connection tracking entries on NETLINK_NETFILTER, pure (linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h, struct nfgenmsg):
 * family (8), version (8), resource id (16), then attributes, whose numbers are in network order.
 */
import { type AddressFamily, addressFromBytes, type IpAddress } from '../../core/ip-address.js';
import { AddressFamilyNumber } from './constants.js';
import { eachAttribute, type Message, type MessageWriter, viewOf } from './message.js';

/** NFNL_SUBSYS_CTNETLINK and enum cntl_msg_types */
const CTNETLINK = 1 << 8;
export const ConntrackMessage = { created: CTNETLINK, get: CTNETLINK | 1, delete: CTNETLINK | 2 } as const;

/** enum ctattr_type, ctattr_tuple, ctattr_ip, ctattr_l4proto */
const Attribute = { original: 1, reply: 2, mark: 8, id: 12, zone: 18, markMask: 21 } as const;
const TupleAttribute = { addresses: 1, protocol: 2, zone: 3 } as const;
const AddressAttribute = { source4: 1, destination4: 2, source6: 3, destination6: 4 } as const;
/** ICMP and ICMPv6 each have numbers of their own. */
const ProtocolAttribute = {
  number: 1,
  sourcePort: 2,
  destinationPort: 3,
  icmpType: 5,
  icmpCode: 6,
  icmp6Type: 8,
  icmp6Code: 9,
} as const;
/** NLA_F_NESTED */
const NESTED = 0x8000;

/** One way of a connection. */
export interface ConntrackTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  /** Of protocols that have ports. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** Of ICMP and ICMPv6. */
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
}

export interface ConntrackEntry {
  readonly family: AddressFamily;
  readonly original: ConntrackTuple;
  /** The way back: where an end was translated, it is another one here. */
  readonly reply: ConntrackTuple;
  /** Unsigned. */
  readonly mark: number;
  /** What names the entry to the kernel, as it came. */
  readonly name: {
    readonly original: Uint8Array;
    readonly id: Uint8Array | undefined;
    readonly zone: Uint8Array | undefined;
  };
}

/** The payload for a dump. @param marked bits: the kernel leaves out entries whose marks don't have them all */
export function writeConntrackDump(writer: MessageWriter, marked = 0): void {
  writeHeader(writer, undefined);
  if (marked !== 0) writeMark(writer, marked, marked);
}

/**
 * The payload of IPCTNL_MSG_CT_NEW without NLM_F_CREATE, for one entry: of its mark the bits of `mask` become what they are in `bits`
 * (ctnetlink_change_mark). The kernel asks for no id here, and refuses with ENOENT if there is no entry of these addresses, of which it takes
 * one for the other way as well.
 */
export function writeConntrackMark(
  writer: MessageWriter,
  { family, name }: ConntrackEntry,
  bits: number,
  mask: number,
): void {
  writeHeader(writer, family);
  writer.attributeBytes(Attribute.original | NESTED, name.original);
  if (name.zone !== undefined) writer.attributeBytes(Attribute.zone, name.zone);
  writeMark(writer, bits, mask);
}

function writeMark(writer: MessageWriter, bits: number, mask: number): void {
  writer.u16(8).u16(Attribute.mark).u32Network(bits);
  writer.u16(8).u16(Attribute.markMask).u32Network(mask);
}

/** The payload of IPCTNL_MSG_CT_DELETE for one entry: the kernel refuses with ENOENT if another has taken its place. */
export function writeConntrackDelete(writer: MessageWriter, { family, name }: ConntrackEntry): void {
  writeHeader(writer, family);
  writer.attributeBytes(Attribute.original | NESTED, name.original);
  if (name.id !== undefined) writer.attributeBytes(Attribute.id, name.id);
  if (name.zone !== undefined) writer.attributeBytes(Attribute.zone, name.zone);
}

/** The payload of IPCTNL_MSG_CT_DELETE for all entries there are. */
export function writeConntrackFlush(writer: MessageWriter): void {
  writeHeader(writer, undefined);
}

function writeHeader(writer: MessageWriter, family: AddressFamily | undefined): void {
  writer
    .u8(family === undefined ? 0 : AddressFamilyNumber[family])
    .u8(0)
    .u16(0);
}

/** The entry of an IPCTNL_MSG_CT_NEW; `undefined` for what is neither IPv4 nor IPv6, or not whole. */
export function readConntrackEntry({ bytes, start, end }: Message): ConntrackEntry | undefined {
  const family =
    bytes[start] === AddressFamilyNumber.ipv4
      ? 'ipv4'
      : bytes[start] === AddressFamilyNumber.ipv6
        ? 'ipv6'
        : undefined;
  if (family === undefined) return undefined;
  let original: ConntrackTuple | undefined;
  let reply: ConntrackTuple | undefined;
  let tuple: Uint8Array | undefined;
  let id: Uint8Array | undefined;
  let zone: Uint8Array | undefined;
  let mark = 0;
  eachAttribute(bytes, start + 4, end, (type, from, to) => {
    if (type === Attribute.original) {
      original = readTuple(family, bytes, from, to);
      tuple = bytes.slice(from, to);
    } else if (type === Attribute.reply) reply = readTuple(family, bytes, from, to);
    else if (type === Attribute.mark) mark = viewOf(bytes).getUint32(from);
    else if (type === Attribute.id) id = bytes.slice(from, to);
    else if (type === Attribute.zone) zone = bytes.slice(from, to);
  });
  if (original === undefined || reply === undefined || tuple === undefined) return undefined;
  return { family, original, reply, mark, name: { original: tuple, id, zone } };
}

function readTuple(
  family: AddressFamily,
  bytes: Uint8Array,
  start: number,
  end: number,
): ConntrackTuple | undefined {
  let source: IpAddress | undefined;
  let destination: IpAddress | undefined;
  let protocol: ProtocolPart | undefined;
  const address = (from: number) => addressFromBytes(family, bytes, from);
  eachAttribute(bytes, start, end, (type, from, to) => {
    if (type === TupleAttribute.protocol) protocol = readProtocol(bytes, from, to);
    else if (type === TupleAttribute.addresses) {
      eachAttribute(bytes, from, to, (inner, at) => {
        if (inner === AddressAttribute.source4 || inner === AddressAttribute.source6) source = address(at);
        else if (inner === AddressAttribute.destination4 || inner === AddressAttribute.destination6) {
          destination = address(at);
        }
      });
    }
  });
  if (source === undefined || destination === undefined || protocol === undefined) return undefined;
  return { source, destination, ...protocol };
}

type ProtocolPart = Omit<ConntrackTuple, 'source' | 'destination'>;

function readProtocol(bytes: Uint8Array, start: number, end: number): ProtocolPart | undefined {
  let protocol: number | undefined;
  let sourcePort: number | undefined;
  let destinationPort: number | undefined;
  let icmpType: number | undefined;
  let icmpCode = 0;
  const { icmpType: type4, icmp6Type: type6, icmpCode: code4, icmp6Code: code6 } = ProtocolAttribute;
  eachAttribute(bytes, start, end, (type, at) => {
    if (type === ProtocolAttribute.number) protocol = bytes[at];
    else if (type === ProtocolAttribute.sourcePort) sourcePort = port(bytes, at);
    else if (type === ProtocolAttribute.destinationPort) destinationPort = port(bytes, at);
    else if (type === type4 || type === type6) icmpType = bytes[at];
    else if (type === code4 || type === code6) icmpCode = bytes[at]!;
  });
  if (protocol === undefined) return undefined;
  const icmp = icmpType === undefined ? undefined : { type: icmpType, code: icmpCode };
  return { protocol, sourcePort, destinationPort, icmp };
}

function port(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
