/**
 * Connection collision detection (RFC 4271 section 6.8, RFC 6286 section 2.3, RFC 4724 section 5): both ends dialled, one
 * connection must go, and both must pick the same.
 */
import { type Ipv4Address, ipv4ToNumber } from '../../core/ip-address.js';
import type { SessionState } from './session-state.js';

export interface CollisionInput {
  /** The connection on which the OPEN came. */
  readonly initiatedBy: 'us' | 'peer';
  /** The other one to the same peer. */
  readonly other: SessionState;
  readonly otherInitiatedBy: 'us' | 'peer';
  readonly localRouterId: Ipv4Address;
  readonly localAsn: number;
  readonly remoteRouterId: Ipv4Address;
  readonly remoteAsn: number;
}

export type CollisionOutcome =
  | 'no-collision'
  | 'close-this'
  | 'close-other'
  /** The old session ends without a NOTIFICATION and its routes stay as stale. */
  | 'peer-restarted';

/**
 * The connection that the speaker with the higher BGP Identifier dialled survives; among equal identifiers (possible between
 * two ASes) the higher AS number decides. The other one counts from OpenSent on, so that the matter is settled by the first OPEN.
 */
export function resolveCollision(input: CollisionInput): CollisionOutcome {
  const { other } = input;
  switch (other.kind) {
    case 'Idle':
    case 'Connect':
    case 'Active':
      return 'no-collision';
    case 'Established':
      // RFC 4724 section 5: such a peer has restarted and does not know the old connection any more.
      return other.negotiated.gracefulRestart === undefined ? 'close-this' : 'peer-restarted';
    case 'OpenSent':
    case 'OpenConfirm':
      // The same end dialled twice: it has given up the older one.
      if (input.initiatedBy === input.otherInitiatedBy) return 'close-other';
      return survivor(input) === input.initiatedBy ? 'close-other' : 'close-this';
  }
}

function survivor({
  localRouterId,
  remoteRouterId,
  localAsn,
  remoteAsn,
}: CollisionInput): CollisionInput['initiatedBy'] {
  const local = ipv4ToNumber(localRouterId);
  const remote = ipv4ToNumber(remoteRouterId);
  if (local !== remote) return local > remote ? 'us' : 'peer';
  return localAsn > remoteAsn ? 'us' : 'peer';
}
