/** Pieces that several states share: how a session starts, how its OPEN is judged, and the ways back to Idle. */
import { CeaseError, ErrorCode, FsmError } from '../iana.js';
import { noData } from '../wire/message-error.js';
import { encodeShutdownCommunication } from '../wire/notification.js';
import type { Open } from '../wire/open.js';
import type { Cause } from './cause.js';
import { keepaliveSeconds, type Negotiated, negotiate } from './negotiate.js';
import { asSent } from './retention.js';
import {
  type Established,
  type FsmConfig,
  LARGE_HOLD_TIME_SECONDS,
  LEAST_SEND_HOLD_TIME_SECONDS,
  type MessageError,
  type OpenConfirm,
  type SessionAction,
  type SessionState,
  type Step,
  type TimerName,
} from './session-state.js';

export const setTimer = (timer: TimerName, seconds: number): SessionAction => ({
  kind: 'set-timer',
  timer,
  seconds,
  jitter: timer !== 'hold' && timer !== 'send-hold' && timer !== 'delay-open',
});
export const clearTimer = (timer: TimerName): SessionAction => ({ kind: 'clear-timer', timer });

/** The event changes nothing here. */
export const stay = (state: SessionState, ...actions: SessionAction[]): Step => ({ state, actions });

/** Events 1 and 3 to 7: dial, or wait for the peer to. */
export function start(config: FsmConfig, connectRetryCounter: number): Step {
  const actions: SessionAction[] = [clearTimer('idle-hold')];
  if (config.passive) return { state: { kind: 'Active', connectRetryCounter, delayingOpen: false }, actions };
  actions.push(setTimer('connect-retry', config.connectRetrySeconds), { kind: 'dial' });
  return { state: { kind: 'Connect', connectRetryCounter, delayingOpen: false }, actions };
}

/** Events 16 and 17 in Connect and Active: the connection is there, so OPEN goes out now or after DelayOpenTime. */
export function connected(state: SessionState & { kind: 'Connect' | 'Active' }, config: FsmConfig): Step {
  if (config.delayOpenSeconds !== undefined) {
    const actions = [clearTimer('connect-retry'), setTimer('delay-open', config.delayOpenSeconds)];
    return { state: { ...state, delayingOpen: true }, actions };
  }
  return sendOpen(state.connectRetryCounter);
}

export function sendOpen(connectRetryCounter: number): Step {
  return {
    state: { kind: 'OpenSent', connectRetryCounter },
    actions: [
      clearTimer('connect-retry'),
      clearTimer('delay-open'),
      { kind: 'send-open' },
      setTimer('hold', LARGE_HOLD_TIME_SECONDS),
    ],
  };
}

/** Events 19 and 20: on to OpenConfirm, or a NOTIFICATION 2/x. */
export function receiveOpen(
  state: SessionState,
  open: Open,
  config: FsmConfig,
  before: SessionAction[] = [],
): Step {
  const negotiation = negotiate(config.local, open);
  if (negotiation.kind === 'refused') return failWith(state, config, negotiation.error);
  const { negotiated } = negotiation;
  return {
    state: { kind: 'OpenConfirm', connectRetryCounter: state.connectRetryCounter, negotiated },
    actions: [
      clearTimer('delay-open'),
      clearTimer('connect-retry'),
      ...before,
      { kind: 'send-keepalive' },
      ...(negotiated.keepaliveSeconds > 0 ? [setTimer('keepalive', negotiated.keepaliveSeconds)] : []),
      restartHold(negotiated),
      restartSendHold(negotiated, config),
    ],
  };
}

/** RFC 4271 section 4.2: with a hold time of 0 the timer must not run, also not the large one of OpenSent. */
export function restartHold(negotiated: Negotiated): SessionAction {
  return negotiated.holdTimeSeconds > 0 ? setTimer('hold', negotiated.holdTimeSeconds) : clearTimer('hold');
}

/** RFC 9687 section 4.3: stopped without a hold time. The shell moves it on whenever the kernel has taken something. */
export function restartSendHold(negotiated: Negotiated, config: FsmConfig): SessionAction {
  if (negotiated.holdTimeSeconds === 0) return clearTimer('send-hold');
  const seconds =
    config.sendHoldTimeSeconds ?? Math.max(LEAST_SEND_HOLD_TIME_SECONDS, 2 * negotiated.holdTimeSeconds);
  return seconds > 0 ? setTimer('send-hold', seconds) : clearTimer('send-hold');
}

/** Ends the connection with a NOTIFICATION; counts as a failure. */
export function failWith(state: SessionState, config: FsmConfig, error: MessageError): Step {
  const cause: Cause = { kind: 'notification-sent', notification: error, detail: error.detail };
  return toIdle(state, config, cause, [sendNotification(state, config.holdExpiryKeeps, error)]);
}

/** RFC 4271 section 6.5: NOTIFICATION 4. */
export function holdTimerExpired(state: SessionState, config: FsmConfig, cause: Cause): Step {
  const notification = { code: ErrorCode.holdTimerExpired, subcode: 0, data: noData, detail: '' };
  return toIdle(state, config, cause, [sendNotification(state, config.holdExpiryKeeps, notification)]);
}

/** RFC 9687 section 3.1: NOTIFICATION 8 for what it is worth, as the peer reads nothing. */
export function sendHoldTimerExpired(state: SessionState, config: FsmConfig): Step {
  const notification = { code: ErrorCode.sendHoldTimerExpired, subcode: 0, data: noData, detail: '' };
  return toIdle(state, config, { kind: 'send-hold-timer-expired' }, [
    sendNotification(state, config.holdExpiryKeeps, notification),
  ]);
}

/** What is final goes in a Hard Reset where the peer would keep our routes otherwise (RFC 8538). */
function sendNotification(
  state: SessionState,
  holdExpiryKeeps: boolean,
  notification: MessageError,
): SessionAction {
  const gracefulRestart = state.kind === 'Established' ? state.negotiated.gracefulRestart : undefined;
  return {
    kind: 'send-notification',
    notification: asSent(notification, gracefulRestart, holdExpiryKeeps),
  };
}

/** RFC 4271 section 6.6, with the subcodes of RFC 6608. */
export function unexpected(
  state: SessionState & { kind: 'OpenSent' | 'OpenConfirm' | 'Established' },
  config: FsmConfig,
  what: string,
): Step {
  const subcode = {
    OpenSent: FsmError.unexpectedMessageInOpenSent,
    OpenConfirm: FsmError.unexpectedMessageInOpenConfirm,
    Established: FsmError.unexpectedMessageInEstablished,
  }[state.kind];
  return failWith(state, config, {
    code: ErrorCode.finiteStateMachine,
    subcode,
    data: noData,
    detail: `${what} in ${state.kind}`,
  });
}

/** Event 2: ConnectRetryCounter is zeroed and nothing is tried again until a start. */
export function manualStop(state: SessionState, message: string, sayGoodbye: boolean): Step {
  const notification: MessageError = {
    code: ErrorCode.cease,
    subcode: CeaseError.administrativeShutdown,
    data: encodeShutdownCommunication(message),
    detail: message,
  };
  const cause: Cause = {
    kind: 'stopped',
    subcode: CeaseError.administrativeShutdown,
    detail: message === '' ? 'administratively down' : `administratively down: ${message}`,
  };
  return {
    state: { kind: 'Idle', connectRetryCounter: 0 },
    actions: [
      ...clearAll,
      ...(sayGoodbye ? [sendNotification(state, false, notification)] : []),
      ...leave(state, cause),
    ],
    cause,
  };
}

/** Event 8 where an OPEN may have been sent: Cease with a reason. */
export function automaticStop(
  state: SessionState,
  config: FsmConfig,
  event: { readonly subcode: number; readonly detail: string; readonly message?: string },
): Step {
  const { subcode, detail, message = '' } = event;
  const data = encodeShutdownCommunication(message);
  return toIdle(state, config, stopCause(event), [
    sendNotification(state, config.holdExpiryKeeps, { code: ErrorCode.cease, subcode, data, detail }),
  ]);
}

export function stopCause(event: { readonly subcode: number; readonly detail: string }): Cause {
  const { subcode, detail } = event;
  return subcode === CeaseError.bfdDown ? { kind: 'bfd-down' } : { kind: 'stopped', subcode, detail };
}

/** Event 23: not a failure of the peer, so nothing is counted and nothing is tried again; the other connection goes on. */
export function collisionDump(state: SessionState): Step {
  const notification: MessageError = {
    code: ErrorCode.cease,
    subcode: CeaseError.connectionCollisionResolution,
    data: noData,
    detail: 'the other connection stays',
  };
  const hasSpoken = state.kind === 'OpenSent' || state.kind === 'OpenConfirm' || state.kind === 'Established';
  const cause: Cause = { kind: 'collision' };
  return {
    state: { kind: 'Idle', connectRetryCounter: state.connectRetryCounter },
    actions: [
      ...clearAll,
      ...(hasSpoken ? [{ kind: 'send-notification', notification } as const] : []),
      ...leave(state, cause),
    ],
    cause,
  };
}

/**
 * A failure: resources go, ConnectRetryCounter counts it, and IdleHoldTime (1 s, doubling) passes before the next try
 * (RFC 4271 section 8.1.1, DampPeerOscillations). A connection that breaks is no oscillation of the protocol's: a peer that restarts
 * several times in a minute is not made to wait longer each time.
 */
export function toIdle(
  state: SessionState,
  config: FsmConfig,
  cause: Cause,
  before: readonly SessionAction[] = [],
): Step {
  const broke =
    state.kind === 'Established' && (cause.kind === 'tcp-failed' || cause.kind === 'peer-restarted');
  const connectRetryCounter = state.connectRetryCounter + (broke ? 0 : 1);
  return {
    state: { kind: 'Idle', connectRetryCounter },
    actions: [
      ...clearAll,
      ...before,
      ...leave(state, cause),
      setTimer('idle-hold', idleHoldSeconds(Math.max(1, connectRetryCounter), config)),
    ],
    cause,
  };
}

/** It is in no message (RFC 4271 section 4.2), so a session takes it up as it is; the peer is not left to wait by the change. */
export function renewKeepaliveTime(state: OpenConfirm | Established, config: FsmConfig): Step {
  const { negotiated } = state;
  const seconds = keepaliveSeconds(negotiated.holdTimeSeconds, config.local.keepaliveSeconds);
  if (seconds === negotiated.keepaliveSeconds) return stay(state);
  const renewed = { ...state, negotiated: { ...negotiated, keepaliveSeconds: seconds } };
  return stay(renewed, { kind: 'send-keepalive' }, setTimer('keepalive', seconds));
}

function idleHoldSeconds(connectRetryCounter: number, config: FsmConfig): number {
  return Math.min(config.idleHoldMaxSeconds, 2 ** Math.min(connectRetryCounter - 1, 16));
}

const clearAll: readonly SessionAction[] = (
  ['connect-retry', 'hold', 'send-hold', 'keepalive', 'delay-open', 'idle-hold', 'damping'] as const
).map(clearTimer);

function leave(state: SessionState, cause: Cause): readonly SessionAction[] {
  const close: SessionAction = { kind: 'close-connection' };
  return state.kind === 'Established' ? [close, { kind: 'session-down', cause }] : [close];
}
