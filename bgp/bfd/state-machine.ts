/**
 * The state machine of a session (RFC 5880 sections 6.2, 6.8.4, 6.8.6 and 6.8.16). Pure: every state and every event stands here.
 *
 *                  peer Down            peer Init, Up
 *         +------+ --------> +------+ ---------------> +------+
 *         | Down |           | Init |                  |  Up  |
 *         +------+ <-------- +------+                  +------+
 *            |  ^   expired,                               |  |
 *            |  |   peer AdminDown                         |  |
 *            |  +------------------------------------------+  |     Down goes straight to Up where the peer is Init already
 *            |      expired, peer Down, peer AdminDown        |
 *            +------------------------------------------------+
 *                            peer Init
 */
import { BfdState, Diagnostic } from './registry.js';

export type BfdEvent =
  /** A packet in which the peer says its state. */
  | { readonly kind: 'peer-state'; readonly state: BfdState }
  | { readonly kind: 'detection-time-expired' }
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' };

export interface BfdStep {
  readonly state: BfdState;
  /** Undefined: stays as it was. */
  readonly diagnostic: number | undefined;
}

export function step(state: BfdState, event: BfdEvent): BfdStep {
  switch (event.kind) {
    case 'peer-state':
      return heard(state, event.state);
    case 'detection-time-expired':
      return expired(state);
    case 'disable':
      return to(BfdState.adminDown, Diagnostic.administrativelyDown);
    case 'enable':
      return state === BfdState.adminDown ? to(BfdState.down, Diagnostic.none) : to(state);
  }
}

/** Section 6.8.6: "If received state is AdminDown", and what follows it. */
function heard(state: BfdState, peer: BfdState): BfdStep {
  switch (state) {
    case BfdState.adminDown:
      return to(state);
    case BfdState.down:
      if (peer === BfdState.down) return to(BfdState.init);
      if (peer === BfdState.init) return to(BfdState.up, Diagnostic.none);
      return to(state);
    case BfdState.init:
      if (peer === BfdState.adminDown) return to(BfdState.down, Diagnostic.neighborSignaledDown);
      return peer === BfdState.down ? to(state) : to(BfdState.up, Diagnostic.none);
    case BfdState.up:
      if (peer === BfdState.adminDown || peer === BfdState.down)
        return to(BfdState.down, Diagnostic.neighborSignaledDown);
      return to(state);
  }
}

/** Section 6.8.4: "bfd.SessionState is Init or Up". */
function expired(state: BfdState): BfdStep {
  switch (state) {
    case BfdState.adminDown:
    case BfdState.down:
      return to(state);
    case BfdState.init:
    case BfdState.up:
      return to(BfdState.down, Diagnostic.detectionTimeExpired);
  }
}

function to(state: BfdState, diagnostic?: number): BfdStep {
  return { state, diagnostic };
}
