/** Which connections that go on would not be let through if they began now (pure). */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import { prefixAddress } from '../../core/prefix.js';
import type { ConntrackEntry } from '../../linux/netlink/conntrack.js';
import { evaluate } from '../../policy/evaluate/evaluate.js';
import type { End } from '../../policy/evaluate/situation.js';
import type { HostPolicy } from '../../policy/model.js';
import type { FilterSettings } from '../../policy/settings.js';

export interface HostPlaces {
  readonly own: ReadonlySet<IpAddress>;
  /** The interface by which an address that is not of this host is reached; undefined: none. */
  readonly towards: (address: IpAddress) => string | undefined;
}

/** @returns what tells of an entry whether it is denied now; those that no local workload is part of are left alone */
export function deniedNow(
  policy: HostPolicy,
  settings: FilterSettings,
  places: HostPlaces,
): (entry: ConntrackEntry) => boolean {
  const workloads = new Map<IpAddress, End>();
  for (const { key, addresses } of policy.workloads.values()) {
    for (const address of addresses) workloads.set(prefixAddress(address), { kind: 'workload', key });
  }
  const placeOf = (address: IpAddress): End | undefined => {
    const workload = workloads.get(address);
    if (workload !== undefined) return workload;
    if (places.own.has(address)) return { kind: 'process' };
    const name = places.towards(address);
    return name === undefined ? undefined : { kind: 'interface', name };
  };
  return ({ original, reply }) => {
    // Where the destination was translated, filters see where it went.
    const destination = reply.source;
    const [from, to] = [placeOf(original.source), placeOf(destination)];
    if (from === undefined || to === undefined) return false;
    if (from.kind !== 'workload' && to.kind !== 'workload') return false;
    if (addressFamily(original.source) !== addressFamily(destination)) return false;
    const { protocol, sourcePort, icmp } = original;
    const destinationPort = reply.sourcePort;
    const packet = {
      source: original.source,
      destination,
      protocol,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
      ...(icmp === undefined ? {} : { icmp }),
    };
    return evaluate(policy, settings, { packet, from, to, connection: 'new' }).verdict === 'deny';
  };
}
