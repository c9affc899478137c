/**
 * ROUTE-REFRESH (RFC 2918, RFC 7313).
 *
 *     +-------------------------------+---------------+---------------+
 *     |              AFI              |    Subtype    |     SAFI      |
 *     +-------------------------------+---------------+---------------+
 */
import { ErrorCode, HeaderError, MessageType } from '../iana.js';
import { HEADER_LENGTH } from './framer.js';
import { BgpMessageError } from './message-error.js';
import { frame } from './writer.js';

export interface RouteRefresh {
  readonly afi: number;
  readonly safi: number;
  /** RFC 7313: 0 a request, 1 beginning, 2 end of a refresh; others are to be ignored. */
  readonly subtype: number;
}

/** @throws BgpMessageError 1/2: without negotiated extensions it is 23 octets, never more */
export function decodeRouteRefresh(buffer: Uint8Array, start: number, end: number): RouteRefresh {
  if (end - start !== HEADER_LENGTH + 4) {
    throw new BgpMessageError(
      ErrorCode.messageHeader,
      HeaderError.badMessageLength,
      buffer.slice(start + 16, start + 18),
      `a ROUTE-REFRESH of ${end - start} octets`,
    );
  }
  const at = start + HEADER_LENGTH;
  return { afi: (buffer[at]! << 8) | buffer[at + 1]!, subtype: buffer[at + 2]!, safi: buffer[at + 3]! };
}

export function encodeRouteRefresh({ afi, safi, subtype }: RouteRefresh): Uint8Array {
  return frame(MessageType.routeRefresh, Uint8Array.of(afi >>> 8, afi & 255, subtype, safi));
}
