/**
 * Cuts a byte stream into messages in place (RFC 4271 section 4.1). Hot path: no copy, no allocation per message.
 *
 *      0                   1                   2                   3
 *     +---------------------------------------------------------------+
 *     |                    Marker: 16 octets of 0xff                  |
 *     +-------------------------------+---------------+---------------+
 *     |            Length             |     Type      |
 *     +-------------------------------+---------------+
 */
import { ErrorCode, HeaderError, MessageType } from '../iana.js';
import { BgpMessageError, noData } from './message-error.js';
import { readU16 } from './reader.js';

export const HEADER_LENGTH = 19;
export const MAX_MESSAGE_LENGTH = 4096;
/** RFC 8654: for all but OPEN and KEEPALIVE, once negotiated. */
export const MAX_EXTENDED_MESSAGE_LENGTH = 65535;

const UPDATE_MINIMUM_LENGTH = 23;
/** Section 6.1: the least length of each type, by type. */
const minimumLength = [0, 29, UPDATE_MINIMUM_LENGTH, 21, 19, 23];

/**
 * Length of the message that begins at `start`, or 0 if `buffer[start, end)` does not hold all of it yet.
 *
 * @param maxLength {@link MAX_MESSAGE_LENGTH}, or the extended one where it was negotiated
 * @throws BgpMessageError 1/1, 1/2 or 1/3, as soon as the header is there to judge
 */
export function frameLength(buffer: Uint8Array, start: number, end: number, maxLength: number): number {
  if (end - start < HEADER_LENGTH) return 0;
  for (let i = start; i < start + 16; i++) {
    if (buffer[i] !== 0xff) {
      throw new BgpMessageError(
        ErrorCode.messageHeader,
        HeaderError.connectionNotSynchronized,
        noData,
        'the marker is not all ones',
      );
    }
  }
  const length = readU16(buffer, start + 16);
  const type = buffer[start + 18]!;
  const minimum = minimumLength[type];
  if (type === 0 || minimum === undefined) {
    throw new BgpMessageError(
      ErrorCode.messageHeader,
      HeaderError.badMessageType,
      Uint8Array.of(type),
      `unknown message type ${type}`,
    );
  }
  const fixed = type === MessageType.keepalive;
  const limit = fixed ? HEADER_LENGTH : type === MessageType.open ? MAX_MESSAGE_LENGTH : maxLength;
  if (length < minimum || length > limit) {
    throw new BgpMessageError(
      ErrorCode.messageHeader,
      HeaderError.badMessageLength,
      buffer.slice(start + 16, start + 18),
      `length ${length} of a type ${type} message is not in ${minimum} to ${limit}`,
    );
  }
  return length <= end - start ? length : 0;
}

/**
 * Length of the UPDATE that begins at `start`; 0 if it is not all there, or if {@link frameLength} has something to say of it. Hot path:
 * never throws.
 */
export function updateLength(buffer: Uint8Array, start: number, end: number, maxLength: number): number {
  if (end - start < UPDATE_MINIMUM_LENGTH || buffer[start + 18] !== MessageType.update) return 0;
  let marker = 0xff;
  for (let i = start; i < start + 16; i++) marker &= buffer[i]!;
  const length = readU16(buffer, start + 16);
  if (marker !== 0xff || length < UPDATE_MINIMUM_LENGTH || length > maxLength) return 0;
  return length <= end - start ? length : 0;
}

/** The type octet of the message at `start`. */
export function frameType(buffer: Uint8Array, start: number): number {
  return buffer[start + 18]!;
}
