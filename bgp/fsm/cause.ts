/** Why a session is not what it was, as data; `describeCause` is what `bgpctl peers` shows. */
import { describeNotification, type Notification } from '../wire/notification.js';

export type Cause =
  | { readonly kind: 'tcp-failed'; readonly detail: string }
  | { readonly kind: 'notification-received'; readonly notification: Notification }
  | { readonly kind: 'notification-sent'; readonly notification: Notification; readonly detail: string }
  | { readonly kind: 'hold-timer-expired' }
  | { readonly kind: 'send-hold-timer-expired' }
  | { readonly kind: 'open-timeout' }
  /** By us; `subcode` is the Cease's (RFC 4486), whether it could be said or not. */
  | { readonly kind: 'stopped'; readonly subcode: number; readonly detail: string }
  | { readonly kind: 'bfd-down' }
  | { readonly kind: 'collision' }
  | { readonly kind: 'peer-restarted' };

/** One line a person can act on, e.g. "connection refused", "peer sent NOTIFICATION 2/2 bad peer AS". */
export function describeCause(cause: Cause): string {
  switch (cause.kind) {
    case 'tcp-failed':
      return cause.detail;
    case 'notification-received':
      return `peer sent NOTIFICATION ${describeNotification(cause.notification)}`;
    case 'notification-sent':
      return `sent NOTIFICATION ${describeNotification({ ...cause.notification, data: new Uint8Array(0) })}: ${cause.detail}`;
    case 'hold-timer-expired':
      return 'hold timer expired';
    case 'send-hold-timer-expired':
      return 'peer takes nothing that we send: send hold timer expired';
    case 'bfd-down':
      return 'BFD down: nothing gets through to the peer';
    case 'open-timeout':
      return 'peer accepted the connection but sent no OPEN';
    case 'stopped':
      return cause.detail;
    case 'collision':
      return 'closed in favour of the other connection';
    case 'peer-restarted':
      return 'peer restarted';
  }
}
