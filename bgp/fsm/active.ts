/** Active (RFC 4271 section 8.2.2): we wait for the peer to connect, and for the retry timer to dial ourselves. */
import { assertNever } from '../../core/assert-never.js';
import type { Active, FsmConfig, SessionEvent, Step } from './session-state.js';
import {
  collisionDump,
  connected,
  failWith,
  manualStop,
  receiveOpen,
  sendOpen,
  start,
  stay,
  stopCause,
  toIdle,
} from './transitions.js';

export function active(state: Active, event: SessionEvent, config: FsmConfig): Step {
  switch (event.kind) {
    // "The start events (Events 1, 3-7) are ignored in the Active state."
    case 'manual-start':
    case 'automatic-start':
      return stay(state);
    case 'manual-stop':
      return manualStop(state, event.message, state.delayingOpen);
    case 'automatic-stop':
      return toIdle(state, config, stopCause(event));
    case 'timer-expired':
      return timerExpired(state, event.timer, config);
    case 'tcp-connection-acknowledged':
    case 'tcp-connection-confirmed':
      return connected(state, config);
    case 'tcp-connection-failed':
      // Event 18 with the connection that OPEN was delayed on.
      return toIdle(state, config, { kind: 'tcp-failed', detail: event.detail });
    case 'open-received':
      return receiveOpen(state, event.open, config, [{ kind: 'send-open' }]);
    case 'message-error':
      return failWith(state, config, event.error);
    case 'open-collision-dump':
      return collisionDump(state);
    case 'notification-received':
      return toIdle(state, config, { kind: 'notification-received', notification: event.notification });
    // "Any other event (8, 10-11, 13, 19, 23, 25-28)": back to Idle.
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

function timerExpired(state: Active, timer: string, config: FsmConfig): Step {
  switch (timer) {
    case 'connect-retry':
      // Event 9. A passive session has no such timer running.
      if (config.passive) return stay(state);
      return start(config, state.connectRetryCounter);
    case 'delay-open':
      return sendOpen(state.connectRetryCounter);
    default:
      return stay(state);
  }
}
