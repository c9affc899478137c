/**
 * Prefixes as UPDATEs carry them (RFC 4271 section 4.3, RFC 4760 section 5): a length in bits, then as many octets as it needs; with
 * ADD-PATH (RFC 7911 section 3) a path identifier in front of each. This is the slow and obvious way; the RIB reads IPv4 NLRI into
 * columns by itself.
 *
 *     +---------------------------------------+
 *     |  Path Identifier (4 octets)           |   only with ADD-PATH
 *     +---------------------------------------+
 *     |  Length (1 octet)                     |
 *     +---------------------------------------+
 *     |  Prefix (as many octets as it needs)  |
 *     +---------------------------------------+
 */
import { type AddressFamily, addressBits, addressFromBytes, addressToBytes } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import { ErrorCode, UpdateError } from '../iana.js';
import { BgpMessageError, noData } from './message-error.js';
import { readU32 } from './reader.js';
import type { Writer } from './writer.js';

/** Octets of a path identifier. */
export const PATH_ID_LENGTH = 4;

/** A prefix, and which of the sender's paths to it. Unsigned; `undefined` without ADD-PATH. */
export interface PathPrefix {
  readonly prefix: Prefix;
  readonly pathId: number | undefined;
}

/** RFC 7606 section 5.3: no length above the family's, no prefix past the end. */
export function isNlri(
  family: AddressFamily,
  bytes: Uint8Array,
  start: number,
  end: number,
  withPathIds = false,
): boolean {
  const bits = addressBits(family);
  let at = start;
  while (at < end) {
    if (withPathIds) at += PATH_ID_LENGTH;
    if (at >= end || bytes[at]! > bits) return false;
    at += 1 + ((bytes[at]! + 7) >>> 3);
  }
  return at === end;
}

/**
 * @throws BgpMessageError 3/10 if a length is above the family's or a prefix runs past the field (RFC 7606 section 5.3: the rest
 *   cannot be trusted). Bits beyond the length are of no consequence and cleared.
 */
export function decodeNlri(family: AddressFamily, bytes: Uint8Array, start: number, end: number): Prefix[] {
  return decodePathNlri(family, bytes, start, end, false).map(({ prefix }) => prefix);
}

/** The same, with a path identifier in front of each prefix if `withPathIds` (RFC 7911 section 3). */
export function decodePathNlri(
  family: AddressFamily,
  bytes: Uint8Array,
  start: number,
  end: number,
  withPathIds: boolean,
): PathPrefix[] {
  if (!isNlri(family, bytes, start, end, withPathIds)) throw invalidNetworkField();
  const prefixes: PathPrefix[] = [];
  for (let at = start; at < end; ) {
    const pathId = withPathIds ? readU32(bytes, at) : undefined;
    if (withPathIds) at += PATH_ID_LENGTH;
    const length = bytes[at]!;
    const octets = (length + 7) >>> 3;
    const address = new Uint8Array(addressBits(family) / 8);
    address.set(bytes.subarray(at + 1, at + 1 + octets));
    prefixes.push({ prefix: prefixOf(addressFromBytes(family, address), length), pathId });
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

/** @param pathIds one for each prefix, with ADD-PATH */
export function encodeNlri(
  writer: Writer,
  prefixes: readonly Prefix[],
  pathIds?: readonly (number | undefined)[],
): void {
  for (const [i, prefix] of prefixes.entries()) {
    const length = prefixLength(prefix);
    if (pathIds !== undefined) writer.u32(pathIds[i] ?? 0);
    writer.u8(length).bytes(addressToBytes(prefixAddress(prefix)).subarray(0, (length + 7) >>> 3));
  }
}
