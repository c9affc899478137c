/**
 * Which hosts take part in the arrangement of sessions (pure). Outside of it are reflectors that people have made (with a
 * `routeReflectorClusterID`: they peer by BGPPeer documents alone), hosts whose mesh is switched off, and those of another AS than the
 * cluster's: nobody reflects to them, so that they keep a session with every host.
 */

import type { Asn } from '../../core/asn.js';
import type { NodeResource } from '../../core/resources/resource.js';
import { CLUSTER_NAME } from '../calculators/configurations.js';
import { type BgpConfigurations, DEFAULT_ASN, nodeAddress } from '../calculators/node-view.js';

export type Membership = 'member' | 'other-as' | 'made-reflector' | 'mesh-off' | 'no-address';

export const membershipWords: Readonly<Record<Membership, string>> = {
  member: '',
  'other-as': 'it is of another AS than the cluster, and has a session with every host',
  'made-reflector': 'it has a routeReflectorClusterID, and peers by BGPPeer documents alone',
  'mesh-off': 'nodeToNodeMeshEnabled is false for it: it peers by BGPPeer documents alone',
  'no-address': 'its Node has no address yet',
};

/** Of the cluster: what the BGPConfiguration says, else what most hosts are of; the lower one of two that are as many. */
export function clusterAsn(nodes: Iterable<NodeResource>, configurations: BgpConfigurations): Asn {
  const written = configurations.get(CLUSTER_NAME)?.spec.asNumber;
  if (written !== undefined) return written;
  const counts = new Map<Asn, number>();
  for (const node of nodes) {
    if (node.spec.bgp?.routeReflectorClusterID !== undefined) continue;
    const asn = configurations.asn(node, node.metadata.name);
    counts.set(asn, (counts.get(asn) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || a - b);
  return most?.[0] ?? DEFAULT_ASN;
}

/** @param ofCluster see {@link clusterAsn} */
export function membershipOf(
  node: NodeResource,
  configurations: BgpConfigurations,
  ofCluster: Asn,
): Membership {
  const { name } = node.metadata;
  if (node.spec.bgp?.routeReflectorClusterID !== undefined) return 'made-reflector';
  if (configurations.of(name, 'nodeToNodeMeshEnabled') === false) return 'mesh-off';
  if (nodeAddress(node) === undefined && nodeAddress(node, 'ipv6') === undefined) return 'no-address';
  return configurations.asn(node, name) === ofCluster ? 'member' : 'other-as';
}
