/**
 * The IPv4 packet inside a datagram (RFC 791 section 3.1), looked at and forwarded as a router does it (RFC 1812 section 5). Pure; hot
 * path: everything happens in the caller's bytes.
 *
 *      0               1               2               3
 *     +-------+-------+---------------+-------------------------------+
 *     |Version|  IHL  |Type of service|         Total length          |   0
 *     +-------+-------+---------------+-----+-------------------------+
 *     |        Identification         |Flags|     Fragment offset     |   4
 *     +---------------+---------------+-----+-------------------------+
 *     |      TTL      |   Protocol    |        Header checksum        |   8
 *     +---------------+---------------+-------------------------------+
 *     |                        Source address                         |  12
 *     +---------------------------------------------------------------+
 *     |                      Destination address                      |  16
 *     +---------------------------------------------------------------+
 */

export const HEADER_LENGTH = 20;

const DONT_FRAGMENT = 0x40;
const OFFSET_HIGH_BITS = 0x1f;

/** 4 or 6; anything in a packet that is none. */
export function versionOf(bytes: Uint8Array): number {
  return bytes[0]! >>> 4;
}

/** In bytes; 20 to 60 in a packet that {@link isWhole}. */
export function headerLength(packet: Uint8Array): number {
  return (packet[0]! & 0x0f) * 4;
}

/** Version 4, a header that fits, and a total length of exactly the `length` bytes that there are. */
export function isWhole(bytes: Uint8Array, length: number): boolean {
  if (length < HEADER_LENGTH || versionOf(bytes) !== 4) return false;
  const header = headerLength(bytes);
  return header >= HEADER_LENGTH && header <= length && word(bytes, 2) === length;
}

/** Of a packet that {@link isWhole}. */
export function headerChecksumIsRight(packet: Uint8Array): boolean {
  return checksum(packet, 0, headerLength(packet)) === 0;
}

/** Host order. */
export function sourceOf(packet: Uint8Array): number {
  return addressAt(packet, 12);
}

/** Host order. */
export function destinationOf(packet: Uint8Array): number {
  return addressAt(packet, 16);
}

export function ttlOf(packet: Uint8Array): number {
  return packet[8]!;
}

export function protocolOf(packet: Uint8Array): number {
  return packet[9]!;
}

export function dontFragment(packet: Uint8Array): boolean {
  return (packet[6]! & DONT_FRAGMENT) !== 0;
}

/** A fragment that does not begin with the header of the protocol above. */
export function isLaterFragment(packet: Uint8Array): boolean {
  return (packet[6]! & OFFSET_HIGH_BITS) !== 0 || packet[7] !== 0;
}

/**
 * One hop more. The checksum follows without a look at the rest of the header: HC' = ~(~HC + ~m + m'), RFC 1624 section 3, where m is the
 * word of TTL and protocol. The TTL must be above 0.
 */
export function decrementTtl(packet: Uint8Array): void {
  const before = word(packet, 8);
  const after = before - 0x100;
  packet[8] = after >>> 8;
  const sum = (~word(packet, 10) & 0xffff) + (~before & 0xffff) + after;
  setWord(packet, 10, ~folded(sum));
}

/** RFC 1071: the ones' complement of the sum of all words; 0 over what carries its own right checksum. @param to odd or even */
export function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i + 1 < to; i += 2) sum += word(bytes, i);
  if ((to - from) % 2 === 1) sum += bytes[to - 1]! << 8;
  return ~folded(sum) & 0xffff;
}

/** Carries go round. @param sum of less than 65536 words */
function folded(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 8) & 255;
  bytes[at + 1] = value & 255;
}

function addressAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
