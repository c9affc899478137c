/**
 * Packets octet by octet, each with a mark at its end by which it is known wherever it arrives. Checksums are right: connection tracking
 * calls anything else INVALID.
 */
import { addressFamily, addressToBytes } from '../../../core/ip-address.js';
import type { Packet } from '../../../policy/model.js';

export const Protocol = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132, udpLite: 136 } as const;

const MARK = [0x6d, 0x67] as const;
const MARK_LENGTH = 4;

/** @param mark 0 to 65535 @param tos of the header: type of service, or traffic class */
export function encodePacket(packet: Packet, mark: number, tos = 0): Uint8Array {
  const payload = payloadOf(packet, Uint8Array.of(...MARK, mark >>> 8, mark & 255));
  const header = addressFamily(packet.source) === 'ipv4' ? header4 : header6;
  return Uint8Array.from([...header(packet, payload.length, tos), ...payload]);
}

/** The mark of a packet that {@link encodePacket} made. */
export function markOf(packet: Uint8Array, length: number): number | undefined {
  const at = length - MARK_LENGTH;
  if (at < 0 || packet[at] !== MARK[0] || packet[at + 1] !== MARK[1]) return undefined;
  return (packet[at + 2]! << 8) | packet[at + 3]!;
}

function header4({ source, destination, protocol }: Packet, length: number, tos: number): Uint8Array {
  const total = 20 + length;
  const header = Uint8Array.from([
    0x45,
    tos,
    total >>> 8,
    total & 255,
    ...[0, 0, 0, 0, 64, protocol, 0, 0],
    ...addressToBytes(source),
    ...addressToBytes(destination),
  ]);
  put16(header, 10, internetChecksum(header));
  return header;
}

function header6({ source, destination, protocol }: Packet, length: number, tos: number): Uint8Array {
  return Uint8Array.from([
    ...[0x60 | (tos >>> 4), (tos & 15) << 4, 0, 0, length >>> 8, length & 255, protocol, 64],
    ...addressToBytes(source),
    ...addressToBytes(destination),
  ]);
}

function payloadOf(packet: Packet, mark: Uint8Array): Uint8Array {
  const { protocol, sourcePort = 0, destinationPort = 0, icmp } = packet;
  const ports = [sourcePort >>> 8, sourcePort & 255, destinationPort >>> 8, destinationPort & 255];
  switch (protocol) {
    case Protocol.tcp: {
      // A SYN with a window, and the mark as its data.
      const segment = Uint8Array.from([
        ...ports,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0x50,
        0x02,
        0x20,
        0,
        0,
        0,
        0,
        0,
        ...mark,
      ]);
      return checksummed(packet, segment, 16);
    }
    case Protocol.udp:
      return checksummed(packet, Uint8Array.from([...ports, 0, 8 + mark.length, 0, 0, ...mark]), 6);
    case Protocol.udpLite:
      // Checksum coverage 0: all of it.
      return checksummed(packet, Uint8Array.from([...ports, 0, 0, 0, 0, ...mark]), 6);
    case Protocol.icmp:
    case Protocol.icmp6: {
      const message = Uint8Array.from([
        icmp?.type ?? 8,
        icmp?.code ?? 0,
        0,
        0,
        ...mark.slice(2),
        0,
        1,
        ...mark,
      ]);
      if (protocol === Protocol.icmp6) return checksummed(packet, message, 2);
      put16(message, 2, internetChecksum(message));
      return message;
    }
    case Protocol.sctp: {
      // INIT (RFC 9260 section 3.3.2) with a parameter that nobody knows.
      const init = [1, 0, 0, 28, 0, 0, 0, 7, 0, 0, 0x20, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0xbf, 0xff, 0, 8];
      const segment = Uint8Array.from([...ports, 0, 0, 0, 0, 0, 0, 0, 0, ...init, ...mark]);
      new DataView(segment.buffer).setUint32(8, crc32c(segment), true);
      return segment;
    }
    default:
      return Uint8Array.from([0, 0, 0, 0, ...mark]);
  }
}

/** With the checksum over the pseudo-header (RFC 768, RFC 8200 section 8.1) at `at`. */
function checksummed({ source, destination, protocol }: Packet, segment: Uint8Array, at: number): Uint8Array {
  const { length } = segment;
  const pseudo = [
    ...addressToBytes(source),
    ...addressToBytes(destination),
    ...[0, 0, length >>> 8, length & 255, 0, 0, 0, protocol],
  ];
  const sum = internetChecksum(Uint8Array.from([...pseudo, ...segment]));
  put16(segment, at, sum === 0 && protocol !== Protocol.tcp ? 0xffff : sum);
  return segment;
}

/** RFC 1071 */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** RFC 9260 appendix A: reflected, polynomial 0x1edc6f41. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 255;
}
