/**
 * IP prefixes (CIDRs) as canonical branded text: an address with zero host bits, a slash, a length.
 * The string compares with `===` and keys a Map; hot paths carry (Int32 address, Uint8 length) columns instead.
 */
import {
  type AddressFamily,
  addressBits,
  addressFamily,
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  type IpAddress,
  ipv4FromNumber,
  parseIpAddress,
} from './ip-address.js';

declare const brand: unique symbol;

export type Ipv4Prefix = string & { readonly [brand]: 'ipv4-prefix' };
export type Ipv6Prefix = string & { readonly [brand]: 'ipv6-prefix' };
export type Prefix = Ipv4Prefix | Ipv6Prefix;

/** Why a text is not a prefix; `host-bits-set` carries what was probably meant. */
export type PrefixProblem =
  | { readonly kind: 'malformed' }
  | { readonly kind: 'host-bits-set'; readonly network: Prefix };

/** Strict `ADDRESS/LENGTH` with zero host bits. */
export function parsePrefix(text: string): Prefix | PrefixProblem {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match === null ? undefined : parseIpAddress(match[1] as string);
  const length = Number(match?.[2]);
  if (address === undefined || length > addressBits(addressFamily(address))) return { kind: 'malformed' };
  const network = prefixOf(address, length);
  return prefixAddress(network) === address ? network : { kind: 'host-bits-set', network };
}

export function isPrefix(value: Prefix | PrefixProblem): value is Prefix {
  return typeof value === 'string';
}

/** The prefix of the given length that contains `address`. Length: 0 to 32 or 128. */
export function prefixOf(address: IpAddress, length: number): Prefix {
  const family = addressFamily(address);
  const bytes = addressToBytes(address);
  for (let i = 0; i < bytes.length; i++) {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    bytes[i] = (bytes[i] as number) & (0xff00 >>> bits) & 0xff;
  }
  return `${addressFromBytes(family, bytes)}/${length}` as Prefix;
}

/** From RIB columns: a host-order address (signed or unsigned) and a length of 0 to 32. */
export function ipv4PrefixFromNumber(address: number, length: number): Ipv4Prefix {
  return `${ipv4FromNumber(address)}/${length}` as Ipv4Prefix;
}

/**
 * An IPv4 prefix as one number: address * 64 + length. Hot path: one pass, no parts cut off. The length is `n & 63`, the address
 * `(n / 64) >>> 0`.
 */
export function ipv4PrefixToNumber(prefix: Prefix): number {
  let address = 0;
  let number = 0;
  for (let i = 0; i < prefix.length; i++) {
    const code = prefix.charCodeAt(i);
    if (code >= 0x30) number = 10 * number + code - 0x30;
    else {
      // "." or "/"
      address = (address << 8) | number;
      number = 0;
    }
  }
  return (address >>> 0) * 64 + number;
}

export function prefixAddress(prefix: Prefix): IpAddress {
  return prefix.slice(0, prefix.indexOf('/')) as IpAddress;
}

export function prefixLength(prefix: Prefix): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

export function prefixFamily(prefix: Prefix): AddressFamily {
  return addressFamily(prefix);
}

/** True if `inner` is equal to or inside `outer`; false across families. */
export function prefixContains(outer: Prefix, inner: Prefix): boolean {
  return (
    prefixFamily(outer) === prefixFamily(inner) &&
    prefixLength(inner) >= prefixLength(outer) &&
    prefixOf(prefixAddress(inner), prefixLength(outer)) === outer
  );
}

export function prefixContainsAddress(prefix: Prefix, address: IpAddress): boolean {
  return (
    addressFamily(address) === prefixFamily(prefix) && prefixOf(address, prefixLength(prefix)) === prefix
  );
}

export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(a, b) || prefixContains(b, a);
}

/** A host route: /32 or /128. */
export function hostPrefix(address: IpAddress): Prefix {
  return `${address}/${addressBits(addressFamily(address))}` as Prefix;
}

/** Orders by family, then address, then shorter prefix first. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(prefixAddress(a), prefixAddress(b)) || prefixLength(a) - prefixLength(b);
}
