/**
 * IP addresses as the rest of the house passes them around: canonical text with a brand.
 *
 * Canonical text compares with `===`, keys a Map, prints and serialises as it is. IPv4 is dotted decimal without leading
 * zeros; IPv6 is the RFC 5952 form. Hot paths (RIB columns, netlink batches) use the numeric and byte forms below and
 * never build these strings.
 */

declare const brand: unique symbol;
declare const zoned: unique symbol;

export type Ipv4Address = string & { readonly [brand]: 'ipv4-address' };
export type Ipv6Address = string & { readonly [brand]: 'ipv6-address' };
export type IpAddress = Ipv4Address | Ipv6Address;

/**
 * A link-local address with the interface it is good on, as RFC 4007 section 11 writes it: "fe80::1%eth0". It is an `IpAddress` like
 * any other to whoever compares or prints it; who asks the kernel takes it apart with {@link zoneOf} and {@link withoutZone}.
 */
export type ZonedAddress = Ipv6Address & { readonly [zoned]: true };

export type AddressFamily = 'ipv4' | 'ipv6';

/** One of each family; undefined: none. */
export type PerFamily<T> = Readonly<Record<AddressFamily, T | undefined>>;

/** The family of a canonical address or prefix. */
export function addressFamily(addressOrPrefix: string): AddressFamily {
  return addressOrPrefix.includes(':') ? 'ipv6' : 'ipv4';
}

/** Width of an address in bits: 32 or 128. */
export function addressBits(family: AddressFamily): 32 | 128 {
  return family === 'ipv4' ? 32 : 128;
}

const octetPattern = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4Pattern = new RegExp(`^${octetPattern}(?:\\.${octetPattern}){3}$`);

/** Strict dotted decimal: four octets without leading zeros. Anything else is `undefined`. */
export function parseIpv4(text: string): Ipv4Address | undefined {
  return ipv4Pattern.test(text) ? (text as Ipv4Address) : undefined;
}

/** RFC 4291 section 2.2 text, without a zone, to its RFC 5952 canonical form; `undefined` if malformed. */
export function parseIpv6(text: string): Ipv6Address | undefined {
  const bytes = parseIpv6Bytes(text);
  return bytes === undefined ? undefined : formatIpv6(bytes, 0);
}

/** Either family; `undefined` if malformed. */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** fe80::/10 (RFC 4291 section 2.5.6), with or without a zone. */
export function isLinkLocal(address: IpAddress): boolean {
  return /^fe[89ab]/.test(address);
}

/** A link-local address on an interface, by the interface's name. */
export function zonedAddress(address: IpAddress, zone: string): ZonedAddress {
  return `${address}%${zone}` as ZonedAddress;
}

/** The interface's name of a {@link ZonedAddress}; `undefined` for any other address. */
export function zoneOf(address: IpAddress): string | undefined {
  const at = address.indexOf('%');
  return at < 0 ? undefined : address.slice(at + 1);
}

/** The address alone. */
export function withoutZone(address: IpAddress): IpAddress {
  const at = address.indexOf('%');
  return at < 0 ? address : (address.slice(0, at) as IpAddress);
}

/** The address as an unsigned 32-bit number in host order (10.0.0.1 is 0x0a000001). */
export function ipv4ToNumber(address: Ipv4Address): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === 0x2e) {
      value = (value << 8) | octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - 0x30;
    }
  }
  return ((value << 8) | octet) >>> 0;
}

/** The inverse of {@link ipv4ToNumber}; accepts signed and unsigned 32-bit values. */
export function ipv4FromNumber(value: number): Ipv4Address {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as Ipv4Address;
}

/** The address in network byte order: 4 or 16 bytes; of a {@link ZonedAddress} without its zone. */
export function addressToBytes(address: IpAddress): Uint8Array {
  if (addressFamily(address) === 'ipv6') return parseIpv6Bytes(withoutZone(address)) as Uint8Array;
  const value = ipv4ToNumber(address as Ipv4Address);
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** Reads 4 (ipv4) or 16 (ipv6) bytes in network byte order at `offset`. */
export function addressFromBytes(family: AddressFamily, bytes: Uint8Array, offset = 0): IpAddress {
  if (family === 'ipv6') return formatIpv6(bytes, offset);
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}` as Ipv4Address;
}

/** As people write it: "10.0.0.1:179", "[2001:db8::1]:179". */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Orders addresses numerically, IPv4 before IPv6. */
export function compareAddresses(a: IpAddress, b: IpAddress): number {
  const left = addressToBytes(a);
  const right = addressToBytes(b);
  if (left.length !== right.length) return left.length - right.length;
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parseIpv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 5952 section 4.2.2 forbids writing one; RFC 4291 accepts it).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, i) => {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group & 255;
  });
  return bytes;
}

/** Hexadecimal groups of one side of "::"; the last may be dotted decimal where `mayEndInIpv4`. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (mayEndInIpv4 && i === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part);
      if (ipv4 === undefined) return undefined;
      const value = ipv4ToNumber(ipv4);
      groups.push(value >>> 16, value & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as "::". */
function formatIpv6(bytes: Uint8Array, offset: number): Ipv6Address {
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) {
    groups.push(((bytes[offset + 2 * i] as number) << 8) | (bytes[offset + 2 * i + 1] as number));
  }
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    // RFC 5952 section 5: IPv4-mapped addresses keep their dotted form.
    return `::ffff:${addressFromBytes('ipv4', bytes, offset + 12)}` as Ipv6Address;
  }
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':');
  if (bestStart < 0) return hex(0, 8) as Ipv6Address;
  return `${hex(0, bestStart)}::${hex(bestStart + bestLength, 8)}` as Ipv6Address;
}
