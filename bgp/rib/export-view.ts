/**
 * What a selected path looks like to a peer: which attributes go along, with which next hop (RFC 4271 sections 5, 5.1.3 and 9.2,
 * RFC 1997, RFC 4456 section 10). Pure. Peers with the same view get the same octets and share an update group.
 */
import type { Asn } from '../../core/asn.js';
import {
  addressFamily,
  type IpAddress,
  type Ipv4Address,
  ipv4ToNumber,
  isLinkLocal,
} from '../../core/ip-address.js';
import { type Prefix, prefixContainsAddress } from '../../core/prefix.js';
import type { Family } from '../family.js';
import { WellKnownCommunity } from '../iana.js';
import type { BgpRole } from '../speaker/contract.js';
import type { RouteOperation } from '../speaker/route-policy.js';
import { prependAsn, withoutPrivateAsns } from '../wire/attributes/as-path.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { DEFAULT_LOCAL_PREF } from './attribute-store.js';
import type { RibPeer } from './contract.js';
import { marksOnExport, mayLeave } from './only-to-customer.js';
import type { Path } from './path-store.js';
import { isReflected, mayAdvertise } from './reflection.js';
import { applyOperations, medSetBy } from './route-operations.js';
import { MAX_PATHS_TOLD } from './told-paths.js';

/** Plain data, so that its JSON says whether two are the same. */
export interface ExportView {
  readonly family: Family;
  readonly kind: 'ibgp' | 'ebgp';
  /** RFC 4456. */
  readonly toClient: boolean;
  /** What a reflected route is given; 0 where nothing is reflected. */
  readonly clusterId: number;
  readonly localAsn: Asn;
  readonly localAddress: IpAddress;
  readonly fourOctetAs: boolean;
  readonly nextHopMode: 'auto' | 'self' | 'keep';
  readonly sharedSubnets: readonly Prefix[];
  /** RFC 2545 section 3: goes with our own address as an IPv6 next hop; undefined towards who is not on the link. */
  readonly linkLocalAddress: IpAddress | undefined;
  /** RFC 8950; of IPv4 alone. */
  readonly extendedNextHop: boolean;
  /** Octets. */
  readonly maxMessageLength: number;
  /** RFC 7911: how many of the best paths to a prefix are told, each with a path identifier; 0: the best one, without. */
  readonly paths: number;
  /** Towards external peers. */
  readonly removePrivateAsns: boolean;
  readonly role: BgpRole | undefined;
  /** RFC 8326. */
  readonly gracefulShutdown: boolean;
  /** RFC 9494 section 4.3: the peer knows what a long-lived stale route is; another is told none. */
  readonly takesLongLived: boolean;
}

export function exportViewOf(peer: RibPeer, family: Family, clusterId: number): ExportView {
  const kind = peer.asn === peer.localAsn ? 'ibgp' : 'ebgp';
  return {
    family,
    kind,
    toClient: kind === 'ibgp' && peer.routeReflectorClient,
    clusterId: kind === 'ibgp' ? clusterId : 0,
    localAsn: peer.localAsn,
    localAddress: peer.localAddress,
    fourOctetAs: peer.fourOctetAs,
    nextHopMode: peer.nextHopMode,
    takesLongLived: peer.takesLongLived,
    // Only external peers are told a third party's next hop for its subnet.
    sharedSubnets: kind === 'ebgp' && peer.nextHopMode === 'auto' ? peer.sharedSubnets : [],
    linkLocalAddress: isOnLink(peer) ? peer.linkLocalAddress : undefined,
    extendedNextHop: family === 'ipv4-unicast' && peer.extendedNextHop,
    maxMessageLength: peer.maxMessageLength,
    paths: peer.addPath.send.includes(family) ? Math.min(peer.pathsPerPrefix, MAX_PATHS_TOLD) : 0,
    removePrivateAsns: kind === 'ebgp' && peer.removePrivateAsns,
    role: kind === 'ebgp' ? peer.role : undefined,
    gracefulShutdown: peer.gracefulShutdown,
  };
}

/** RFC 2545 section 3: the peer and the global address of ours that it is told as next hop are in one subnet. */
function isOnLink({ address, localAddress, sharedSubnets }: RibPeer): boolean {
  const ofBoth = (subnet: Prefix) =>
    prefixContainsAddress(subnet, address) && prefixContainsAddress(subnet, localAddress);
  return addressFamily(localAddress) === 'ipv6' && !isLinkLocal(localAddress) && sharedSubnets.some(ofBoth);
}

export interface ExportedPath {
  /** NEXT_HOP among them for IPv4 with an IPv4 next hop; MP_REACH_NLRI is the packer's to write. */
  readonly attributes: PathAttributes;
  readonly nextHop: IpAddress;
  /** RFC 2545 section 3: ours, on the link to the peer, beside our global address. */
  readonly linkLocal: IpAddress | undefined;
}

/** RFC 8326 section 4. */
const leaving: readonly RouteOperation[] = [
  { kind: 'add-communities', communities: ['65535:0'] },
  { kind: 'set-local-pref', value: 0 },
];

/**
 * `undefined` if peers with this view are not told of the path.
 *
 * @param operations what the export policy asks for: no attribute that they bring keeps the path from being told
 */
export function exportPath(
  path: Path,
  view: ExportView,
  operations: readonly RouteOperation[] = [],
): ExportedPath | undefined {
  const { attributes } = path.block;
  const { kind } = path.session;
  const nextHop = isForPeers(path, view) ? exportedNextHop(path, view) : undefined;
  if (nextHop === undefined || !mayLeave(view.role, attributes)) return undefined;
  const { mpReach: _mpReach, mpUnreach: _mpUnreach, nextHop: _nextHop, ...rest } = attributes;
  const changes = view.gracefulShutdown ? [...operations, ...leaving] : operations;
  const changed = applyOperations(rest, changes);
  return {
    attributes: {
      ...(view.kind === 'ebgp'
        ? forExternal(changed, kind, view, medSetBy(changes))
        : forInternal(changed, path, view)),
      ...(addressFamily(nextHop) === 'ipv4' ? { nextHop: ipv4ToNumber(nextHop as Ipv4Address) } : {}),
    },
    nextHop,
    // What others are told by on their links is theirs to tell, whoever reflects it.
    linkLocal: nextHop === view.localAddress ? view.linkLocalAddress : undefined,
  };
}

function isForPeers({ session: { kind }, block, fromClient }: Path, view: ExportView): boolean {
  if (!mayAdvertise(kind, view.kind, view.toClient || fromClient)) return false;
  return kind === 'own' || communitiesAllow(block.attributes.communities ?? [], view);
}

/** All that keeps peers with this view from being told: our end of their sessions, of the other family, is no next hop for the prefixes. */
export function lacksNextHop(path: Path, view: ExportView): boolean {
  if (isTellable(view.localAddress, view)) return false;
  return (
    isForPeers(path, view) &&
    mayLeave(view.role, path.block.attributes) &&
    exportedNextHop(path, view) === undefined
  );
}

/** A peer with this address is not told of the path: its own address is no next hop for it. `undefined` if that is us. */
export function thirdPartyOf(path: Path, view: ExportView): IpAddress | undefined {
  const nextHop = exportedNextHop(path, view);
  return nextHop === view.localAddress ? undefined : nextHop;
}

/** RFC 1997, RFC 9494. They speak of received routes: what we originate ourselves goes to our peers with its communities. */
function communitiesAllow(communities: readonly number[], { kind, takesLongLived }: ExportView): boolean {
  if (communities.includes(WellKnownCommunity.noAdvertise)) return false;
  if (!takesLongLived && communities.includes(WellKnownCommunity.llgrStale)) return false;
  if (kind === 'ibgp') return true;
  return (
    !communities.includes(WellKnownCommunity.noExport) &&
    !communities.includes(WellKnownCommunity.noExportSubconfed)
  );
}

/** RFC 4271 sections 5.1.2, 5.1.4 and 5.1.5, RFC 4360 section 6, RFC 4456 section 8, RFC 9234 section 5. */
function forExternal(
  attributes: PathAttributes,
  from: Path['session']['kind'],
  { localAsn, removePrivateAsns, role }: ExportView,
  medSet: number | undefined,
): PathAttributes {
  const {
    localPref: _l,
    originatorId: _o,
    clusterList: _c,
    multiExitDisc,
    extendedCommunities,
    ...rest
  } = attributes;
  const asPath = attributes.asPath ?? [];
  const med = from === 'own' ? multiExitDisc : medSet;
  return {
    ...rest,
    ...(marksOnExport(role) ? { onlyToCustomer: attributes.onlyToCustomer ?? localAsn } : {}),
    ...(extendedCommunities === undefined
      ? {}
      : { extendedCommunities: extendedCommunities.filter(isTransitive) }),
    asPath: prependAsn(removePrivateAsns ? withoutPrivateAsns(asPath) : asPath, localAsn),
    ...(med === undefined ? {} : { multiExitDisc: med }),
  };
}

/** RFC 4360 section 3: the T bit is set in those that end at the border of an AS. */
export function isTransitive(extendedCommunity: Uint8Array): boolean {
  return (extendedCommunity[0]! & 0x40) === 0;
}

/** RFC 4271 section 5.1.5, RFC 4456 section 8. */
function forInternal(attributes: PathAttributes, path: Path, view: ExportView): PathAttributes {
  const { localPref = DEFAULT_LOCAL_PREF, clusterList = [] } = attributes;
  if (!isReflected(path.session.kind, view.kind)) return { ...attributes, localPref };
  return {
    ...attributes,
    localPref,
    originatorId: path.routerId,
    clusterList: [view.clusterId, ...clusterList],
  };
}

/** RFC 4271 section 5.1.3, RFC 4456 section 10. `undefined` if we have no next hop to give that the peer could use. */
export function exportedNextHop(path: Path, view: ExportView): IpAddress | undefined {
  const chosen = chooseNextHop(path, view);
  return chosen !== undefined && isTellable(chosen, view) ? chosen : undefined;
}

/** An address of the family of the prefixes, or what RFC 8950 adds to that. */
function isTellable(address: IpAddress, { family, extendedNextHop }: ExportView): boolean {
  return (addressFamily(address) === 'ipv4') === (family === 'ipv4-unicast') || extendedNextHop;
}

function chooseNextHop(path: Path, view: ExportView): IpAddress | undefined {
  const { nextHop: received, linkLocal } = path.block;
  if (received === undefined) return view.localAddress;
  // RFC 2545 section 3: a link-local address means nothing to who is not on its link.
  const handedOn = received === linkLocal ? undefined : received;
  if (isReflected(path.session.kind, view.kind)) return handedOn;
  if (view.nextHopMode === 'self') return view.localAddress;
  if (view.nextHopMode === 'keep' || path.session.kind === 'own') return handedOn;
  if (handedOn === undefined || !isTellable(handedOn, view)) return view.localAddress;
  if (view.kind === 'ibgp') return handedOn;
  const shared = view.sharedSubnets.some(subnet => prefixContainsAddress(subnet, handedOn));
  return shared ? handedOn : view.localAddress;
}
