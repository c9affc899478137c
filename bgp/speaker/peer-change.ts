/** Which changes of a peer's configuration a running session cannot take up (pure). */
import type { PeerConfig } from './contract.js';

/** Announced in OPEN, or part of the connection. */
const needsNewSession = [
  'address',
  'port',
  'asn',
  'localAsn',
  'localAddress',
  'families',
  'holdTimeSeconds',
  'gracefulRestart',
  'role',
  'roleStrict',
  'restartTimeSeconds',
  'notificationRestart',
  'longLivedStaleSeconds',
  'administrativeState',
  'extendedNextHop',
  'extendedMessages',
  'interface',
] as const satisfies readonly (keyof PeerConfig)[];

export type ResetField = (typeof needsNewSession)[number] | 'addPath';

export function needsReset(before: PeerConfig, after: PeerConfig): boolean {
  return resetFields(before, after).length > 0;
}

/** Of what differs, what takes a new session. */
export function resetFields(before: PeerConfig, after: PeerConfig): readonly ResetField[] {
  const changed = needsNewSession.filter(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  // How many paths the peer is told is our own business; that there are several, it must know.
  const announced =
    before.addPath.receive !== after.addPath.receive || before.addPath.send > 0 !== after.addPath.send > 0;
  return announced ? [...changed, 'addPath'] : changed;
}
