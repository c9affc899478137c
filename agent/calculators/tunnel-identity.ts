/** What a host is known by inside tunnels (pure): the MAC of its VXLAN device, its address. */
import { addressBits, addressFromBytes, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixFamily, prefixLength } from '../../core/prefix.js';

/**
 * The same for the same name, so that a device made anew keeps its place in the other hosts' tables. Unicast and locally administered
 * (IEEE 802: bits 0 and 1 of the first octet); 46 bits of a hash, so that two of a thousand hosts share one with a chance of one in
 * 10^8.
 */
export function vtepMacOf(nodeName: string): string {
  const [low, high] = [hash(nodeName, 0x811c9dc5), hash(nodeName, 0x9747b28c)];
  const octets = [
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  ];
  octets[0] = (octets[0]! & 0xfc) | 0x02;
  return octets.map(octet => octet.toString(16).padStart(2, '0')).join(':');
}

/** FNV-1a from a basis of one's choice, with the finish of murmur3, which spreads what a name's last characters change. */
function hash(text: string, basis: number): number {
  let value = basis;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The lowest address of a block that is not in use; undefined: all are. */
export function firstFreeAddress(block: Prefix, used: ReadonlySet<string>): IpAddress | undefined {
  const family = prefixFamily(block);
  const bytes = addressToBytes(prefixAddress(block));
  const count = 2 ** (addressBits(family) - prefixLength(block));
  // Of more addresses than are in use one is free.
  for (let i = 0; i < Math.min(count, used.size + 1); i++) {
    const address = addressFromBytes(family, bytes);
    if (!used.has(address)) return address;
    increment(bytes);
  }
  return undefined;
}

function increment(bytes: Uint8Array): void {
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = (bytes[i]! + 1) & 0xff;
    if (bytes[i] !== 0) return;
  }
}
