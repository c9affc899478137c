/**
 * OPEN (RFC 4271 section 4.2), with capabilities (RFC 5492) and extended optional parameters (RFC 9072).
 *
 *     +---------------+-------------------------------+-------------------------------+
 *     |  Version (4)  |     My Autonomous System      |           Hold Time           |
 *     +---------------+-------------------------------+-------------------------------+
 *     |                        BGP Identifier                         | Opt Parm Len  |
 *     +---------------------------------------------------------------+---------------+
 *     |  Optional parameters: type (8), length (8, or 16 if extended), value ...
 *
 * Only the form is judged here; whether its values are acceptable to us is `fsm/negotiate.ts`.
 */
import type { Ipv4Address } from '../../core/ip-address.js';
import { addressFromBytes, addressToBytes } from '../../core/ip-address.js';
import { ErrorCode, MessageType, OpenError } from '../iana.js';
import { type Capability, decodeCapabilities, encodeCapability } from './capabilities.js';
import { HEADER_LENGTH } from './framer.js';
import { BgpMessageError, noData } from './message-error.js';
import { readU16 } from './reader.js';
import { frame, Writer } from './writer.js';

export interface Open {
  readonly version: number;
  /** My Autonomous System, 16 bits: AS_TRANS where the real one needs more (RFC 6793). */
  readonly asn: number;
  /** Seconds: 0, or 3 and more. */
  readonly holdTimeSeconds: number;
  readonly routerId: Ipv4Address;
  readonly capabilities: readonly Capability[];
}

const CAPABILITIES_PARAMETER = 2;
/** RFC 9072: this type, and on sending this length, announce 16-bit lengths. */
const EXTENDED = 255;

/**
 * One whole message in `buffer[start, end)`.
 *
 * @throws BgpMessageError 2/1 (data: the version we speak), 2/4, or 2/0 where lengths do not add up
 */
export function decodeOpen(buffer: Uint8Array, start: number, end: number): Open {
  const at = start + HEADER_LENGTH;
  const version = buffer[at]!;
  if (version !== 4) {
    throw new BgpMessageError(
      ErrorCode.open,
      OpenError.unsupportedVersion,
      Uint8Array.of(0, 4),
      `BGP version ${version}`,
    );
  }
  return {
    version,
    asn: readU16(buffer, at + 1),
    holdTimeSeconds: readU16(buffer, at + 3),
    routerId: addressFromBytes('ipv4', buffer, at + 5) as Ipv4Address,
    capabilities: decodeParameters(buffer.subarray(at + 9, end)),
  };
}

/** From the parameters' length octet to the end of the message. */
function decodeParameters(bytes: Uint8Array): readonly Capability[] {
  // The type decides; the length beside it is to be ignored unless it is 0 (RFC 9072 section 2).
  const extended = bytes[0] !== 0 && bytes[1] === EXTENDED;
  const lengthSize = extended ? 2 : 1;
  const from = extended ? 4 : 1;
  const total = extended ? readU16(bytes, 2) : bytes[0]!;
  if (from + total !== bytes.length) throw malformed('the optional parameters do not fill the message');
  const capabilities: Capability[] = [];
  for (let at = from; at < bytes.length; ) {
    if (at + 1 + lengthSize > bytes.length) throw malformed('an optional parameter has no length');
    const type = bytes[at]!;
    const length = extended ? readU16(bytes, at + 1) : bytes[at + 1]!;
    const value = at + 1 + lengthSize;
    if (value + length > bytes.length) throw malformed('an optional parameter runs past the message');
    if (type !== CAPABILITIES_PARAMETER) {
      throw new BgpMessageError(
        ErrorCode.open,
        OpenError.unsupportedOptionalParameter,
        noData,
        `optional parameter ${type} is not supported`,
      );
    }
    capabilities.push(...decodeCapabilities(bytes.subarray(value, value + length)));
    at = value + length;
  }
  return capabilities;
}

/** All capabilities in one parameter, as RFC 5492 section 4 asks; extended parameters only if they do not fit otherwise. */
export function encodeOpen(open: Open): Uint8Array {
  const capabilities = new Writer();
  for (const capability of open.capabilities) encodeCapability(capabilities, capability);
  const value = capabilities.finish();
  const writer = new Writer()
    .u8(open.version)
    .u16(open.asn)
    .u16(open.holdTimeSeconds)
    .bytes(addressToBytes(open.routerId));
  if (value.length === 0) writer.u8(0);
  else if (value.length + 2 <= EXTENDED)
    writer
      .u8(value.length + 2)
      .u8(CAPABILITIES_PARAMETER)
      .u8(value.length)
      .bytes(value);
  else {
    writer
      .u8(EXTENDED)
      .u8(EXTENDED)
      .u16(value.length + 3)
      .u8(CAPABILITIES_PARAMETER)
      .u16(value.length)
      .bytes(value);
  }
  return frame(MessageType.open, writer.finish());
}

function malformed(detail: string): BgpMessageError {
  return new BgpMessageError(ErrorCode.open, OpenError.unspecific, noData, detail);
}
