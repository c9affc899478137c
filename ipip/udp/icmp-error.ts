/**
 * What a router answers to a packet that it cannot forward (RFC 792; RFC 1191 section 4; RFC 1812 section 4.3). Pure.
 *
 *      0               1               2               3
 *     +---------------+---------------+-------------------------------+
 *     |     Type      |     Code      |           Checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |            unused             |  next hop MTU (3/4), or unused|
 *     +-------------------------------+-------------------------------+
 *     |      The packet, as much of it as makes 576 bytes in all      |
 */
import { addressToBytes, type Ipv4Address } from '../../core/ip-address.js';
import {
  checksum,
  destinationOf,
  HEADER_LENGTH,
  headerLength,
  isLaterFragment,
  protocolOf,
  setWord,
  sourceOf,
} from './inner-packet.js';

export type IcmpError =
  | { readonly kind: 'time-exceeded' }
  | { readonly kind: 'net-unreachable' }
  | { readonly kind: 'host-unreachable' }
  /** @property mtu bytes of the longest packet that would have fitted */
  | { readonly kind: 'fragmentation-needed'; readonly mtu: number };

const typeAndCode = {
  'time-exceeded': [11, 0],
  'net-unreachable': [3, 0],
  'host-unreachable': [3, 1],
  'fragmentation-needed': [3, 4],
} as const;

const ICMP = 1;
const ICMP_HEADER_LENGTH = 8;
/** RFC 1812 section 4.3.2.3 */
const LONGEST_ERROR = 576;
/** Internetwork control, RFC 1812 section 4.3.2.5. */
const PRECEDENCE = 0xc0;
const TTL = 64;

/**
 * RFC 1812 section 4.3.2.7: no error is told of an ICMP error, of a later fragment, of what was sent to many, or to a sender that is not
 * one host. The packet must be whole.
 */
export function mayBeAnswered(packet: Uint8Array, length: number): boolean {
  const header = headerLength(packet);
  if (protocolOf(packet) === ICMP && (length <= header || isIcmpError(packet[header]!))) return false;
  return !isLaterFragment(packet) && isOneHost(sourceOf(packet)) && isOneHost(destinationOf(packet));
}

/** Unreachable, source quench, redirect, time exceeded, parameter problem; and types that nobody knows. */
function isIcmpError(type: number): boolean {
  const [ECHO_REPLY, ECHO, TIMESTAMP, ADDRESS_MASK_REPLY] = [0, 8, 13, 18];
  return !(type === ECHO_REPLY || type === ECHO || (type >= TIMESTAMP && type <= ADDRESS_MASK_REPLY));
}

/** Neither this network, nor loopback, nor a group, nor everybody. */
function isOneHost(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/** The whole IPv4 packet, from `source` to the sender of `packet`, which must be whole. */
export function icmpError(
  error: IcmpError,
  source: Ipv4Address,
  packet: Uint8Array,
  length: number,
): Uint8Array {
  const quoted = Math.min(length, LONGEST_ERROR - HEADER_LENGTH - ICMP_HEADER_LENGTH);
  const bytes = new Uint8Array(HEADER_LENGTH + ICMP_HEADER_LENGTH + quoted);
  bytes[0] = 0x45;
  bytes[1] = PRECEDENCE;
  setWord(bytes, 2, bytes.length);
  bytes[8] = TTL;
  bytes[9] = ICMP;
  bytes.set(addressToBytes(source), 12);
  bytes.set(packet.subarray(12, 16), 16);
  setWord(bytes, 10, checksum(bytes, 0, HEADER_LENGTH));
  const [type, code] = typeAndCode[error.kind];
  bytes[HEADER_LENGTH] = type;
  bytes[HEADER_LENGTH + 1] = code;
  if (error.kind === 'fragmentation-needed') setWord(bytes, HEADER_LENGTH + 6, error.mtu);
  bytes.set(packet.subarray(0, quoted), HEADER_LENGTH + ICMP_HEADER_LENGTH);
  setWord(bytes, HEADER_LENGTH + 2, checksum(bytes, HEADER_LENGTH, bytes.length));
  return bytes;
}
