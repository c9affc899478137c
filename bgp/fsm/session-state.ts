/**
 * The words of the finite state machine (RFC 4271 section 8): states, events, timers, actions. One value of `SessionState` stands
 * for one TCP connection, or for the wish to have one. Plain data; `step.ts` says what follows from what.
 */
import type { Notification } from '../wire/notification.js';
import type { Open } from '../wire/open.js';
import type { Cause } from './cause.js';
import type { Negotiated } from './negotiate.js';

/** Each variant carries only what exists in that state. */
export type SessionState = Idle | Connect | Active | OpenSent | OpenConfirm | Established;

interface Common {
  /** RFC 4271 section 8: ConnectRetryCounter; sessions that failed in a row. Damps oscillation. */
  readonly connectRetryCounter: number;
}

export interface Idle extends Common {
  readonly kind: 'Idle';
}
export interface Connect extends Common {
  readonly kind: 'Connect';
  /** The connection is up, the DelayOpenTimer runs and OPEN has not been sent. */
  readonly delayingOpen: boolean;
}
export interface Active extends Common {
  readonly kind: 'Active';
  readonly delayingOpen: boolean;
}
export interface OpenSent extends Common {
  readonly kind: 'OpenSent';
}
export interface OpenConfirm extends Common {
  readonly kind: 'OpenConfirm';
  readonly negotiated: Negotiated;
}
export interface Established extends Common {
  readonly kind: 'Established';
  readonly negotiated: Negotiated;
}

export const initialState: Idle = { kind: 'Idle', connectRetryCounter: 0 };

/** RFC 4271 section 8.1.2 to 8.1.5; the numbers are the RFC's. Passive and damped starts (4 to 7) follow from the configuration. */
export type SessionEvent =
  /** 1, 4 */
  | { readonly kind: 'manual-start' }
  /** 2; `message` is the shutdown communication (RFC 9003). */
  | { readonly kind: 'manual-stop'; readonly message: string }
  /** 3, 5, 6, 7 */
  | { readonly kind: 'automatic-start' }
  /** 8; `subcode` is a Cease subcode (RFC 4486), `message` the shutdown communication of one that carries it (RFC 9003). */
  | {
      readonly kind: 'automatic-stop';
      readonly subcode: number;
      readonly detail: string;
      readonly message?: string;
    }
  /** 9 to 13, and 29 of RFC 9687: the send hold timer */
  | { readonly kind: 'timer-expired'; readonly timer: Exclude<TimerName, 'damping'> }
  /** Not of the RFC: Established for so long that old failures are forgiven. */
  | { readonly kind: 'timer-expired'; readonly timer: 'damping' }
  /** 16: the connection that we dialled is up. */
  | { readonly kind: 'tcp-connection-acknowledged' }
  /** 17: one that the peer dialled (14 and 15, whether it is valid, is judged before it comes here). */
  | { readonly kind: 'tcp-connection-confirmed' }
  /** 18 */
  | { readonly kind: 'tcp-connection-failed'; readonly detail: string }
  /** 19, 20 */
  | { readonly kind: 'open-received'; readonly open: Open }
  /** 21, 22, 28 */
  | { readonly kind: 'message-error'; readonly error: MessageError }
  /** 23 */
  | { readonly kind: 'open-collision-dump' }
  /** RFC 4724 section 5: the peer has come back with a new connection. Only for Established. */
  | { readonly kind: 'peer-restarted' }
  /** 24, 25 */
  | { readonly kind: 'notification-received'; readonly notification: Notification }
  /** 26 */
  | { readonly kind: 'keepalive-received' }
  /** 27: one event per batch; what they say is the RIB's business. */
  | { readonly kind: 'updates-received' }
  /** RFC 2918 */
  | { readonly kind: 'route-refresh-received' }
  /** Not of the RFC: the configured KeepaliveTime is another one. */
  | { readonly kind: 'keepalive-time-changed' };

/** What a NOTIFICATION will say, and the same for people. */
export interface MessageError extends Notification {
  readonly detail: string;
}

/** RFC 4271 sections 8.1.3 and 10, section 8.1.1's IdleHoldTimer and RFC 9687's SendHoldTimer; `damping` is ours. */
export type TimerName =
  | 'connect-retry'
  | 'hold'
  | 'send-hold'
  | 'keepalive'
  | 'delay-open'
  | 'idle-hold'
  | 'damping';

export type SessionAction =
  /** Starts or restarts it. `jitter`: RFC 4271 section 10, a factor between 0.75 and 1. */
  | {
      readonly kind: 'set-timer';
      readonly timer: TimerName;
      readonly seconds: number;
      readonly jitter: boolean;
    }
  | { readonly kind: 'clear-timer'; readonly timer: TimerName }
  | { readonly kind: 'dial' }
  /** Ends a dial or a connection, whichever there is. */
  | { readonly kind: 'close-connection' }
  | { readonly kind: 'send-open' }
  | { readonly kind: 'send-keepalive' }
  | { readonly kind: 'send-notification'; readonly notification: MessageError }
  | { readonly kind: 'session-up'; readonly negotiated: Negotiated }
  /** Only out of Established. */
  | { readonly kind: 'session-down'; readonly cause: Cause };

export interface Step {
  readonly state: SessionState;
  readonly actions: readonly SessionAction[];
  /** Why the state was entered; absent if it was not left or there is nothing to tell. */
  readonly cause?: Cause;
}

/** The session attributes of RFC 4271 section 8 that configuration decides. */
export interface FsmConfig {
  readonly passive: boolean;
  readonly connectRetrySeconds: number;
  /** Upper bound of the doubling IdleHoldTime. */
  readonly idleHoldMaxSeconds: number;
  /** Undefined: DelayOpen is off. */
  readonly delayOpenSeconds: number | undefined;
  /** 0: off; undefined: what RFC 9687 suggests. */
  readonly sendHoldTimeSeconds: number | undefined;
  /** Whether an expired hold timer is meant to end forwarding, too (`retention.ts`). */
  readonly holdExpiryKeeps: boolean;
  /** What the session's OPEN says, to judge the peer's against. */
  readonly local: LocalOpen;
}

export interface LocalOpen {
  readonly open: Open;
  /** Our real AS: `open.asn` has AS_TRANS where it does not fit. */
  readonly asn: number;
  readonly peerAsn: number;
  readonly keepaliveSeconds: number | undefined;
  /** A peer that announces no role is refused (RFC 9234 section 4.2). */
  readonly roleStrict: boolean;
}

/** RFC 4271 section 8.2.2: "a large value", suggested 4 minutes. */
export const LARGE_HOLD_TIME_SECONDS = 240;

/** RFC 9687 section 4: at least 8 minutes, and twice the hold time. */
export const LEAST_SEND_HOLD_TIME_SECONDS = 480;
