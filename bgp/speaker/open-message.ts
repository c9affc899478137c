/** The OPEN that a peer gets from us (pure). */
import { AS_TRANS } from '../../core/asn.js';
import type { LocalOpen } from '../fsm/session-state.js';
import { type Capability, familyNumbers } from '../wire/capabilities.js';
import type { PeerConfig, SpeakerConfig } from './contract.js';

/** @param restarting whether the Restart State bit still stands (RFC 4724 section 4.1) */
export function localOpen(speaker: SpeakerConfig, peer: PeerConfig, restarting: boolean): LocalOpen {
  const asn = peer.localAsn ?? speaker.asn;
  const capabilities: Capability[] = peer.families.map(family => ({
    kind: 'multiprotocol',
    ...familyNumbers(family),
  }));
  capabilities.push({ kind: 'route-refresh' }, { kind: 'four-octet-as', asn });
  const restart = speaker.gracefulRestart;
  if (peer.gracefulRestart && restart !== undefined) {
    capabilities.push({
      kind: 'graceful-restart',
      restarting,
      notification: false,
      restartTimeSeconds: restart.restartTimeSeconds,
      families: peer.families.map(family => ({
        ...familyNumbers(family),
        forwarding: restarting && restart.forwardingPreserved.includes(family),
      })),
    });
  }
  return {
    asn,
    peerAsn: peer.asn,
    keepaliveSeconds: peer.keepaliveTimeSeconds,
    open: {
      version: 4,
      asn: asn > 65535 ? AS_TRANS : asn,
      holdTimeSeconds: peer.holdTimeSeconds,
      routerId: speaker.routerId,
      capabilities,
    },
  };
}
