/** From a path's next hops to the legs of a kernel route, or the reason why there is none (pure). Each leg decides for itself. */
import { compareAddresses, type IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';
import type { DesiredRoute, RouteLeg, RouteRefusal } from './desired.js';
import { encapsulationFor, type PoolModes } from './encapsulation.js';
import type { Resolution } from './next-hops.js';

/** `tunnelled`: a leg would leave by a tunnel, so more must be known of the destination than that there are legs. */
export type PathVerdict =
  | { readonly kind: 'route'; readonly route: DesiredRoute; readonly tunnelled: boolean }
  | { readonly kind: 'refused'; readonly why: RouteRefusal; readonly tunnelled: boolean };

export interface PathSurroundings {
  readonly ownSubnet: Prefix | undefined;
  readonly preferredSource: IpAddress | undefined;
  readonly metric: number;
  readonly resolve: (nextHop: IpAddress) => Resolution;
}

/** @param nextHops one or more */
export function judgePath(
  nextHops: readonly IpAddress[],
  pool: PoolModes | undefined,
  { ownSubnet, preferredSource, metric, resolve }: PathSurroundings,
): PathVerdict {
  const legs: RouteLeg[] = [];
  let why: RouteRefusal | undefined;
  let tunnelled = false;
  for (const nextHop of nextHops) {
    const encapsulation = encapsulationFor(pool, nextHop, ownSubnet);
    if (encapsulation !== 'none') {
      tunnelled = true;
      why = { kind: 'no-tunnel', encapsulation };
      continue;
    }
    const leg = plainLeg(nextHop, resolve(nextHop));
    if (leg === undefined) why = { kind: 'next-hop-unreachable', nextHop };
    else legs.push(leg);
  }
  if (legs.length === 0) {
    return {
      kind: 'refused',
      why: why ?? { kind: 'next-hop-unreachable', nextHop: nextHops[0]! },
      tunnelled,
    };
  }
  // Only what leads to pods has the node's address as its source; a switch's default route has the kernel's choice.
  const source = pool === undefined ? undefined : preferredSource;
  const sameFamily = source?.includes(':') === pool?.cidr.includes(':');
  const route = {
    kind: 'unicast',
    legs: canonicalLegs(legs),
    preferredSource: sameFamily ? source : undefined,
    mtu: undefined,
    metric,
  } as const;
  return { kind: 'route', route, tunnelled };
}

function plainLeg(nextHop: IpAddress, resolution: Resolution): RouteLeg | undefined {
  switch (resolution.kind) {
    case 'connected':
      return { gateway: nextHop, ifindex: resolution.ifindex, onlink: false };
    case 'via':
      return { gateway: resolution.gateway, ifindex: resolution.ifindex, onlink: resolution.onlink };
    case 'unreachable':
      return undefined;
  }
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
