/**
 * BMP version 3 messages (RFC 7854 section 4): what a monitoring station is told. Pure.
 *
 *     +---------------+-------------------------------+---------------+
 *     |  Version (8)  |  Length, all of it (32)       |  Type (8)     |
 *     +---------------+-------------------------------+---------------+
 *
 * and, in all that speak of a peer (section 4.2):
 *
 *     +---------------+---------------+
 *     |  Peer type    |  V L A flags  |
 *     +---------------+---------------+---------------+---------------+
 *     |  Peer distinguisher (64), 0                                   |
 *     |  Peer address (128), IPv4 in its last 32 bits                 |
 *     |  Peer AS (32)                 |  Peer BGP ID (32)             |
 *     |  Timestamp, seconds (32)      |  microseconds (32)            |
 *     +---------------------------------------------------------------+
 */
import { addressFamily, addressToBytes, type IpAddress, type Ipv4Address } from '../../core/ip-address.js';
import { BmpInformation, BmpMessageType, BmpPeerDownReason, BmpStatistic, BmpTermination } from '../iana.js';
import { encodeNotification, type Notification } from '../wire/notification.js';
import { Writer } from '../wire/writer.js';

/** Whom a message speaks of. */
export interface BmpPeer {
  readonly address: IpAddress;
  readonly asn: number;
  readonly routerId: Ipv4Address;
  /** A flag: its messages have AS numbers of two octets. */
  readonly twoOctetAs: boolean;
  /** A flag of what is told of its routes: they are those after policy. */
  readonly postPolicy: boolean;
}

const VERSION = 3;
const HEADER_LENGTH = 6;
const PEER_HEADER_LENGTH = 42;
/** Section 4.2: "Global Instance Peer". */
const GLOBAL_INSTANCE = 0;
const FLAG_IPV6 = 0x80;
const FLAG_POST_POLICY = 0x40;
const FLAG_TWO_OCTET_AS = 0x20;
const text = new TextEncoder();

/** Section 4.3: what a session with a station begins with. */
export function initiation(sysName: string, sysDescr: string): Uint8Array {
  return message(BmpMessageType.initiation, writer => {
    information(writer, BmpInformation.sysDescr, text.encode(sysDescr));
    information(writer, BmpInformation.sysName, text.encode(sysName));
  });
}

/** Section 4.5: what it ends with. */
export function termination(reason: number, words: string): Uint8Array {
  return message(BmpMessageType.termination, writer => {
    information(writer, BmpTermination.reason, Uint8Array.of(reason >>> 8, reason & 255));
    if (words !== '') information(writer, BmpTermination.string, text.encode(words));
  });
}

/** Section 4.10. The two OPENs are whole messages. */
export function peerUp(
  peer: BmpPeer,
  unixMs: number,
  local: { readonly address: IpAddress; readonly port: number; readonly remotePort: number },
  openSent: Uint8Array,
  openReceived: Uint8Array,
): Uint8Array {
  return message(BmpMessageType.peerUp, writer => {
    peerHeader(writer, peer, unixMs);
    writer.bytes(wideAddress(local.address)).u16(local.port).u16(local.remotePort);
    writer.bytes(openSent).bytes(openReceived);
  });
}

/** Section 4.9. */
export type BmpPeerDown =
  | { readonly kind: 'notification-sent' | 'notification-received'; readonly notification: Notification }
  /** `event`: number of the FSM event that ended it (RFC 4271 section 8.1). */
  | { readonly kind: 'closed-by-us'; readonly event: number }
  | { readonly kind: 'closed-by-peer' }
  | { readonly kind: 'deconfigured' };

export function peerDown(peer: BmpPeer, unixMs: number, down: BmpPeerDown): Uint8Array {
  return message(BmpMessageType.peerDown, writer => {
    peerHeader(writer, peer, unixMs);
    switch (down.kind) {
      case 'notification-sent':
        writer.u8(BmpPeerDownReason.localNotification).bytes(encodeNotification(down.notification));
        return;
      case 'notification-received':
        writer.u8(BmpPeerDownReason.remoteNotification).bytes(encodeNotification(down.notification));
        return;
      case 'closed-by-us':
        writer.u8(BmpPeerDownReason.localWithoutNotification).u16(down.event);
        return;
      case 'closed-by-peer':
        writer.u8(BmpPeerDownReason.remoteWithoutNotification);
        return;
      case 'deconfigured':
        writer.u8(BmpPeerDownReason.deconfigured);
        return;
    }
  });
}

/** Section 4.6: one UPDATE of the peer's, as it came, in `buffer[start, end)`. */
export function routeMonitoring(
  peer: BmpPeer,
  unixMs: number,
  buffer: Uint8Array,
  start = 0,
  end = buffer.length,
): Uint8Array {
  const length = HEADER_LENGTH + PEER_HEADER_LENGTH + end - start;
  const writer = new Writer(length);
  header(writer, BmpMessageType.routeMonitoring, length);
  peerHeader(writer, peer, unixMs);
  return writer.bytes(buffer.subarray(start, end)).finish();
}

export interface BmpStatistics {
  readonly rejectedByPolicy: number;
  readonly adjRibInRoutes: number;
  readonly locRibRoutes: number;
  readonly treatedAsWithdraw: number;
}

/** Section 4.8. */
export function statisticsReport(peer: BmpPeer, unixMs: number, statistics: BmpStatistics): Uint8Array {
  return message(BmpMessageType.statisticsReport, writer => {
    peerHeader(writer, peer, unixMs);
    writer.u32(4);
    counter(writer, BmpStatistic.rejectedByPolicy, statistics.rejectedByPolicy);
    gauge(writer, BmpStatistic.adjRibInRoutes, statistics.adjRibInRoutes);
    gauge(writer, BmpStatistic.locRibRoutes, statistics.locRibRoutes);
    counter(writer, BmpStatistic.treatedAsWithdraw, statistics.treatedAsWithdraw);
  });
}

function counter(writer: Writer, type: number, value: number): void {
  writer.u16(type).u16(4).u32(value);
}

function gauge(writer: Writer, type: number, value: number): void {
  writer
    .u16(type)
    .u16(8)
    .u32(Math.floor(value / 2 ** 32))
    .u32(value);
}

function information(writer: Writer, type: number, value: Uint8Array): void {
  writer.u16(type).sized16(inner => inner.bytes(value));
}

function message(type: number, write: (writer: Writer) => void): Uint8Array {
  const body = new Writer();
  write(body);
  const bytes = body.finish();
  const writer = new Writer(HEADER_LENGTH + bytes.length);
  header(writer, type, HEADER_LENGTH + bytes.length);
  return writer.bytes(bytes).finish();
}

function header(writer: Writer, type: number, length: number): void {
  writer.u8(VERSION).u32(length).u8(type);
}

function peerHeader(writer: Writer, peer: BmpPeer, unixMs: number): void {
  const ipv6 = addressFamily(peer.address) === 'ipv6' ? FLAG_IPV6 : 0;
  const flags = ipv6 | (peer.postPolicy ? FLAG_POST_POLICY : 0) | (peer.twoOctetAs ? FLAG_TWO_OCTET_AS : 0);
  writer.u8(GLOBAL_INSTANCE).u8(flags);
  writer.u32(0).u32(0).bytes(wideAddress(peer.address));
  writer.u32(peer.asn).bytes(addressToBytes(peer.routerId));
  writer.u32(Math.floor(unixMs / 1000)).u32(Math.floor((unixMs % 1000) * 1000));
}

/** Section 4.2: 16 octets, an IPv4 address in the last four. */
function wideAddress(address: IpAddress): Uint8Array {
  const bytes = addressToBytes(address);
  const wide = new Uint8Array(16);
  wide.set(bytes, 16 - bytes.length);
  return wide;
}
