/**
 * MRT records (RFC 6396, RFC 8050): what other programs read tables and sessions from. Pure.
 *
 *     +-------------------------------+---------------+---------------+
 *     |  Timestamp, seconds (32)      |  Type (16)    |  Subtype (16) |
 *     +-------------------------------+---------------+---------------+
 *     |  Length of what follows (32)  |  [Microseconds (32)]  Message ...
 *     +-------------------------------+---------------------------------
 *
 * Sessions are written with extended timestamps (BGP4MP_ET, section 3).
 */
import { AS_TRANS } from '../../core/asn.js';
import { addressFamily, addressToBytes, type IpAddress, type Ipv4Address } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import {
  Afi,
  AttributeFlag,
  AttributeType,
  Bgp4mpSubtype,
  FsmStateNumber,
  MrtType,
  TableDumpSubtype,
} from '../iana.js';
import type { PeerState } from '../speaker/contract.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { encodeAttributes } from '../wire/attributes/codec.js';
import { encodeNlri } from '../wire/nlri.js';
import { Writer } from '../wire/writer.js';

/** Section 4.3.1: one of the table's peers. */
export interface MrtPeer {
  readonly routerId: Ipv4Address;
  readonly address: IpAddress;
  readonly asn: number;
}

/** Section 4.3.4: one path of a prefix. */
export interface MrtRoute {
  /** Its place in the peer index table. */
  readonly peer: number;
  readonly originatedUnixMs: number;
  /** RFC 8050; undefined where the session knows none. */
  readonly pathId: number | undefined;
  readonly attributes: PathAttributes;
}

/** The two ends of a session. */
export interface MrtSession {
  readonly peerAsn: number;
  readonly localAsn: number;
  readonly peerAddress: IpAddress;
  readonly localAddress: IpAddress;
  /** RFC 6793, negotiated: how the AS numbers in its messages are to be read. */
  readonly fourOctetAs: boolean;
  /** RFC 7911: its messages carry path identifiers. */
  readonly addPath: boolean;
}

/** Section 4.3.1: all AS numbers with four octets. */
export function peerIndexTable(
  unixMs: number,
  collector: Ipv4Address,
  view: string,
  peers: readonly MrtPeer[],
): Uint8Array {
  const name = new TextEncoder().encode(view);
  const body = new Writer(64 + 24 * peers.length)
    .bytes(addressToBytes(collector))
    .sized16(writer => writer.bytes(name))
    .u16(peers.length);
  for (const { routerId, address, asn } of peers) {
    const ipv6 = addressFamily(address) === 'ipv6';
    body
      .u8(AS4 | (ipv6 ? IPV6 : 0))
      .bytes(addressToBytes(routerId))
      .bytes(addressToBytes(address))
      .u32(asn);
  }
  return record(unixMs, MrtType.tableDumpV2, TableDumpSubtype.peerIndexTable, body.finish());
}

/** Bits of the Peer Type. */
const IPV6 = 0x01;
const AS4 = 0x02;

/** Sections 4.3.2 and 4.3.4: the paths of one prefix, of which there is at least one; all with path identifiers, or none. */
export function ribRecord(
  unixMs: number,
  sequence: number,
  family: Family,
  prefix: Prefix,
  routes: readonly MrtRoute[],
): Uint8Array {
  const addPath = routes.some(({ pathId }) => pathId !== undefined);
  const body = new Writer(64 + 96 * routes.length).u32(sequence);
  encodeNlri(body, [prefix]);
  body.u16(routes.length);
  for (const { peer, originatedUnixMs, pathId, attributes } of routes) {
    body.u16(peer).u32(Math.floor(originatedUnixMs / 1000));
    if (addPath) body.u32(pathId ?? 0);
    body.sized16(writer => writer.bytes(tableAttributes(attributes)));
  }
  return record(unixMs, MrtType.tableDumpV2, ribSubtype(family, addPath), body.finish());
}

function ribSubtype(family: Family, addPath: boolean): number {
  if (family === 'ipv4-unicast') {
    return addPath ? TableDumpSubtype.ribIpv4UnicastAddPath : TableDumpSubtype.ribIpv4Unicast;
  }
  return addPath ? TableDumpSubtype.ribIpv6UnicastAddPath : TableDumpSubtype.ribIpv6Unicast;
}

/** Section 4.3.4: AS numbers with four octets; of MP_REACH_NLRI the next hop alone, with its length. */
function tableAttributes({ mpReach, mpUnreach: _u, ...attributes }: PathAttributes): Uint8Array {
  const bytes = encodeAttributes(attributes, { fourOctetAs: true, ibgp: true });
  if (mpReach === undefined) return bytes;
  const { nextHop } = mpReach;
  return new Writer(bytes.length + nextHop.length + 4)
    .bytes(bytes)
    .u8(AttributeFlag.optional)
    .u8(AttributeType.mpReachNlri)
    .sized8(writer => writer.u8(nextHop.length).bytes(nextHop))
    .finish();
}

/** Section 4.4.2 and 4.4.3, RFC 8050 section 3: one whole message that the peer sent. */
export function messageRecord(unixMs: number, session: MrtSession, message: Uint8Array): Uint8Array {
  const { fourOctetAs, addPath } = session;
  const subtype = fourOctetAs
    ? addPath
      ? Bgp4mpSubtype.messageAs4AddPath
      : Bgp4mpSubtype.messageAs4
    : addPath
      ? Bgp4mpSubtype.messageAddPath
      : Bgp4mpSubtype.message;
  const body = extended(unixMs, 64 + message.length);
  sessionHeader(body, session, fourOctetAs);
  return record(unixMs, MrtType.bgp4mpEt, subtype, body.bytes(message).finish());
}

/** Section 4.4.1. */
export function stateChangeRecord(
  unixMs: number,
  session: MrtSession,
  from: PeerState,
  to: PeerState,
): Uint8Array {
  const body = extended(unixMs, 64);
  sessionHeader(body, session, true);
  body.u16(FsmStateNumber[from]).u16(FsmStateNumber[to]);
  return record(unixMs, MrtType.bgp4mpEt, Bgp4mpSubtype.stateChangeAs4, body.finish());
}

function sessionHeader(body: Writer, session: MrtSession, fourOctetAs: boolean): void {
  const { peerAsn, localAsn, peerAddress, localAddress } = session;
  for (const asn of [peerAsn, localAsn]) {
    if (fourOctetAs) body.u32(asn);
    else body.u16(asn > 0xffff ? AS_TRANS : asn);
  }
  // The interface: 0 where it is not known.
  body.u16(0).u16(addressFamily(peerAddress) === 'ipv4' ? Afi.ipv4 : Afi.ipv6);
  body.bytes(addressToBytes(peerAddress)).bytes(addressToBytes(localAddress));
}

function extended(unixMs: number, capacity: number): Writer {
  return new Writer(capacity).u32(Math.floor((unixMs % 1000) * 1000));
}

function record(unixMs: number, type: number, subtype: number, body: Uint8Array): Uint8Array {
  return new Writer(12 + body.length)
    .u32(Math.floor(unixMs / 1000))
    .u16(type)
    .u16(subtype)
    .u32(body.length)
    .bytes(body)
    .finish();
}
