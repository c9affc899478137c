/**
 * ROUTE-REFRESH (RFC 2918, RFC 7313).
 *
 *     +-------------------------------+---------------+---------------+
 *     |              AFI              |    Subtype    |     SAFI      |
 *     +-------------------------------+---------------+---------------+
 */
import { ErrorCode, HeaderError, MessageType, RouteRefreshError } from '../iana.js';
import { HEADER_LENGTH } from './framer.js';
import { BgpMessageError } from './message-error.js';
import { readU16 } from './reader.js';
import { frame } from './writer.js';

export interface RouteRefresh {
  readonly afi: number;
  readonly safi: number;
  /** RFC 7313: 0 a request, 1 beginning, 2 end of a refresh; others are to be ignored. */
  readonly subtype: number;
}

/**
 * One whole message in `buffer[start, end)`.
 *
 * @throws BgpMessageError if it is not 23 octets long: 1/2, or 7/1 with the whole message where the subtype is one of RFC 7313
 *   (section 5)
 */
export function decodeRouteRefresh(buffer: Uint8Array, start: number, end: number): RouteRefresh {
  const at = start + HEADER_LENGTH;
  const subtype = buffer[at + 2]!;
  if (end - start !== HEADER_LENGTH + 4) {
    const detail = `a ROUTE-REFRESH of ${end - start} octets`;
    throw subtype === 1 || subtype === 2
      ? new BgpMessageError(
          ErrorCode.routeRefresh,
          RouteRefreshError.invalidMessageLength,
          buffer.slice(start, end),
          detail,
        )
      : new BgpMessageError(
          ErrorCode.messageHeader,
          HeaderError.badMessageLength,
          buffer.slice(start + 16, start + 18),
          detail,
        );
  }
  return { afi: readU16(buffer, at), subtype, safi: buffer[at + 3]! };
}

export function encodeRouteRefresh({ afi, safi, subtype }: RouteRefresh): Uint8Array {
  return frame(MessageType.routeRefresh, Uint8Array.of(afi >>> 8, afi & 255, subtype, safi));
}
