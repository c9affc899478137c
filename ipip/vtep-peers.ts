/**
 * What a VXLAN device must know of the other hosts (pure): for each its MAC behind its {@link vtepGateway} (neighbour), and its address behind its MAC
 * (forwarding database). Nothing is learnt and nothing is flooded: what is not in these tables goes nowhere.
 */
import { type AddressFamily, addressFamily, addressFromBytes, type IpAddress } from '../core/ip-address.js';
import { type FdbEntry, permanentFdbState } from '../linux/netlink/bridge-fdb.js';
import type { Neighbour } from '../linux/netlink/neighbour.js';
import type { RemoteHost } from './encapsulation.js';

/**
 * What a host's VXLAN device is addressed by, as the next hop of routes into ours. For IPv4 the node's address. For IPv6 the kernel takes no
 * gateway that another device leads to, "onlink" or not (ip6_route_check_nh_onlink): there it is the link-local address that its MAC makes
 * (RFC 4291 appendix A), which depends on no route.
 */
export function vtepGateway({ address, vtepMac }: RemoteHost): IpAddress {
  if (addressFamily(address) === 'ipv4') return address;
  const octets = vtepMac.split(':').map(octet => Number.parseInt(octet, 16));
  const bytes = new Uint8Array(16);
  bytes.set([0xfe, 0x80]);
  bytes.set([octets[0]! ^ 0x02, octets[1]!, octets[2]!, 0xff, 0xfe, ...octets.slice(3)], 8);
  return addressFromBytes('ipv6', bytes);
}

/** NUD_PERMANENT (linux/neighbour.h). */
const PERMANENT = 0x80;

export interface VtepPlan {
  readonly addFdb: readonly FdbEntry[];
  readonly deleteFdb: readonly FdbEntry[];
  readonly addNeighbours: readonly Neighbour[];
  readonly deleteNeighbours: readonly Neighbour[];
}

export interface VtepTables {
  readonly fdb: readonly FdbEntry[];
  readonly neighbours: readonly Neighbour[];
}

/** @param ifindex of our device @param family of the addresses between which it sends @param hosts in order of their names: of two with one MAC the first has it */
export function planVtepPeers(
  ifindex: number,
  hosts: readonly RemoteHost[],
  tables: VtepTables,
  family: AddressFamily = 'ipv4',
): VtepPlan {
  const byMac = new Map<string, RemoteHost>();
  for (const host of hosts)
    if (addressFamily(host.address) === family && host.vtepMac !== '' && !byMac.has(host.vtepMac))
      byMac.set(host.vtepMac, host);
  const wanted = [...byMac.values()];
  const macs = new Map(wanted.map(host => [vtepGateway(host), host.vtepMac]));
  const fdb = tables.fdb.filter(entry => entry.ifindex === ifindex);
  const neighbours = tables.neighbours.filter(
    entry => entry.ifindex === ifindex && addressFamily(entry.address) === family,
  );
  const fdbRight = (entry: FdbEntry) => byMac.get(entry.linkLayerAddress)?.address === entry.destination;
  const neighbourRight = ({ address, linkLayerAddress, state }: Neighbour) =>
    macs.get(address) === linkLayerAddress && (state & PERMANENT) !== 0;
  const known = new Set(fdb.filter(fdbRight).map(entry => entry.linkLayerAddress));
  const resolved = new Set(neighbours.filter(neighbourRight).map(entry => entry.address));
  return {
    addFdb: wanted
      .filter(({ vtepMac }) => !known.has(vtepMac))
      .map(({ address, vtepMac }) => ({
        ifindex,
        linkLayerAddress: vtepMac,
        destination: address,
        state: permanentFdbState,
      })),
    deleteFdb: fdb.filter(entry => !fdbRight(entry)),
    addNeighbours: wanted
      .map(host => ({
        ifindex,
        address: vtepGateway(host),
        linkLayerAddress: host.vtepMac,
        state: PERMANENT,
      }))
      .filter(({ address }) => !resolved.has(address)),
    // One that the kernel tried to resolve by itself goes by itself.
    deleteNeighbours: neighbours.filter(entry => (entry.state & PERMANENT) !== 0 && !macs.has(entry.address)),
  };
}

export function isEmptyVtepPlan(plan: VtepPlan): boolean {
  return (
    plan.addFdb.length + plan.deleteFdb.length + plan.addNeighbours.length + plan.deleteNeighbours.length ===
    0
  );
}
