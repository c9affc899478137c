/** What becomes of connections that go on, by what policy would say of them if they began now (pure). */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import { prefixAddress } from '../../core/prefix.js';
import type { ConntrackEntry } from '../../linux/netlink/conntrack.js';
import { evaluate } from '../../policy/evaluate/evaluate.js';
import type { End } from '../../policy/evaluate/situation.js';
import type { Step } from '../../policy/evaluate/trace.js';
import { cutsWhatItDenies } from '../../policy/flush-on-deny.js';
import type { HostPolicy } from '../../policy/model.js';
import type { FilterSettings } from '../../policy/settings.js';

export interface HostPlaces {
  readonly own: ReadonlySet<IpAddress>;
  /** The interface by which an address that is not of this host is reached; undefined: none. */
  readonly towards: (address: IpAddress) => string | undefined;
}

/**
 * - `cut`: denied, by what says that connections do not outlive it; chains of a workload drop it once it is marked
 * - `ended`: the same, by a policy of a host endpoint: by which interface its packets come is a guess, so that it is judged anew
 * - `unknown`: nobody knows where one of its ends is
 */
export type Fate = 'goes-on' | 'cut' | 'ended' | 'unknown';

/** @returns what tells the fate of an entry; those that no local workload is part of go on */
export function fateNow(
  policy: HostPolicy,
  settings: FilterSettings,
  places: HostPlaces,
): (entry: ConntrackEntry) => Fate {
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
    if (!workloads.has(original.source) && !workloads.has(destination)) return 'goes-on';
    if (addressFamily(original.source) !== addressFamily(destination)) return 'goes-on';
    const [from, to] = [placeOf(original.source), placeOf(destination)];
    if (from === undefined || to === undefined) return 'unknown';
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
    const { verdict, trace } = evaluate(policy, settings, { packet, from, to, connection: 'new' });
    if (verdict === 'allow' || !isCutBy(trace, policy, settings)) return 'goes-on';
    return deniedByHostEndpoint(trace) ? 'ended' : 'cut';
  };
}

/** Whether one of its ends has, or is translated to, one of the addresses. */
export function isOfAny({ original, reply }: ConntrackEntry, addresses: ReadonlySet<IpAddress>): boolean {
  const ends = [original.source, original.destination, reply.source, reply.destination];
  return ends.some(address => addresses.has(address));
}

/** Where the default of a tier denies, all policies of the tier that the endpoint has do together. */
function isCutBy(trace: readonly Step[], { policies }: HostPolicy, settings: FilterSettings): boolean {
  const isOfPolicy = (step: Step) =>
    (step.kind === 'rule' || step.kind === 'no-rule') &&
    step.owner.kind === 'policy' &&
    cutsWhatItDenies(policies.get(step.owner.key), settings);
  const tier = () => trace.slice(trace.findLastIndex(({ kind }) => kind === 'tier'));
  switch (whyOf(trace)) {
    case 'policy':
      return trace
        .filter(({ kind }) => kind === 'rule')
        .slice(-1)
        .some(isOfPolicy);
    case 'tier-default':
      return tier()
        .filter(({ kind }) => kind === 'no-rule')
        .some(isOfPolicy);
    default:
      return settings.flushOnDeny;
  }
}

function deniedByHostEndpoint(trace: readonly Step[]): boolean {
  const why = whyOf(trace);
  const last = trace.findLast(step => step.kind === 'endpoint');
  return (why === 'policy' || why === 'tier-default') && last?.part !== 'workload';
}

function whyOf(trace: readonly Step[]) {
  const last = trace.at(-1);
  return last?.kind === 'decided' ? last.why : undefined;
}
