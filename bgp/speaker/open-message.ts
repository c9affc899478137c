/** The OPEN that a peer gets from us (pure). */
import { AS_TRANS } from '../../core/asn.js';
import type { Family } from '../family.js';
import type { LocalOpen } from '../fsm/session-state.js';
import { Afi, RoleValue } from '../iana.js';
import { AddPathDirection, type Capability, familyNumbers } from '../wire/capabilities.js';
import type { PeerConfig, SpeakerConfig } from './contract.js';

/** What the Restart and Forwarding State bits depend on (RFC 4724 section 3). */
export interface OwnHistory {
  /** The Restart State bit still stands (RFC 4724 section 4.1). */
  readonly restarting: boolean;
  /** This process has had a session with the peer: what ended with it was the connection, not our forwarding. */
  readonly hadSession: boolean;
}

export function localOpen(speaker: SpeakerConfig, peer: PeerConfig, history: OwnHistory): LocalOpen {
  const { restarting, hadSession } = history;
  const asn = peer.localAsn ?? speaker.asn;
  const capabilities: Capability[] = peer.families.map(family => ({
    kind: 'multiprotocol',
    ...familyNumbers(family),
  }));
  capabilities.push(...pathCapabilities(peer));
  capabilities.push(
    { kind: 'route-refresh' },
    { kind: 'enhanced-route-refresh' },
    { kind: 'four-octet-as', asn },
  );
  if (peer.role !== undefined && asn !== peer.asn) {
    capabilities.push({ kind: 'role', value: RoleValue[peer.role] });
  }
  const restart = speaker.gracefulRestart;
  if (peer.gracefulRestart && restart !== undefined) {
    const forwarding = (family: Family) =>
      hadSession || (restarting && restart.forwardingPreserved.includes(family));
    capabilities.push({
      kind: 'graceful-restart',
      restarting,
      notification: peer.notificationRestart,
      restartTimeSeconds: peer.restartTimeSeconds ?? restart.restartTimeSeconds,
      families: peer.families.map(family => ({ ...familyNumbers(family), forwarding: forwarding(family) })),
    });
    const staleSeconds = peer.longLivedStaleSeconds;
    if (staleSeconds !== undefined) {
      capabilities.push({
        kind: 'long-lived-graceful-restart',
        families: peer.families.map(family => ({
          ...familyNumbers(family),
          forwarding: forwarding(family),
          staleSeconds,
        })),
      });
    }
  }
  return {
    asn,
    peerAsn: peer.asn,
    keepaliveSeconds: peer.keepaliveTimeSeconds,
    roleStrict: peer.roleStrict,
    open: {
      version: 4,
      asn: asn > 65535 ? AS_TRANS : asn,
      holdTimeSeconds: peer.holdTimeSeconds,
      routerId: speaker.routerId,
      capabilities,
    },
  };
}

/** RFC 7911, RFC 8950 and RFC 8654, as far as the peer is to have them. */
function pathCapabilities(peer: PeerConfig): readonly Capability[] {
  const { addPath, families, extendedNextHop, extendedMessages } = peer;
  const capabilities: Capability[] = [];
  const direction =
    (addPath.receive ? AddPathDirection.receive : 0) | (addPath.send > 0 ? AddPathDirection.send : 0);
  if (direction !== 0) {
    const both = families.map(family => ({ ...familyNumbers(family), direction }));
    capabilities.push({ kind: 'add-path', families: both });
  }
  if (extendedNextHop && families.includes('ipv4-unicast')) {
    const ipv4 = { ...familyNumbers('ipv4-unicast'), nextHopAfi: Afi.ipv6 };
    capabilities.push({ kind: 'extended-next-hop', families: [ipv4] });
  }
  if (extendedMessages) capabilities.push({ kind: 'extended-message' });
  return capabilities;
}
