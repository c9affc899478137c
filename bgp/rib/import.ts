/**
 * What becomes of a path on its way in, before any prefix is looked at (pure): whether it may be used at all (RFC 4271 section 9.1.2,
 * RFC 4456 section 8, RFC 9234 section 5), and how its attributes change (RFC 8326, RFC 9234, and what the import policy asks for).
 */
import { WellKnownCommunity } from '../iana.js';
import type { RouteOperation } from '../speaker/route-policy.js';
import { countAsn } from '../wire/attributes/as-path.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import type { AttributeBlock } from './attribute-store.js';
import type { RibPeer } from './contract.js';
import { isLeak, onlyToCustomerFrom } from './only-to-customer.js';
import { applyOperations } from './route-operations.js';

/** Why a path as it was received may never be used; the first that holds. */
export type ReceivedRefusal =
  /** Its only next hop is a link-local address, and the peer is not known to be on a link of ours. */
  'link-local-next-hop' | 'as-loop' | 'own-originator-id' | 'own-cluster-id' | 'route-leak';

/** Who we are to the loop checks. */
export interface Self {
  readonly asn: number;
  readonly routerId: number;
  readonly clusterId: number;
}

export function refusalOf(
  peer: RibPeer,
  { attributes, nextHop, linkLocal }: AttributeBlock,
  { asn, routerId, clusterId }: Self,
): ReceivedRefusal | undefined {
  if (linkLocal !== undefined && nextHop === linkLocal && peer.interface === undefined) {
    return 'link-local-next-hop';
  }
  const asPath = attributes.asPath ?? [];
  const allowed = peer.ownAsnsAllowed;
  if (countAsn(asPath, asn) > allowed || countAsn(asPath, peer.localAsn) > allowed) return 'as-loop';
  if (attributes.originatorId === routerId) return 'own-originator-id';
  if (attributes.clusterList?.includes(clusterId) === true) return 'own-cluster-id';
  return isLeak(peer, attributes) ? 'route-leak' : undefined;
}

/**
 * The attributes that an accepted path is decided upon and told with; `undefined` if they are those received. GRACEFUL_SHUTDOWN comes
 * last, so that no operation raises what it lowers, and one that adds it counts.
 */
export function changedOnImport(
  peer: RibPeer,
  received: AttributeBlock,
  operations: readonly RouteOperation[],
): PathAttributes | undefined {
  const onlyToCustomer = onlyToCustomerFrom(peer, received.attributes);
  const marked =
    onlyToCustomer === undefined ? received.attributes : { ...received.attributes, onlyToCustomer };
  const changed = operations.length === 0 ? marked : applyOperations(marked, operations);
  const leaves =
    peer.honourGracefulShutdown &&
    changed.communities?.includes(WellKnownCommunity.gracefulShutdown) === true;
  if (leaves) return { ...changed, localPref: 0 };
  return changed === received.attributes ? undefined : changed;
}
