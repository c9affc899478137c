/** Established (RFC 4271 section 8.2.2): routes flow. One event stands for a whole batch of UPDATEs. */
import { assertNever } from '../../core/assert-never.js';
import type { Established, FsmConfig, SessionEvent, Step } from './session-state.js';
import {
  automaticStop,
  collisionDump,
  failWith,
  holdTimerExpired,
  manualStop,
  renewKeepaliveTime,
  restartHold,
  sendHoldTimerExpired,
  setTimer,
  stay,
  toIdle,
  unexpected,
} from './transitions.js';

export function established(state: Established, event: SessionEvent, config: FsmConfig): Step {
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
      // Events 16 and 17: another connection, which has a value of its own.
      return stay(state);
    case 'tcp-connection-failed':
      return toIdle(state, config, { kind: 'tcp-failed', detail: event.detail });
    case 'peer-restarted':
      // RFC 4724 section 5: closed without a NOTIFICATION; the new connection takes over at once.
      return toIdle(state, config, { kind: 'peer-restarted' });
    case 'open-received':
      return unexpected(state, config, 'OPEN');
    case 'message-error':
      return failWith(state, config, event.error);
    case 'open-collision-dump':
      return collisionDump(state);
    case 'notification-received':
      return toIdle(state, config, { kind: 'notification-received', notification: event.notification });
    case 'keepalive-received':
    case 'updates-received':
    case 'route-refresh-received':
      return stay(state, restartHold(state.negotiated));
    case 'keepalive-time-changed':
      return renewKeepaliveTime(state, config);
    default:
      return assertNever(event);
  }
}

function timerExpired(state: Established, timer: string, config: FsmConfig): Step {
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
    case 'damping':
      return stay({ ...state, connectRetryCounter: 0 });
    default:
      return stay(state);
  }
}
