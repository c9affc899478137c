/**
 * One step of the finite state machine (RFC 4271 section 8): `(state, event) -> (state, actions, cause)`. Pure: the session shell
 * (`speaker/session.ts`) carries the actions out in their order.
 */
import { active } from './active.js';
import { connect } from './connect.js';
import { established } from './established.js';
import { idle } from './idle.js';
import { openConfirm } from './open-confirm.js';
import { openSent } from './open-sent.js';
import type { FsmConfig, SessionEvent, SessionState, Step } from './session-state.js';

export function step(state: SessionState, event: SessionEvent, config: FsmConfig): Step {
  switch (state.kind) {
    case 'Idle':
      return idle(state, event, config);
    case 'Connect':
      return connect(state, event, config);
    case 'Active':
      return active(state, event, config);
    case 'OpenSent':
      return openSent(state, event, config);
    case 'OpenConfirm':
      return openConfirm(state, event, config);
    case 'Established':
      return established(state, event, config);
  }
}
