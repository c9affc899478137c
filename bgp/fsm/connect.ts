/** Connect (RFC 4271 section 8.2.2): we have dialled and wait for TCP. */
import { assertNever } from '../../core/assert-never.js';
import type { Connect, FsmConfig, SessionEvent, Step } from './session-state.js';
import {
  clearTimer,
  collisionDump,
  connected,
  failWith,
  manualStop,
  receiveOpen,
  sendOpen,
  setTimer,
  stay,
  stopCause,
  toIdle,
} from './transitions.js';

export function connect(state: Connect, event: SessionEvent, config: FsmConfig): Step {
  switch (event.kind) {
    // "The start events (Events 1, 3-7) are ignored in the Connect state."
    case 'manual-start':
    case 'automatic-start':
      return stay(state);
    case 'manual-stop':
      return manualStop(state, event.message, false);
    case 'automatic-stop':
      return toIdle(state, config, stopCause(event));
    case 'timer-expired':
      return timerExpired(state, event.timer, config);
    case 'tcp-connection-acknowledged':
    case 'tcp-connection-confirmed':
      return connected(state, config);
    case 'tcp-connection-failed':
      return tcpFailed(state, event.detail, config);
    case 'open-received':
      // Event 20: only while OPEN is delayed can there be one to receive.
      return receiveOpen(state, event.open, config, [{ kind: 'send-open' }]);
    case 'message-error':
      return failWith(state, config, event.error);
    case 'open-collision-dump':
      return collisionDump(state);
    case 'notification-received':
      // Event 24 (a version error while OPEN is delayed) is no failure of the peer; here both end in Idle.
      return toIdle(state, config, { kind: 'notification-received', notification: event.notification });
    // "Any other events (8, 10-11, 13, 19, 23, 25-28)": back to Idle.
    case 'peer-restarted':
    case 'keepalive-received':
    case 'updates-received':
    case 'route-refresh-received':
      return toIdle(state, config, { kind: 'tcp-failed', detail: 'peer spoke out of turn' });
    case 'keepalive-time-changed':
      return stay(state);
    default:
      return assertNever(event);
  }
}

function timerExpired(state: Connect, timer: string, config: FsmConfig): Step {
  switch (timer) {
    case 'connect-retry':
      // Event 9: drop the connection and dial again.
      return {
        state: { ...state, delayingOpen: false },
        actions: [
          { kind: 'close-connection' },
          clearTimer('delay-open'),
          setTimer('connect-retry', config.connectRetrySeconds),
          { kind: 'dial' },
        ],
        cause: { kind: 'tcp-failed', detail: 'connection timed out' },
      };
    case 'delay-open':
      return sendOpen(state.connectRetryCounter);
    default:
      return stay(state);
  }
}

/**
 * Event 18: with OPEN delayed on to Active and wait for the retry timer; without, the RFC wants Idle. We go to Active as well, as
 * every implementation does: a refused connection is what a peer that is not up yet looks like, and no oscillation.
 */
function tcpFailed(state: Connect, detail: string, config: FsmConfig): Step {
  return {
    state: { kind: 'Active', connectRetryCounter: state.connectRetryCounter, delayingOpen: false },
    actions: [
      { kind: 'close-connection' },
      clearTimer('delay-open'),
      setTimer('connect-retry', config.connectRetrySeconds),
    ],
    cause: { kind: 'tcp-failed', detail },
  };
}
