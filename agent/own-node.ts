/**
 * This host's own Node document (pure): made where there is none, also when it is deleted under a running agent; its address put right
 * where it was detected, what it tells of tunnels where they are wanted. Everything else in it is its author's.
 */
import type { Asn } from '../core/asn.js';
import type { AddressFamily, PerFamily } from '../core/ip-address.js';
import { CALICO_API, type NodeResource } from '../core/resources/resource.js';
import { afterChange, type ResourceChange, sameValue } from './calculators/calculator.js';
import { usualClusterId } from './calculators/speaker-settings.js';
import type { TunnelIdentity } from './calculators/tunnels.js';
import type { NodeAddressChoice } from './node-address.js';

/** ADDRESS/LENGTH; of a family without one its author's stays, unless it is withheld. */
export type NodeAddresses = PerFamily<string | Withheld>;

const WITHHELD = { withheld: true } as const;
type Withheld = typeof WITHHELD;

/** What an own Node should hold beside its address. */
export interface OwnIdentity extends TunnelIdentity {
  /** It is a route reflector's: with a cluster id, without which others take it into the mesh. */
  readonly reflects?: boolean;
  /** Undefined: its author's stays. */
  readonly asNumber?: Asn | undefined;
}

/** The document as it should be: the author's, with the address and what other hosts must know for sending by tunnels. */
export function ownNode(
  found: NodeResource | undefined,
  nodeName: string,
  { ipv4, ipv6 }: NodeAddresses,
  {
    ipipAddress,
    vxlanAddress,
    vtepMac,
    vxlanIpv6Address,
    vtepIpv6Mac,
    reflects = false,
    asNumber,
  }: OwnIdentity,
): NodeResource {
  const node: NodeResource = found ?? {
    apiVersion: CALICO_API,
    kind: 'Node',
    metadata: { name: nodeName, labels: {}, annotations: {} },
    spec: {},
  };
  const addresses = {
    ...(typeof ipv4 === 'string' ? { ipv4Address: ipv4 } : {}),
    ...(typeof ipv6 === 'string' ? { ipv6Address: ipv6 } : {}),
  };
  const ipip = ipipAddress === undefined ? {} : { ipv4IPIPTunnelAddr: ipipAddress };
  const vxlan = vxlanAddress === undefined ? {} : { ipv4VXLANTunnelAddr: vxlanAddress };
  const cluster =
    reflects && node.spec.bgp?.routeReflectorClusterID === undefined
      ? { routeReflectorClusterID: usualClusterId(typeof ipv4 === 'string' ? ipv4 : undefined, nodeName) }
      : {};
  const as = asNumber === undefined ? {} : { asNumber };
  const mac = vtepMac === undefined ? {} : { vxlanTunnelMACAddr: vtepMac };
  const vxlan6 = vxlanIpv6Address === undefined ? {} : { ipv6VXLANTunnelAddr: vxlanIpv6Address };
  const mac6 = vtepIpv6Mac === undefined ? {} : { vxlanTunnelMACAddrV6: vtepIpv6Mac };
  return {
    ...node,
    spec: {
      ...node.spec,
      bgp: without({ ...node.spec.bgp, ...as, ...addresses, ...ipip, ...cluster }, { ipv4, ipv6 }),
      ...vxlan,
      ...mac,
      ...vxlan6,
      ...mac6,
    },
  };
}

/** The document as it should be where it is not, undefined where it is. */
export function rightOwnNode(
  found: NodeResource | undefined,
  nodeName: string,
  addresses: NodeAddresses,
  identity: OwnIdentity,
): NodeResource | undefined {
  const right = ownNode(found, nodeName, addresses, identity);
  return found !== undefined && sameValue(found, right) ? undefined : right;
}

function without(
  bgp: NonNullable<NodeResource['spec']['bgp']>,
  { ipv4, ipv6 }: NodeAddresses,
): NonNullable<NodeResource['spec']['bgp']> {
  const { ipv4Address: _, ...noIpv4 } = bgp;
  const { ipv6Address: __, ...noIpv6 } = ipv4 === WITHHELD ? noIpv4 : bgp;
  if (ipv6 === WITHHELD) return noIpv6;
  return ipv4 === WITHHELD ? noIpv4 : bgp;
}

export function chosenAddresses(choices: Readonly<Record<AddressFamily, NodeAddressChoice>>): NodeAddresses {
  const address = (choice: NodeAddressChoice) => {
    if (choice.kind === 'withheld') return WITHHELD;
    return choice.kind === 'chosen' ? choice.address : undefined;
  };
  return { ipv4: address(choices.ipv4), ipv6: address(choices.ipv6) };
}

/**
 * What a change to a Node means for the host that it is of: deleted, or without an address, it is in force as it should be, so that
 * sessions live on while the store is put right; any other address is its author's will. Undefined if there is nothing to put right.
 */
export function mendedNode(
  change: ResourceChange,
  nodeName: string,
  choices: Readonly<Record<AddressFamily, NodeAddressChoice>>,
  identityOf: (found: NodeResource | undefined) => OwnIdentity,
): NodeResource | undefined {
  const { id, resource } = afterChange(change);
  if (id.kind !== 'Node' || id.name !== nodeName || choices.ipv4.kind === 'refused') return undefined;
  const found = resource?.kind === 'Node' ? resource : undefined;
  const chosen = chosenAddresses(choices);
  const addresses = {
    ipv4: found?.spec.bgp?.ipv4Address ?? chosen.ipv4,
    ipv6: found?.spec.bgp?.ipv6Address ?? chosen.ipv6,
  };
  return rightOwnNode(found, nodeName, addresses, identityOf(found));
}
