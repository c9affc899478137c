/** KEEPALIVE (RFC 4271 section 4.4): a header and nothing else. */
import { MessageType } from '../iana.js';
import { frame } from './writer.js';

const message = frame(MessageType.keepalive, new Uint8Array(0));

/** The same bytes each time: do not write into them. */
export function encodeKeepalive(): Uint8Array {
  return message;
}
