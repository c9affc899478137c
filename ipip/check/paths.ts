/**
 * Which ways lead from this host to the others, and how each is probed (pure). Decided by what decides routes, so that what is probed is
 * what packets of pods take.
 *
 * A host's addresses may lie in several pools: each mode that they are sent by is a way of its own. Of those through tunnels, the one to
 * the host's address inside its tunnels can be probed, as there somebody answers.
 */
import { addressFamily, type IpAddress, type PerFamily } from '../../core/ip-address.js';
import { hostPrefix, type Prefix, prefixFamily } from '../../core/prefix.js';
import { CoveringPrefixes } from '../covering-prefixes.js';
import { describeRouteRefusal, type Encapsulation, type TunnelKind, tunnelWords } from '../desired.js';
import { chooseEncapsulation, encapsulationFor, type PoolModes, type RemoteHost } from '../encapsulation.js';
import type { RouteEnvironment } from '../route-environment.js';

export interface CheckedHost extends RemoteHost {
  /** Its own inside its tunnels, of the same family. */
  readonly tunnelAddress: IpAddress | undefined;
  /** Its pods' addresses. */
  readonly blocks: readonly Prefix[];
}

export interface CheckFacts {
  readonly environment: RouteEnvironment;
  /** The node's addresses of this host. */
  readonly addresses: PerFamily<IpAddress>;
  readonly underlayMtus: PerFamily<number>;
  readonly hosts: readonly CheckedHost[];
  /** Why nothing leads to a destination by a route of ours, in words; undefined: something does. */
  readonly routeProblem: (destination: Prefix) => string | undefined;
}

/** A way from this host to another. */
export interface Path {
  readonly host: string;
  /** The node's. */
  readonly address: IpAddress;
  readonly mode: Encapsulation;
  readonly todo: PathTodo;
}

export type PathTodo =
  | {
      readonly kind: 'probe';
      readonly from: IpAddress;
      readonly to: IpAddress;
      /** The largest packet that should pass. */
      readonly fullBytes: number;
    }
  /** Packets do not go that way: whether the host answers at all is asked nevertheless. */
  | { readonly kind: 'no-route'; readonly why: string }
  /** Nothing is sent there, and nothing is asked. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Nobody at the other end is known who would answer: its Node does not say yet which address it has inside its tunnels. */
  | { readonly kind: 'no-address'; readonly why: string }
  /** Its address inside its tunnels is reached by another mode. */
  | { readonly kind: 'other-pool'; readonly why: string };

/** In the order of the hosts. */
export function pathsToCheck(facts: CheckFacts): readonly Path[] {
  const pools = new CoveringPrefixes(facts.environment.pools.map(pool => [pool.cidr, pool]));
  return facts.hosts.flatMap(host => pathsTo(host, pools, facts));
}

/** Destinations at one host that are sent there by the same mode, or refused for the same reason. */
interface Group {
  readonly mode: Encapsulation;
  readonly refusal: string | undefined;
  readonly destinations: Prefix[];
}

function pathsTo(host: CheckedHost, pools: CoveringPrefixes<PoolModes>, facts: CheckFacts): Path[] {
  const groups = new Map<string, Group>();
  for (const destination of destinationsAt(host)) {
    const group = { ...modeTowards(host, pools.covering(destination), facts), destinations: [] };
    const key = `${group.mode} ${group.refusal ?? ''}`;
    if (!groups.has(key)) groups.set(key, group);
    groups.get(key)!.destinations.push(destination);
  }
  // A host that has no pods yet is reached plainly; of two families one is enough to ask.
  const { name, address } = host;
  if (groups.size === 0 && addressFamily(address) === 'ipv6') return [];
  if (groups.size === 0) groups.set('', { mode: 'none', refusal: undefined, destinations: [] });
  return [...groups.values()].map(group => ({
    host: name,
    address,
    mode: group.mode,
    todo: todoFor(host, group, facts),
  }));
}

function destinationsAt({ address, tunnelAddress, blocks }: CheckedHost): readonly Prefix[] {
  const own = tunnelAddress === undefined ? [] : [hostPrefix(tunnelAddress)];
  return [...blocks.filter(block => prefixFamily(block) === addressFamily(address)), ...own];
}

function modeTowards(
  host: CheckedHost,
  pool: PoolModes | undefined,
  { environment }: CheckFacts,
): Pick<Group, 'mode' | 'refusal'> {
  const wanted = encapsulationFor(pool, host.address, environment.ownSubnets);
  const choice = chooseEncapsulation(wanted, host.address, host, environment.tunnels);
  if (choice.kind === 'use') return { mode: choice.encapsulation, refusal: undefined };
  return { mode: wanted, refusal: describeRouteRefusal(choice.why) };
}

function todoFor(host: CheckedHost, { mode, refusal, destinations }: Group, facts: CheckFacts): PathTodo {
  if (refusal !== undefined) return { kind: 'refused', why: refusal };
  for (const destination of destinations) {
    const why = facts.routeProblem(destination);
    if (why !== undefined) return { kind: 'no-route', why };
  }
  const { environment } = facts;
  const family = addressFamily(host.address);
  const [address, underlayMtu] = [facts.addresses[family], facts.underlayMtus[family]];
  if (address === undefined || underlayMtu === undefined)
    return { kind: 'refused', why: `no interface of this host has an address to reach ${host.address} from` };
  if (mode === 'none') return { kind: 'probe', from: address, to: host.address, fullBytes: underlayMtu };
  const { tunnelAddress } = host;
  if (tunnelAddress === undefined || !destinations.includes(hostPrefix(tunnelAddress))) {
    return nobodyThere(host, mode, destinations);
  }
  const tunnel = environment.tunnels.get(mode);
  if (tunnel?.kind !== 'open')
    return { kind: 'refused', why: `this host's own ${tunnelWords[mode]} is being opened` };
  const from = environment.tunnelSources[family] ?? address;
  return { kind: 'probe', from, to: tunnelAddress, fullBytes: tunnel.mtu };
}

function nobodyThere(
  { name, tunnelAddress }: CheckedHost,
  mode: TunnelKind,
  destinations: readonly Prefix[],
): PathTodo {
  const verb = destinations.length === 1 ? 'is' : 'are';
  const there = `${destinations.join(', ')} of ${name} ${verb} reached by ${tunnelWords[mode]}`;
  return tunnelAddress === undefined
    ? {
        kind: 'no-address',
        why: `${there}, and its Node does not say yet which address it has inside its tunnels`,
      }
    : {
        kind: 'other-pool',
        why: `${there}, and not probed: its tunnel address ${tunnelAddress} is in another pool`,
      };
}
