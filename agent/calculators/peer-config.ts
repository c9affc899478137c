/** From a claim on a remote address to the speaker's PeerConfig: names, types and defaults as Calico's users know them. */
import { type Family, familyOf } from '../../bgp/family.js';
import type { PeerConfig, RoutePolicy, RoutePolicyRule } from '../../bgp/speaker/contract.js';
import type { Asn } from '../../core/asn.js';
import { addressFamily, type IpAddress, type Ipv4Address } from '../../core/ip-address.js';
import { prefixContainsAddress } from '../../core/prefix.js';
import { sessionOptionsOf } from '../../core/resources/annotations.js';
import type { BGPPeerResource, NodeResource } from '../../core/resources/resource.js';
import type { TopologySession } from '../topology/topology-session.js';
import { BGP_PORT } from './node-view.js';
import type { PeerContext } from './peer-context.js';
import { bfdOf, documentWish, type SessionWish, sessionTemplate } from './peer-template.js';

/** One document's (or the mesh's) wish to speak with an address. */
export interface Candidate {
  readonly rank: 'node' | 'global' | 'mesh';
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: Asn;
  /** Of a session of the mesh; a document says for itself. */
  readonly families: readonly Family[];
  /** The other node's name, or the BGPPeer's. */
  readonly name: string;
  readonly document: BGPPeerResource | undefined;
  /** Of a session that the arrangement of hosts has; undefined is a mesh's. */
  readonly session?: TopologySession | undefined;
}

const ranks = { node: 0, global: 1, mesh: 2 } as const;
const words = { node: 'node specific', global: 'global' } as const;
const partWords = {
  mesh: 'node-to-node mesh',
  reflector: 'route reflector',
  client: 'reflector client',
  fellow: 'fellow reflector',
} as const;
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

/** @param node the peer, if it is a node of the cluster */
export function peerConfig(
  candidate: Candidate,
  node: NodeResource | undefined,
  context: PeerContext,
): PeerConfig {
  const wish = wishOf(candidate, context);
  const template = sessionTemplate(wish, context);
  const own = context.ownAddress(addressFamily(candidate.address));
  const sharesSubnet = own !== undefined && prefixContainsAddress(own.subnet, candidate.address);
  return {
    ...template,
    exportPolicy: reflects(candidate, context) ? reflecting(template.exportPolicy) : template.exportPolicy,
    key: peerKey(candidate),
    type: typeWords(candidate),
    name: candidate.name,
    address: candidate.address,
    port: candidate.port,
    asn: candidate.asn,
    passive: false,
    localAddress: candidate.document?.spec.sourceAddress === 'None' ? undefined : own?.address,
    sharedSubnets: sharesSubnet ? [own.subnet] : [],
    interface:
      sharesSubnet && node === undefined
        ? interfaceTowards(candidate, wish, own.address, context)
        : undefined,
    linkLocalAddress: sharesSubnet ? context.linkLocalBeside(own.address) : undefined,
    routeReflectorClient:
      isInternal(candidate, context) &&
      (wish.options.routeReflectorClient ??
        isClient(candidate, node?.spec.bgp?.routeReflectorClusterID, context)),
    bfd: bfdOf(
      wish.options,
      candidate.document?.spec.failureDetectionMode === 'BFDIfDirectlyConnected' && sharesSubnet,
    ),
  };
}

/**
 * Where link-local next hops of the peer's routes are good (RFC 2545). Nodes of the cluster have none: they and their tunnels are known by
 * their global addresses, which they tell, too. So sessions of the mesh need not be reset when the interface is renamed.
 */
function interfaceTowards(
  { document }: Candidate,
  { families, options }: SessionWish,
  own: IpAddress,
  { interfaces }: PeerContext,
): string | undefined {
  if (document === undefined) return undefined;
  const ipv6 = families.includes('ipv6-unicast') || options.extendedNextHop === true;
  return ipv6 ? interfaces.get(own) : undefined;
}

function wishOf({ document, address, families }: Candidate, context: PeerContext): SessionWish {
  if (document !== undefined) {
    return documentWish(document.spec, sessionOptionsOf(document), familyOf(address));
  }
  return {
    fields: {},
    options: context.meshOptions,
    password: context.meshPasswordSource,
    restartTimeSeconds: context.meshRestartSeconds,
    families,
  };
}

/** In the AS that we have towards it. */
export function isInternal({ asn, document }: Candidate, context: PeerContext): boolean {
  return asn === (document?.spec.localASNumber ?? context.localAsn);
}

function typeWords({ rank, session }: Candidate): string {
  return rank === 'mesh' ? partWords[session?.part ?? 'mesh'] : words[rank];
}

function reflects(candidate: Candidate, context: PeerContext): boolean {
  return candidate.session?.reflects === true && isInternal(candidate, context);
}

/** A reflector of the arrangement passes on what hosts told it by the arrangement: nothing else, and to nobody else. */
function reflecting(policy: RoutePolicy | undefined): RoutePolicy | undefined {
  const ofHosts: RoutePolicyRule = {
    within: undefined,
    source: 'peers',
    peerType: 'ibgp',
    peer: `${keyPrefixes.mesh}_*`,
    action: 'accept',
    reason: 'a host of the cluster told it, and this one reflects',
  };
  return policy && { ...policy, rules: [ofHosts, ...policy.rules] };
}

/** Calico's: of another cluster, or of none. Between hosts the arrangement says it. */
function isClient(candidate: Candidate, clusterId: Ipv4Address | undefined, context: PeerContext): boolean {
  if (candidate.session !== undefined) return candidate.session.client;
  const own = context.clusterId;
  return candidate.document !== undefined && own !== undefined && clusterId !== own;
}
