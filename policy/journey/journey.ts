/**
 * A packet's way from end to end: it is judged on the host that it leaves and on the one that it comes to, once where these are one and the
 * same (pure).
 */
import { type AddressFamily, addressFamily, type IpAddress } from '../../core/ip-address.js';
import { evaluate } from '../evaluate/evaluate.js';
import type { End } from '../evaluate/situation.js';
import type { Judgement, Verdict } from '../evaluate/trace.js';
import type { Packet } from '../model.js';
import { addressOf, type World, type WorldWorkload } from './world.js';

/** One end of it: a workload of the cluster, a process of one of its hosts, or an address that is none of theirs. */
export type Party =
  | {
      readonly kind: 'workload';
      readonly workload: WorldWorkload;
      /** The one of its addresses that is meant; without: the first of the family. */
      readonly address?: IpAddress;
    }
  | { readonly kind: 'host'; readonly host: string; readonly address: IpAddress }
  | { readonly kind: 'address'; readonly address: IpAddress };

export interface Journey {
  readonly verdict: Verdict;
  readonly packet: Packet;
  /** In the order of its way; after a host that denies there is none. Empty: it meets no host that we know. */
  readonly legs: readonly { readonly host: string; readonly judgement: Judgement }[];
}

/** What is to be carried; the addresses are those of the parties. */
export type Cargo = Omit<Packet, 'source' | 'destination'>;

/**
 * @param uplink the interface by which a host reaches an address that is not its own
 * @returns undefined if the two have no address of one family
 */
export function travel(
  world: World,
  from: Party,
  to: Party,
  cargo: Cargo,
  uplink: (host: string, towards: IpAddress) => string = () => 'eth0',
): Journey | undefined {
  const ends = addressesOf(from, to, cargo);
  if (ends === undefined) return undefined;
  const packet: Packet = { ...ends, ...cargo };
  const [leaves, arrives] = [from, to].map(hostOf);
  const outside = (host: string, towards: IpAddress): End => ({
    kind: 'interface',
    name: leaves === arrives && from.kind === 'host' && to.kind === 'host' ? 'lo' : uplink(host, towards),
  });
  const inside = (party: Party): End =>
    party.kind === 'workload' ? { kind: 'workload', key: party.workload.key } : { kind: 'process' };
  const stops: { readonly host: string; readonly from: End; readonly to: End }[] = [];
  if (leaves !== undefined) {
    const near = leaves === arrives && (from.kind === 'workload' || to.kind === 'workload');
    stops.push({
      host: leaves,
      from: inside(from),
      to: near ? inside(to) : outside(leaves, packet.destination),
    });
  }
  if (arrives !== undefined && (arrives !== leaves || (from.kind === 'host' && to.kind === 'host')))
    stops.push({ host: arrives, from: outside(arrives, packet.source), to: inside(to) });
  const legs: Journey['legs'][number][] = [];
  for (const { host, ...way } of stops) {
    const { policy, settings } = world.host(host);
    const judgement = evaluate(policy, settings, { packet, ...way });
    legs.push({ host, judgement });
    if (judgement.verdict === 'deny') return { verdict: 'deny', packet, legs };
  }
  return { verdict: 'allow', packet, legs };
}

/** Undefined: none that we know. */
export function hostOf(party: Party): string | undefined {
  switch (party.kind) {
    case 'workload':
      return party.workload.host;
    case 'host':
      return party.host;
    case 'address':
      return undefined;
  }
}

function addressesOf(
  from: Party,
  to: Party,
  { protocol }: Cargo,
): { readonly source: IpAddress; readonly destination: IpAddress } | undefined {
  const only: Readonly<Record<number, AddressFamily>> = { 1: 'ipv4', 58: 'ipv6' };
  for (const family of ['ipv4', 'ipv6'] as const) {
    if ((only[protocol] ?? family) !== family) continue;
    const [source, destination] = [from, to].map(party => ofFamily(party, family));
    if (source !== undefined && destination !== undefined) return { source, destination };
  }
  return undefined;
}

/** Its address in a family, if it has one there. */
export function ofFamily(party: Party, family: AddressFamily): IpAddress | undefined {
  if (party.kind === 'workload' && party.address === undefined) return addressOf(party.workload, family);
  const { address } = party;
  return address !== undefined && addressFamily(address) === family ? address : undefined;
}
