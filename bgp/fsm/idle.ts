/** Idle (RFC 4271 section 8.2.2): connections are refused; only a start, or the end of the hold-down, leads out. */
import { assertNever } from '../../core/assert-never.js';
import type { FsmConfig, Idle, SessionEvent, Step } from './session-state.js';
import { clearTimer, start, stay } from './transitions.js';

export function idle(state: Idle, event: SessionEvent, config: FsmConfig): Step {
  switch (event.kind) {
    case 'manual-start':
      return start(config, 0);
    case 'automatic-start':
      return start(config, state.connectRetryCounter);
    case 'timer-expired':
      // Event 13. The other timers do not run here; a late one changes nothing.
      return event.timer === 'idle-hold' ? start(config, state.connectRetryCounter) : stay(state);
    // Events 2 and 8 are ignored in Idle, but a stop also ends the hold-down: nothing starts by itself any more.
    case 'manual-stop':
    case 'automatic-stop':
      return stay(state, clearTimer('idle-hold'));
    case 'tcp-connection-confirmed':
    case 'tcp-connection-acknowledged':
      return stay(state, { kind: 'close-connection' });
    // "Any other event (9-12, 15-28) ... does not cause change in the state."
    case 'tcp-connection-failed':
    case 'open-received':
    case 'message-error':
    case 'open-collision-dump':
    case 'peer-restarted':
    case 'notification-received':
    case 'keepalive-received':
    case 'updates-received':
    case 'route-refresh-received':
    case 'keepalive-time-changed':
      return stay(state);
    default:
      return assertNever(event);
  }
}
