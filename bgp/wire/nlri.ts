/**
 * Prefixes as UPDATEs carry them (RFC 4271 section 4.3, RFC 4760 section 5): a length in bits, then as many octets as it needs.
 * This is the slow and obvious way; the RIB reads IPv4 NLRI into columns by itself.
 */
import { type AddressFamily, addressBits, addressFromBytes, addressToBytes } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import { ErrorCode, UpdateError } from '../iana.js';
import { BgpMessageError, noData } from './message-error.js';
import type { Writer } from './writer.js';

/** RFC 7606 section 5.3: no length above the family's, no prefix past the end. */
export function isNlri(family: AddressFamily, bytes: Uint8Array, start: number, end: number): boolean {
  const bits = addressBits(family);
  let at = start;
  while (at < end) {
    if (bytes[at]! > bits) return false;
    at += 1 + ((bytes[at]! + 7) >>> 3);
  }
  return at === end;
}

/**
 * @throws BgpMessageError 3/10 if a length is above the family's or a prefix runs past the field (RFC 7606 section 5.3: the rest
 *   cannot be trusted). Bits beyond the length are of no consequence and cleared.
 */
export function decodeNlri(family: AddressFamily, bytes: Uint8Array, start: number, end: number): Prefix[] {
  if (!isNlri(family, bytes, start, end)) throw invalidNetworkField();
  const prefixes: Prefix[] = [];
  for (let at = start; at < end; ) {
    const length = bytes[at]!;
    const octets = (length + 7) >>> 3;
    const address = new Uint8Array(addressBits(family) / 8);
    address.set(bytes.subarray(at + 1, at + 1 + octets));
    prefixes.push(prefixOf(addressFromBytes(family, address), length));
    at += 1 + octets;
  }
  return prefixes;
}

export function invalidNetworkField(): BgpMessageError {
  return new BgpMessageError(
    ErrorCode.update,
    UpdateError.invalidNetworkField,
    noData,
    'a prefix in the NLRI is malformed',
  );
}

export function encodeNlri(writer: Writer, prefixes: readonly Prefix[]): void {
  for (const prefix of prefixes) {
    const length = prefixLength(prefix);
    writer.u8(length).bytes(addressToBytes(prefixAddress(prefix)).subarray(0, (length + 7) >>> 3));
  }
}
