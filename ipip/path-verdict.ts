/** From a path's next hops to the legs of a kernel route, or the reason why there is none (pure). Each leg decides for itself. */
import {
  addressFamily,
  compareAddresses,
  type IpAddress,
  type PerFamily,
  withoutZone,
} from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { DesiredRoute, RouteLeg, RouteRefusal, TunnelKind } from './desired.js';
import {
  chooseEncapsulation,
  encapsulationFor,
  isVxlan,
  type OwnTunnels,
  type PoolModes,
  type RemoteHost,
} from './encapsulation.js';
import type { Resolution } from './next-hops.js';
import { NO_TUNNELS, type TunnelsTaken } from './tunnel-use.js';
import { vtepGateway } from './vtep-peers.js';

export type PathVerdict =
  | { readonly kind: 'route'; readonly route: DesiredRoute; readonly by: TunnelsTaken }
  | { readonly kind: 'refused'; readonly why: RouteRefusal };

export interface PathSurroundings {
  readonly ownSubnets: PerFamily<Prefix>;
  readonly preferredSources: PerFamily<IpAddress>;
  /** This host's addresses inside its tunnels: answers to them come back through them. */
  readonly tunnelSources: PerFamily<IpAddress>;
  readonly metric: number;
  readonly tunnels: OwnTunnels;
  readonly remoteHosts: ReadonlyMap<IpAddress, RemoteHost>;
  readonly resolve: (nextHop: IpAddress) => Resolution;
}

/** A leg, and the MTU and kind of the tunnel it leaves by. */
interface ChosenLeg {
  /** Without its interface, which the leg has. */
  readonly nextHop: IpAddress;
  readonly leg: RouteLeg;
  readonly tunnel: TunnelKind | undefined;
  readonly mtu: number | undefined;
}

/** @param nextHops one or more */
export function judgePath(
  nextHops: readonly IpAddress[],
  pool: PoolModes | undefined,
  surroundings: PathSurroundings,
): PathVerdict {
  const chosen: ChosenLeg[] = [];
  let why: RouteRefusal = { kind: 'next-hop-unreachable', nextHop: nextHops[0]! };
  for (const nextHop of nextHops) {
    const leg = legBy(nextHop, pool, surroundings);
    if ('kind' in leg) why = leg;
    else chosen.push(leg);
  }
  if (chosen.length === 0) return { kind: 'refused', why };
  const tunnels = [...new Set(chosen.flatMap(({ tunnel }) => tunnel ?? []))].sort();
  const route = {
    kind: 'unicast',
    legs: canonicalLegs(chosen.map(({ leg }) => leg)),
    preferredSource: sourceOf(pool, tunnels, surroundings),
    mtu: commonMtu(chosen),
    metric: surroundings.metric,
  } as const;
  if (tunnels.length === 0) return { kind: 'route', route, by: NO_TUNNELS };
  const udpHost = chosen.find(({ tunnel }) => tunnel === 'udp')?.nextHop;
  return { kind: 'route', route, by: { tunnels, udpHost } };
}

function legBy(
  nextHop: IpAddress,
  pool: PoolModes | undefined,
  { ownSubnets, remoteHosts, tunnels, resolve }: PathSurroundings,
): ChosenLeg | RouteRefusal {
  // Asked for in any case: who asks is told when something of this next hop changes.
  const resolution = resolve(nextHop);
  const address = withoutZone(nextHop);
  const wanted = encapsulationFor(pool, nextHop, ownSubnets);
  const choice = chooseEncapsulation(wanted, nextHop, remoteHosts.get(nextHop), tunnels);
  if (choice.kind === 'refused') return choice.why;
  if (resolution.kind === 'unreachable') return { kind: 'next-hop-unreachable', nextHop };
  if (choice.encapsulation === 'none') {
    return { nextHop: address, leg: plainLeg(address, resolution), tunnel: undefined, mtu: undefined };
  }
  const tunnel = tunnels.get(choice.encapsulation);
  if (tunnel?.kind !== 'open')
    return { kind: 'no-tunnel', tunnel: choice.encapsulation, reason: 'it is being opened' };
  const { ifindex, mtu } = tunnel;
  const remote = remoteHosts.get(nextHop);
  const gateway = isVxlan(choice.encapsulation) && remote !== undefined ? vtepGateway(remote) : address;
  const leg = { gateway, ifindex, onlink: gateway === address };
  return { nextHop: address, leg, tunnel: choice.encapsulation, mtu };
}

function plainLeg(
  nextHop: IpAddress,
  resolution: Exclude<Resolution, { readonly kind: 'unreachable' }>,
): RouteLeg {
  if (resolution.kind === 'connected') {
    return { gateway: nextHop, ifindex: resolution.ifindex, onlink: false };
  }
  return { gateway: resolution.gateway, ifindex: resolution.ifindex, onlink: resolution.onlink };
}

/** Only what leads to pods has an address of ours as its source; a switch's default route has the kernel's choice. */
function sourceOf(
  pool: PoolModes | undefined,
  tunnels: readonly TunnelKind[],
  { preferredSources, tunnelSources }: PathSurroundings,
): IpAddress | undefined {
  if (pool === undefined) return undefined;
  const family = addressFamily(pool.cidr);
  const plain = preferredSources[family];
  return tunnels.length === 0 ? plain : (tunnelSources[family] ?? plain);
}

/** A route has one MTU for all its legs: where they differ, each leg has that of its device. */
function commonMtu(chosen: readonly ChosenLeg[]): number | undefined {
  const mtu = chosen[0]?.mtu;
  return chosen.every(one => one.mtu === mtu) ? mtu : undefined;
}

/** In order, and each once: several next hops may lie behind one router. */
export function canonicalLegs(legs: readonly RouteLeg[]): readonly RouteLeg[] {
  const sorted = [...legs].sort(compareLegs);
  return sorted.filter((leg, i) => i === 0 || compareLegs(leg, sorted[i - 1]!) !== 0);
}

function compareLegs(a: RouteLeg, b: RouteLeg): number {
  if (a.gateway === undefined || b.gateway === undefined) {
    return Number(a.gateway !== undefined) - Number(b.gateway !== undefined) || a.ifindex - b.ifindex;
  }
  return compareAddresses(a.gateway, b.gateway) || a.ifindex - b.ifindex;
}
