/** Any bytes through the framer and the decoder of what they seem to be, and what came of it in a word. */
import { MessageType } from '../../bgp/iana.js';
import type { AttributeContext } from '../../bgp/wire/attributes/entry.js';
import { frameLength, frameType, MAX_MESSAGE_LENGTH } from '../../bgp/wire/framer.js';
import { BgpMessageError } from '../../bgp/wire/message-error.js';
import { decodeNotification, describeNotification } from '../../bgp/wire/notification.js';
import { decodeOpen } from '../../bgp/wire/open.js';
import { decodeRouteRefresh } from '../../bgp/wire/route-refresh.js';
import { decodeUpdate } from '../../bgp/wire/update.js';

export type Decoder = (bytes: Uint8Array, context: AttributeContext) => string;

/**
 * "decoded 2", "treat-as-withdraw", "incomplete" or "error 3/1".
 *
 * @throws whatever is thrown that is not a `BgpMessageError`: a defect
 */
export function decodeAny(bytes: Uint8Array, context: AttributeContext): string {
  try {
    const length = frameLength(bytes, 0, bytes.length, MAX_MESSAGE_LENGTH);
    return length === 0 ? 'incomplete' : decodeMessage(bytes, length, context);
  } catch (error) {
    if (error instanceof BgpMessageError && error.data instanceof Uint8Array) {
      return `error ${error.code}/${error.subcode}`;
    }
    throw error;
  }
}

function decodeMessage(bytes: Uint8Array, length: number, context: AttributeContext): string {
  const type = frameType(bytes, 0);
  switch (type) {
    case MessageType.open:
      decodeOpen(bytes, 0, length);
      break;
    case MessageType.update:
      return decodeUpdate(bytes, 0, length, context).disposition ?? 'decoded 2';
    case MessageType.notification:
      describeNotification(decodeNotification(bytes, 0, length));
      break;
    case MessageType.routeRefresh:
      decodeRouteRefresh(bytes, 0, length);
      break;
  }
  return `decoded ${type}`;
}
