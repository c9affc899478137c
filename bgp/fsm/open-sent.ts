/** OpenSent (RFC 4271 section 8.2.2): our OPEN is out, the peer's is awaited. */
import { assertNever } from '../../core/assert-never.js';
import type { FsmConfig, OpenSent, SessionEvent, Step } from './session-state.js';
import {
  automaticStop,
  clearTimer,
  collisionDump,
  failWith,
  holdTimerExpired,
  manualStop,
  receiveOpen,
  setTimer,
  stay,
  toIdle,
  unexpected,
} from './transitions.js';

export function openSent(state: OpenSent, event: SessionEvent, config: FsmConfig): Step {
  switch (event.kind) {
    case 'manual-start':
    case 'automatic-start':
      return stay(state);
    case 'manual-stop':
      return manualStop(state, event.message, true);
    case 'automatic-stop':
      return automaticStop(state, config, event);
    case 'timer-expired':
      // Event 10. Any other timer here is a fault of ours or late (the RFC would send NOTIFICATION 5): it is ignored.
      return event.timer === 'hold' ? holdTimerExpired(state, config, { kind: 'open-timeout' }) : stay(state);
    case 'tcp-connection-acknowledged':
    case 'tcp-connection-confirmed':
      // Events 16 and 17: another connection, which has a value of its own.
      return stay(state);
    case 'tcp-connection-failed':
      return tcpFailed(state, event.detail, config);
    case 'open-received':
      return receiveOpen(state, event.open, config);
    case 'message-error':
      return failWith(state, config, event.error);
    case 'open-collision-dump':
      return collisionDump(state);
    case 'notification-received':
      // Events 24 and 25 alike.
      return toIdle(state, config, { kind: 'notification-received', notification: event.notification });
    // "Any other event (9, 11-13, 20, 25-28)": NOTIFICATION 5.
    case 'keepalive-received':
      return unexpected(state, config, 'KEEPALIVE');
    case 'updates-received':
      return unexpected(state, config, 'UPDATE');
    case 'route-refresh-received':
      return unexpected(state, config, 'ROUTE-REFRESH');
    case 'peer-restarted':
      return stay(state);
    case 'keepalive-time-changed':
      return stay(state);
    default:
      return assertNever(event);
  }
}

/** Event 18: the peer closed before it spoke. On to Active, where the retry timer dials again. */
function tcpFailed(state: OpenSent, detail: string, config: FsmConfig): Step {
  return {
    state: { kind: 'Active', connectRetryCounter: state.connectRetryCounter, delayingOpen: false },
    actions: [
      { kind: 'close-connection' },
      clearTimer('hold'),
      setTimer('connect-retry', config.connectRetrySeconds),
    ],
    cause: { kind: 'tcp-failed', detail },
  };
}
