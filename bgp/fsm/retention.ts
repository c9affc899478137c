/**
 * Whether the routes of a peer outlive its session (pure): graceful restart (RFC 4724 section 4.2), NOTIFICATIONs in it (RFC 8538), BFD
 * (RFC 5882, RFC 9384), and which of them has the last word. `docs/staying-up.md` has the same as a table.
 */
import { CeaseError, ErrorCode } from '../iana.js';
import { hardReset, isHardReset, type Notification } from '../wire/notification.js';
import type { Cause } from './cause.js';
import type { NegotiatedGracefulRestart } from './negotiate.js';

export interface RetentionTerms {
  /** What the session had agreed on; undefined keeps nothing. */
  readonly gracefulRestart: NegotiatedGracefulRestart | undefined;
  /** False: a hold timer that expires, at either end, lets go of the routes. */
  readonly holdExpiryKeeps: boolean;
  /** Undefined if the peer does not heed BFD; `up` is what it says at this moment. */
  readonly bfd: { readonly strict: boolean; readonly up: boolean } | undefined;
}

export function keepsRoutes(cause: Cause, terms: RetentionTerms): boolean {
  const { gracefulRestart, bfd } = terms;
  if (gracefulRestart === undefined) return false;
  // Strict: only BFD vouches for what is forwarded meanwhile.
  if (bfd?.strict === true && !bfd.up) return false;
  switch (cause.kind) {
    case 'tcp-failed':
    case 'peer-restarted':
      return true;
    case 'notification-received':
      return gracefulRestart.notification && survives(cause.notification, terms);
    case 'notification-sent':
      return gracefulRestart.notification && !isFinal(cause.notification, terms.holdExpiryKeeps);
    case 'hold-timer-expired':
    case 'send-hold-timer-expired':
      return gracefulRestart.notification && terms.holdExpiryKeeps;
    case 'stopped':
      return gracefulRestart.notification && !isFinalCease(cause.subcode);
    case 'bfd-down':
    case 'open-timeout':
    case 'collision':
      return false;
  }
}

/** RFC 8538 section 4.1: all but Hard Reset; who heeds BFD takes the peer's word for it, and hold timers are the configuration's. */
function survives(notification: Notification, { bfd, holdExpiryKeeps }: RetentionTerms): boolean {
  if (isHardReset(notification)) return false;
  if (isHoldExpiry(notification)) return holdExpiryKeeps;
  const { code, subcode } = notification;
  return !(code === ErrorCode.cease && subcode === CeaseError.bfdDown && bfd !== undefined);
}

function isHoldExpiry({ code }: Notification): boolean {
  return code === ErrorCode.holdTimerExpired || code === ErrorCode.sendHoldTimerExpired;
}

/** RFC 8538 section 5.1: what is meant to end forwarding, too. An administrative reset is not: what comes after it is a session. */
function isFinalCease(subcode: number): boolean {
  return (
    subcode === CeaseError.maximumPrefixesReached ||
    subcode === CeaseError.administrativeShutdown ||
    subcode === CeaseError.peerDeconfigured ||
    subcode === CeaseError.hardReset ||
    subcode === CeaseError.bfdDown
  );
}

function isFinal(notification: Notification, holdExpiryKeeps: boolean): boolean {
  if (isHoldExpiry(notification)) return !holdExpiryKeeps;
  return notification.code === ErrorCode.cease && isFinalCease(notification.subcode);
}

/** What goes out for `notification`: with the N bit negotiated, one that is final travels in a Hard Reset (RFC 8538 section 3). */
export function asSent<T extends Notification>(
  notification: T,
  gracefulRestart: NegotiatedGracefulRestart | undefined,
  holdExpiryKeeps: boolean,
): T {
  if (gracefulRestart?.notification !== true || !isFinal(notification, holdExpiryKeeps)) return notification;
  return { ...notification, ...hardReset(notification) };
}
