/**
 * What a VXLAN device must know of the other hosts (pure): for each its MAC behind its address (neighbour), and its address behind its MAC
 * (forwarding database). Nothing is learnt and nothing is flooded: what is not in these tables goes nowhere.
 */
import { type FdbEntry, permanentFdbState } from '../linux/netlink/bridge-fdb.js';
import type { Neighbour } from '../linux/netlink/neighbour.js';
import type { RemoteHost } from './encapsulation.js';

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

/** @param ifindex of our device @param hosts in order of their names: of two with one MAC the first has it */
export function planVtepPeers(ifindex: number, hosts: readonly RemoteHost[], tables: VtepTables): VtepPlan {
  const byMac = new Map<string, RemoteHost>();
  for (const host of hosts)
    if (host.vtepMac !== '' && !byMac.has(host.vtepMac)) byMac.set(host.vtepMac, host);
  const wanted = [...byMac.values()];
  const macs = new Map(wanted.map(({ address, vtepMac }) => [address, vtepMac]));
  const fdb = tables.fdb.filter(entry => entry.ifindex === ifindex);
  const neighbours = tables.neighbours.filter(entry => entry.ifindex === ifindex && isIpv4(entry));
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
      .filter(({ address }) => !resolved.has(address))
      .map(({ address, vtepMac }) => ({ ifindex, address, linkLayerAddress: vtepMac, state: PERMANENT })),
    // One that the kernel tried to resolve by itself goes by itself.
    deleteNeighbours: neighbours.filter(entry => (entry.state & PERMANENT) !== 0 && !macs.has(entry.address)),
  };
}

function isIpv4({ address }: Neighbour): boolean {
  return !address.includes(':');
}

export function isEmptyVtepPlan(plan: VtepPlan): boolean {
  return (
    plan.addFdb.length + plan.deleteFdb.length + plan.addNeighbours.length + plan.deleteNeighbours.length ===
    0
  );
}
