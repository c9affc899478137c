/** What a peer is told when its session is ended by hand. */
import type { Context } from './command.js';

/** RFC 9003 section 2. */
const MAX_OCTETS = 255;

/** The message, with a warning if the peer will see less of it. */
export function checkedMessage(message: string | undefined, context: Pick<Context, 'err'>): string {
  if (message === undefined) return '';
  const octets = new TextEncoder().encode(message).length;
  if (octets > MAX_OCTETS) {
    context.err(`The message is ${octets} octets long; the peer is told the first ${MAX_OCTETS}.`);
  }
  return message;
}
