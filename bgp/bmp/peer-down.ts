/** Why a session ended, as BMP tells it (RFC 7854 section 4.9). Pure. */
import type { Cause } from '../fsm/cause.js';
import { CeaseError, ErrorCode } from '../iana.js';
import type { BmpPeerDown } from './message.js';

/** RFC 4271 section 8.1.2: numbers of the events that end a session without a NOTIFICATION. */
const MANUAL_STOP = 2;
const OPEN_COLLISION_DUMP = 23;

export function peerDownOf(cause: Cause): BmpPeerDown {
  switch (cause.kind) {
    case 'notification-sent':
      return { kind: 'notification-sent', notification: cause.notification };
    case 'notification-received':
      return { kind: 'notification-received', notification: cause.notification };
    case 'hold-timer-expired':
      return {
        kind: 'notification-sent',
        notification: { code: ErrorCode.holdTimerExpired, subcode: 0, data: new Uint8Array(0) },
      };
    case 'send-hold-timer-expired':
      return {
        kind: 'notification-sent',
        notification: { code: ErrorCode.sendHoldTimerExpired, subcode: 0, data: new Uint8Array(0) },
      };
    case 'bfd-down':
      return {
        kind: 'notification-sent',
        notification: { code: ErrorCode.cease, subcode: CeaseError.bfdDown, data: new Uint8Array(0) },
      };
    case 'stopped':
      return { kind: 'closed-by-us', event: MANUAL_STOP };
    case 'collision':
      return { kind: 'closed-by-us', event: OPEN_COLLISION_DUMP };
    case 'tcp-failed':
    case 'open-timeout':
    case 'peer-restarted':
      return { kind: 'closed-by-peer' };
  }
}
