/** RFC 8212: towards another AS nothing passes that nobody asked for (pure). */
import type { RibPolicies } from '../rib/contract.js';
import type { PeerConfig, PeerStatus, SpeakerConfig } from './contract.js';
import { acceptAll, rejectAll } from './defaults.js';
import type { RoutePolicy } from './route-policy.js';

/** As the owner gave them: data, or functions in the library. Undefined: nobody asked for one. */
export interface PeerPolicies {
  readonly importPolicy: RibPolicies['importPolicy'] | undefined;
  readonly exportPolicy: RibPolicies['exportPolicy'] | undefined;
}

/** Rejects all, and `routes --why` says for what. */
const nothingAsked: RoutePolicy = {
  rules: [{ within: undefined, source: 'any', action: 'reject', reason: 'no import policy (RFC 8212)' }],
  otherwise: 'reject',
};

export type HeldBack = PeerStatus['heldBack'];
type Who = Pick<PeerConfig, 'asn' | 'localAsn'>;
type Speaker = Pick<SpeakerConfig, 'asn' | 'ebgpRequiresPolicy'>;

/** The directions in which nothing passes for want of a policy. */
export function heldBackOf(peer: Who, policies: PeerPolicies, speaker: Speaker): HeldBack {
  if (!speaker.ebgpRequiresPolicy || peer.asn === (peer.localAsn ?? speaker.asn)) return undefined;
  const held = policies.importPolicy === undefined;
  if (policies.exportPolicy === undefined) return held ? 'both' : 'export';
  return held ? 'import' : undefined;
}

export function requiredPolicies(
  peer: Who,
  policies: PeerPolicies,
  speaker: Speaker,
): Pick<RibPolicies, 'importPolicy' | 'exportPolicy'> {
  const heldBack = heldBackOf(peer, policies, speaker);
  const rejects = (direction: 'import' | 'export') => heldBack === direction || heldBack === 'both';
  return {
    importPolicy: policies.importPolicy ?? (rejects('import') ? nothingAsked : acceptAll),
    exportPolicy: policies.exportPolicy ?? (rejects('export') ? rejectAll : acceptAll),
  };
}

/** For people. */
export function heldBackWords(heldBack: Exclude<HeldBack, undefined>): string {
  const which = heldBack === 'both' ? 'no import and no export policy' : `no ${heldBack} policy`;
  return `routes are held back: ${which} (RFC 8212)`;
}
