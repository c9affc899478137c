/** IPv4 packets for the tests of the UDP data path, made the slow and obvious way. */
import fc from 'fast-check';
import { addressToBytes, ipv4FromNumber, parseIpv4 } from '../../../core/ip-address.js';

export interface PacketParts {
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  readonly protocol?: number;
  readonly dontFragment?: boolean;
  /** In units of 8 bytes. */
  readonly fragmentOffset?: number;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

export const UDP = 17;
export const ICMP = 1;

export function packet(parts: PacketParts = {}): Uint8Array {
  const { source = '10.244.1.2', destination = '10.244.2.2', ttl = 64, protocol = UDP } = parts;
  const { dontFragment = false, fragmentOffset = 0 } = parts;
  const { options = new Uint8Array(0), payload = new Uint8Array(8) } = parts;
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x40 | (header / 4));
  view.setUint16(2, bytes.length);
  view.setUint16(4, 0x1234);
  view.setUint16(6, (dontFragment ? 0x4000 : 0) | fragmentOffset);
  view.setUint8(8, ttl);
  view.setUint8(9, protocol);
  bytes.set(addressToBytes(parseIpv4(source)!), 12);
  bytes.set(addressToBytes(parseIpv4(destination)!), 16);
  bytes.set(options, 20);
  bytes.set(payload, header);
  view.setUint16(10, slowChecksum(bytes.subarray(0, header)));
  return bytes;
}

/** RFC 1071 as it reads: add words, put the carry back each time, take the complement. */
export function slowChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

const address = fc.integer({ min: 0, max: 0xffffffff }).map(ipv4FromNumber);

export const anyPacket = fc
  .record({
    source: address,
    destination: address,
    ttl: fc.integer({ min: 1, max: 255 }),
    protocol: fc.integer({ min: 0, max: 255 }),
    dontFragment: fc.boolean(),
    fragmentOffset: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0x1fff })),
    options: fc
      .array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
      .map(bytes => Uint8Array.from(bytes.slice(0, bytes.length & ~3))),
    payload: fc.uint8Array({ maxLength: 80 }),
  })
  .map(packet);
