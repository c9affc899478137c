/** From a claim on a remote address to the speaker's PeerConfig: names, types and defaults as Calico's users know them. */
import { familyOf } from '../../bgp/family.js';
import type { PeerConfig, RoutePolicy } from '../../bgp/speaker/contract.js';
import { peerDefaults } from '../../bgp/speaker/defaults.js';
import type { Asn } from '../../core/asn.js';
import { durationSeconds } from '../../core/duration.js';
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import { prefixContainsAddress } from '../../core/prefix.js';
import type { BGPPeerResource, NodeResource } from '../../core/resources/resource.js';
import { BGP_PORT, nodeAddress } from './node-view.js';
import { mustStayDown } from './peer-scope.js';

/** One document's (or the mesh's) wish to speak with an address. */
export interface Candidate {
  readonly rank: 'node' | 'global' | 'mesh';
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: Asn;
  /** The other node's name, or the BGPPeer's. */
  readonly name: string;
  readonly document: BGPPeerResource | undefined;
}

/** Seconds; the agent's own configuration. */
export interface PeerTimers {
  readonly holdTimeSeconds: number;
  readonly keepaliveTimeSeconds: number | undefined;
  readonly connectRetrySeconds: number;
  readonly idleHoldMaxSeconds: number;
}

/** Hold 90 s and keepalive a third of it; connect retry 5 s; idle hold-down doubling up to 60 s. */
export const defaultPeerTimers: PeerTimers = {
  holdTimeSeconds: 90,
  keepaliveTimeSeconds: undefined,
  connectRetrySeconds: 5,
  idleHoldMaxSeconds: 60,
};

/** Calico's: no BGPPeer session needs its peer to be on a connected subnet. */
const PEER_TTL = 64;

const ranks = { node: 0, global: 1, mesh: 2 } as const;
const words = { node: 'node specific', global: 'global', mesh: 'node-to-node mesh' } as const;
const keyPrefixes = { node: 'Node', global: 'Global', mesh: 'Mesh' } as const;

/** The most explicit first; among equals the name decides, so that every host and every restart agrees. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  const byName = (x: string | undefined, y: string | undefined) =>
    x === y ? 0 : (x ?? '') < (y ?? '') ? -1 : 1;
  return (
    ranks[a.rank] - ranks[b.rank] ||
    byName(a.document?.metadata.name, b.document?.metadata.name) ||
    byName(a.name, b.name)
  );
}

/** `Mesh_10_0_0_2`, `Global_192_0_2_1_port_1179`. */
export function peerKey(candidate: Candidate): string {
  const address = candidate.address.replaceAll(/[.:]/g, '_');
  const port = candidate.port === BGP_PORT || candidate.rank === 'mesh' ? '' : `_port_${candidate.port}`;
  return `${keyPrefixes[candidate.rank]}_${address}${port}`;
}

export function peerConfig(
  candidate: Candidate,
  local: {
    readonly own: NodeResource | undefined;
    readonly localAsn: Asn;
    readonly exportPolicy: RoutePolicy;
    readonly timers: PeerTimers;
    readonly meshGuarded: boolean;
  },
): PeerConfig {
  const { document } = candidate;
  const spec = document?.spec;
  const down = document === undefined ? local.meshGuarded : mustStayDown(document);
  const own = nodeAddress(local.own, addressFamily(candidate.address));
  const keepalive = durationSeconds(spec?.keepaliveTime) ?? local.timers.keepaliveTimeSeconds;
  const sharesSubnet = own !== undefined && prefixContainsAddress(own.subnet, candidate.address);
  return {
    ...peerDefaults,
    key: peerKey(candidate),
    type: words[candidate.rank],
    name: candidate.name,
    address: candidate.address,
    port: candidate.port,
    asn: candidate.asn,
    localAsn: spec?.localASNumber,
    localAddress: spec?.sourceAddress === 'None' ? undefined : own?.address,
    families: [familyOf(candidate.address)],
    ...holdAndKeepalive(local.timers.holdTimeSeconds, keepalive),
    connectRetrySeconds: local.timers.connectRetrySeconds,
    idleHoldMaxSeconds: local.timers.idleHoldMaxSeconds,
    ttl: PEER_TTL,
    nextHopMode: nextHopMode(spec),
    sharedSubnets: sharesSubnet ? [own.subnet] : [],
    exportPolicy: local.exportPolicy,
    administrativeState: down ? 'down' : 'up',
  };
}

/** A keepalive longer than a third of the hold time would lose sessions to one dropped message: the hold time follows it. */
function holdAndKeepalive(
  holdTimeSeconds: number,
  keepaliveTimeSeconds: number | undefined,
): Pick<PeerConfig, 'holdTimeSeconds' | 'keepaliveTimeSeconds'> {
  if (keepaliveTimeSeconds === undefined || holdTimeSeconds === 0)
    return { holdTimeSeconds, keepaliveTimeSeconds };
  const keepalive = Math.max(1, Math.round(keepaliveTimeSeconds));
  return {
    holdTimeSeconds: Math.min(65535, Math.max(holdTimeSeconds, 3 * keepalive)),
    keepaliveTimeSeconds: keepalive,
  };
}

function nextHopMode(spec: BGPPeerResource['spec'] | undefined): PeerConfig['nextHopMode'] {
  switch (spec?.nextHopMode) {
    case 'Self':
      return 'self';
    case 'Keep':
      return 'keep';
    case 'Auto':
      return 'auto';
    case undefined:
      return spec?.keepOriginalNextHop === true ? 'keep' : 'auto';
  }
}
