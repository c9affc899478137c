/** OpenConfirm (RFC 4271 section 8.2.2): both OPENs were accepted, the peer's first KEEPALIVE is awaited. */
import { assertNever } from '../../core/assert-never.js';
import type { FsmConfig, OpenConfirm, SessionEvent, Step } from './session-state.js';
import {
  automaticStop,
  collisionDump,
  failWith,
  holdTimerExpired,
  manualStop,
  renewKeepaliveTime,
  restartHold,
  restartSendHold,
  sendHoldTimerExpired,
  setTimer,
  stay,
  toIdle,
  unexpected,
} from './transitions.js';

export function openConfirm(state: OpenConfirm, event: SessionEvent, config: FsmConfig): Step {
  switch (event.kind) {
    case 'manual-start':
    case 'automatic-start':
      return stay(state);
    case 'manual-stop':
      return manualStop(state, event.message, true);
    case 'automatic-stop':
      return automaticStop(state, config, event);
    case 'timer-expired':
      return timerExpired(state, event.timer, config);
    case 'tcp-connection-acknowledged':
    case 'tcp-connection-confirmed':
      return stay(state);
    case 'tcp-connection-failed':
      return toIdle(state, config, { kind: 'tcp-failed', detail: event.detail });
    case 'open-received':
      // A second OPEN on the same connection; on another one it is the collision's business.
      return unexpected(state, config, 'a second OPEN');
    case 'message-error':
      return failWith(state, config, event.error);
    case 'open-collision-dump':
      return collisionDump(state);
    case 'notification-received':
      return toIdle(state, config, { kind: 'notification-received', notification: event.notification });
    case 'keepalive-received':
      return established(state, config);
    // "Any other event (9, 12-13, 20, 27-28)": NOTIFICATION 5.
    case 'updates-received':
      return unexpected(state, config, 'UPDATE');
    case 'route-refresh-received':
      return unexpected(state, config, 'ROUTE-REFRESH');
    case 'peer-restarted':
      return stay(state);
    case 'keepalive-time-changed':
      return renewKeepaliveTime(state, config);
    default:
      return assertNever(event);
  }
}

/** Event 26. */
function established(state: OpenConfirm, config: FsmConfig): Step {
  const { negotiated, connectRetryCounter } = state;
  return {
    state: { kind: 'Established', connectRetryCounter, negotiated },
    actions: [
      restartHold(negotiated),
      restartSendHold(negotiated, config),
      setTimer('damping', config.idleHoldMaxSeconds),
      { kind: 'session-up', negotiated },
    ],
  };
}

function timerExpired(state: OpenConfirm, timer: string, config: FsmConfig): Step {
  switch (timer) {
    case 'hold':
      return holdTimerExpired(state, config, { kind: 'hold-timer-expired' });
    case 'send-hold':
      return sendHoldTimerExpired(state, config);
    case 'keepalive':
      return stay(
        state,
        { kind: 'send-keepalive' },
        setTimer('keepalive', state.negotiated.keepaliveSeconds),
      );
    default:
      return stay(state);
  }
}
