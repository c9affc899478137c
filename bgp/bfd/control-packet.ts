/**
 * The BFD Control packet (RFC 5880 section 4.1).
 *
 *      0                   1                   2                   3
 *     +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 *     |Vers | Diag    |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 *     +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 *     |                       My Discriminator                        |
 *     |                      Your Discriminator                       |
 *     |                 Desired Min TX Interval, us                   |
 *     |                 Required Min RX Interval, us                  |
 *     |               Required Min Echo RX Interval, us               |
 *     +---------------------------------------------------------------+
 *     |   Authentication section, if A: type (8), length (8), data ...
 *
 * Only what can be judged without a session is judged here (section 6.8.6, first steps). There is no authentication: packets that carry
 * some are refused, as that section asks of a session that uses none.
 */
import { BfdState } from './registry.js';

export interface ControlPacket {
  /** Why the sender's session last left Up, 0 to 31. */
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  /** The sender's BFD does not share fate with its control plane. */
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  /** 1 to 255. */
  readonly detectMultiplier: number;
  /** 1 to 4294967295. */
  readonly myDiscriminator: number;
  /** 0: not known yet. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  /** 0: wants no periodic packets. */
  readonly requiredMinRxUs: number;
  /** 0: takes no Echo packets. */
  readonly requiredMinEchoRxUs: number;
}

/** In the order of RFC 5880 section 6.8.6. */
export type PacketProblem =
  | 'version'
  | 'length'
  | 'detect-multiplier'
  | 'multipoint'
  | 'my-discriminator'
  | 'your-discriminator'
  | 'authentication';

export const CONTROL_PACKET_LENGTH = 24;

const VERSION = 1;
const POLL = 0x20;
const FINAL = 0x10;
const CONTROL_PLANE_INDEPENDENT = 0x08;
const AUTHENTICATION = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;
const SHORTEST_AUTHENTICATION = 2;

/** One datagram's payload; what follows the packet's own length is ignored. A string says why the packet must be discarded. */
export function decodeControlPacket(bytes: Uint8Array): ControlPacket | PacketProblem {
  if (bytes.length < CONTROL_PACKET_LENGTH) return 'length';
  if (bytes[0]! >> 5 !== VERSION) return 'version';
  const flags = bytes[1]!;
  const authenticated = (flags & AUTHENTICATION) !== 0;
  const length = bytes[3]!;
  const shortest = CONTROL_PACKET_LENGTH + (authenticated ? SHORTEST_AUTHENTICATION : 0);
  if (length < shortest || length > bytes.length) return 'length';
  if (bytes[2] === 0) return 'detect-multiplier';
  if ((flags & MULTIPOINT) !== 0) return 'multipoint';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = (flags >> 6) as BfdState;
  const myDiscriminator = view.getUint32(4);
  const yourDiscriminator = view.getUint32(8);
  if (myDiscriminator === 0) return 'my-discriminator';
  if (yourDiscriminator === 0 && (state === BfdState.init || state === BfdState.up))
    return 'your-discriminator';
  if (authenticated) return 'authentication';
  return {
    diagnostic: bytes[0]! & 0x1f,
    state,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    controlPlaneIndependent: (flags & CONTROL_PLANE_INDEPENDENT) !== 0,
    demand: (flags & DEMAND) !== 0,
    detectMultiplier: bytes[2]!,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxUs: view.getUint32(12),
    requiredMinRxUs: view.getUint32(16),
    requiredMinEchoRxUs: view.getUint32(20),
  };
}

export function encodeControlPacket(packet: ControlPacket): Uint8Array {
  const bytes = new Uint8Array(CONTROL_PACKET_LENGTH);
  const view = new DataView(bytes.buffer);
  bytes[0] = (VERSION << 5) | packet.diagnostic;
  bytes[1] =
    (packet.state << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.controlPlaneIndependent ? CONTROL_PLANE_INDEPENDENT : 0) |
    (packet.demand ? DEMAND : 0);
  bytes[2] = packet.detectMultiplier;
  bytes[3] = CONTROL_PACKET_LENGTH;
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, packet.desiredMinTxUs);
  view.setUint32(16, packet.requiredMinRxUs);
  view.setUint32(20, packet.requiredMinEchoRxUs);
  return bytes;
}
