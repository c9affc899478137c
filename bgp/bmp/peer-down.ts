/** Why a session ended, as BMP tells it (RFC 7854 section 4.9). Pure. */
import type { Cause } from '../fsm/cause.js';
import type { Notification } from '../wire/notification.js';
import type { BmpPeerDown } from './message.js';

/** RFC 4271 section 8.1.2: numbers of the events that end a session without a NOTIFICATION. */
const MANUAL_STOP = 2;
const AUTOMATIC_STOP = 8;
const TCP_CONNECTION_CONFIRMED = 17;

/** @param sent the NOTIFICATION that the peer was sent at the end, as it went out: in a Hard Reset, with its words */
export function peerDownOf(cause: Cause, sent: Notification | undefined): BmpPeerDown {
  if (sent !== undefined) return { kind: 'notification-sent', notification: sent };
  switch (cause.kind) {
    case 'notification-received':
      return { kind: 'notification-received', notification: cause.notification };
    case 'tcp-failed':
      return { kind: 'closed-by-peer' };
    case 'peer-restarted':
      return { kind: 'closed-by-us', event: TCP_CONNECTION_CONFIRMED };
    case 'stopped':
      return { kind: 'closed-by-us', event: MANUAL_STOP };
    case 'notification-sent':
    case 'hold-timer-expired':
    case 'send-hold-timer-expired':
    case 'bfd-down':
    case 'collision':
    case 'open-timeout':
      // Each says so to the peer: there is none only where the connection is gone already.
      return { kind: 'closed-by-us', event: AUTOMATIC_STOP };
  }
}
