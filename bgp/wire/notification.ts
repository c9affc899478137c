/**
 * NOTIFICATION (RFC 4271 section 4.5), and what it says in words.
 *
 *     +---------------+---------------+------------------
 *     |  Error code   | Error subcode |  Data ...
 *     +---------------+---------------+------------------
 */
import { CeaseError, ErrorCode, MessageType } from '../iana.js';
import { HEADER_LENGTH } from './framer.js';
import { frame } from './writer.js';

export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** One whole message in `buffer[start, end)`, already framed (so at least 21 octets long). */
export function decodeNotification(buffer: Uint8Array, start: number, end: number): Notification {
  const at = start + HEADER_LENGTH;
  return { code: buffer[at]!, subcode: buffer[at + 1]!, data: buffer.slice(at + 2, end) };
}

export function encodeNotification(notification: Notification): Uint8Array {
  const { code, subcode, data } = notification;
  const body = new Uint8Array(2 + Math.min(data.length, 4096 - 21));
  body[0] = code;
  body[1] = subcode;
  body.set(data.subarray(0, body.length - 2), 2);
  return frame(MessageType.notification, body);
}

/** RFC 9003: a shutdown communication of at most 255 octets of UTF-8, cut at a character boundary. */
export function encodeShutdownCommunication(message: string): Uint8Array {
  const text = new TextEncoder().encodeInto(message, new Uint8Array(255));
  const bytes = new TextEncoder().encode(message.slice(0, text.read));
  if (bytes.length === 0) return new Uint8Array(0);
  return Uint8Array.of(bytes.length, ...bytes);
}

/**
 * RFC 8538 section 3: Cease/Hard Reset, with what it is about as its data.
 *
 *     +---------------+---------------+------------------
 *     |  Error code   | Error subcode |  Data ...            of the NOTIFICATION inside
 *     +---------------+---------------+------------------
 */
export function hardReset({ code, subcode, data }: Notification): Notification {
  return {
    code: ErrorCode.cease,
    subcode: CeaseError.hardReset,
    data: Uint8Array.of(code, subcode, ...data),
  };
}

export function isHardReset({ code, subcode }: Notification): boolean {
  return code === ErrorCode.cease && subcode === CeaseError.hardReset;
}

/** What a Hard Reset is about; undefined for any other NOTIFICATION and for one that does not say. */
export function hardResetReason(notification: Notification): Notification | undefined {
  const { data } = notification;
  if (!isHardReset(notification) || data.length < 2) return undefined;
  return { code: data[0]!, subcode: data[1]!, data: data.subarray(2) };
}

/** The text of an RFC 9003 shutdown communication; undefined if there is none or it is malformed. */
export function shutdownCommunication(notification: Notification): string | undefined {
  const bytes = communicationOctets(notification);
  if (bytes === undefined) return undefined;
  if (bytes.length < 1 + bytes[0]!) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(1, 1 + bytes[0]!));
    // It ends up in logs and on terminals: what moves the cursor or turns the text round stays out.
    return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Length and text, unread; undefined where there is none to be. */
function communicationOctets(notification: Notification): Uint8Array | undefined {
  const { code, subcode, data } = hardResetReason(notification) ?? notification;
  const carriesText =
    subcode === CeaseError.administrativeShutdown || subcode === CeaseError.administrativeReset;
  return code === ErrorCode.cease && carriesText && data.length > 0 && data[0] !== 0 ? data : undefined;
}

/** As many octets of a message that cannot be read are shown. */
const SHOWN_OCTETS = 32;

/** RFC 9003 section 3: one that is no UTF-8, or shorter than it says, is told to the operator in hexadecimal. */
function unreadableCommunication(notification: Notification): string {
  const bytes = communicationOctets(notification);
  if (bytes === undefined || shutdownCommunication(notification) !== undefined) return '';
  const text = bytes.subarray(1, 1 + bytes[0]!);
  if (bytes.length > bytes[0]! && isUtf8(text)) return '';
  const shown = [...text.subarray(0, SHOWN_OCTETS)]
    .map(octet => octet.toString(16).padStart(2, '0'))
    .join(' ');
  return ` (its message is malformed: ${shown}${text.length > SHOWN_OCTETS ? ' …' : ''})`;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const codeWords: Readonly<Record<number, string>> = {
  1: 'message header error',
  2: 'OPEN message error',
  3: 'UPDATE message error',
  4: 'hold timer expired',
  5: 'finite state machine error',
  6: 'cease',
  7: 'ROUTE-REFRESH message error',
  8: 'send hold timer expired',
};

const subcodeWords: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  1: { 1: 'connection not synchronized', 2: 'bad message length', 3: 'bad message type' },
  2: {
    1: 'unsupported version number',
    2: 'bad peer AS',
    3: 'bad BGP identifier',
    4: 'unsupported optional parameter',
    6: 'unacceptable hold time',
    7: 'unsupported capability',
    11: 'role mismatch',
  },
  3: {
    1: 'malformed attribute list',
    2: 'unrecognized well-known attribute',
    3: 'missing well-known attribute',
    4: 'attribute flags error',
    5: 'attribute length error',
    6: 'invalid ORIGIN',
    8: 'invalid NEXT_HOP',
    9: 'optional attribute error',
    10: 'invalid network field',
    11: 'malformed AS_PATH',
  },
  5: {
    1: 'unexpected message in OpenSent',
    2: 'unexpected message in OpenConfirm',
    3: 'unexpected message in Established',
  },
  6: {
    1: 'maximum number of prefixes reached',
    2: 'administrative shutdown',
    3: 'peer de-configured',
    4: 'administrative reset',
    5: 'connection rejected',
    6: 'other configuration change',
    7: 'connection collision resolution',
    8: 'out of resources',
    9: 'hard reset',
    10: 'BFD down',
  },
  7: { 1: 'invalid message length' },
};

/** "2/2 bad peer AS", "6/2 administrative shutdown: moving racks", "4 hold timer expired", "6/9 hard reset: 6/10 BFD down". */
export function describeNotification(notification: Notification): string {
  const inside = hardResetReason(notification);
  if (inside !== undefined && !isHardReset(inside)) return `6/9 hard reset: ${describeNotification(inside)}`;
  const { code, subcode } = notification;
  const words = subcodeWords[code]?.[subcode] ?? codeWords[code] ?? 'unknown error';
  const numbers = subcode === 0 ? `${code}` : `${code}/${subcode}`;
  const text = shutdownCommunication(notification);
  if (text !== undefined) return `${numbers} ${words}: ${text}`;
  return `${numbers} ${words}${unreadableCommunication(notification)}`;
}
