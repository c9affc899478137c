/** Which changes of a peer's configuration a running session cannot take up (pure). */
import type { PeerConfig } from './contract.js';

/** Announced in OPEN, part of the connection, or of how routes were judged at its beginning. */
const needsNewSession = [
  'address',
  'port',
  'asn',
  'localAsn',
  'localAddress',
  'families',
  'holdTimeSeconds',
  'keepaliveTimeSeconds',
  'ttl',
  'gracefulRestart',
  'nextHopMode',
  'sharedSubnets',
  'administrativeState',
] as const satisfies readonly (keyof PeerConfig)[];

export function needsReset(before: PeerConfig, after: PeerConfig): boolean {
  return needsNewSession.some(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
