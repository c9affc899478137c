/**
 * What the kernel should hold, as data: the shared words between the calculators (pure) and the drivers (shell) of this room.
 * How a process with no memory knows each object as ours: routes by their protocol number, devices by their name.
 */
import type { IpAddress } from '../core/ip-address.js';
import type { Prefix } from '../core/prefix.js';

/** Our rtm_protocol: unassigned in iproute2's rt_protos, and not another agent's (80 Calico, 99, 186 bird/bgp). */
export const MARGAY_ROUTE_PROTOCOL = 157;

/** RFC 1812 next hop: one leg of a route. `onlink`: the gateway need not be inside a connected prefix (RTNH_F_ONLINK). */
export interface RouteLeg {
  /** Undefined: the destination is on the link itself, as a workload is on its interface. */
  readonly gateway: IpAddress | undefined;
  readonly ifindex: number;
  readonly onlink: boolean;
}

/**
 * What a route does, without its destination. All routes that do the same share one object where they can: a table of 100 000 routes
 * by three next hops holds three of them. There is one route of ours per destination and metric.
 */
export type DesiredRoute =
  | {
      readonly kind: 'unicast';
      /** One, or several for a multipath route, in canonical order. */
      readonly legs: readonly RouteLeg[];
      readonly preferredSource: IpAddress | undefined;
      readonly mtu: number | undefined;
      /** 1 to 4294967295 (the kernel has no 0 for IPv6). */
      readonly metric: number;
    }
  /** Own blocks: traffic for addresses nobody has ends here. Never for a /32. */
  | { readonly kind: 'blackhole'; readonly metric: number };

/** Whether a route in the kernel needs no change to be the desired one. */
export function sameDesiredRoute(a: DesiredRoute, b: DesiredRoute): boolean {
  if (a === b) return true;
  if (a.metric !== b.metric) return false;
  if (a.kind === 'blackhole' || b.kind === 'blackhole') return a.kind === b.kind;
  return (
    a.preferredSource === b.preferredSource &&
    a.mtu === b.mtu &&
    a.legs.length === b.legs.length &&
    a.legs.every((leg, i) => sameLeg(leg, b.legs[i]!))
  );
}

function sameLeg(a: RouteLeg, b: RouteLeg): boolean {
  return a.gateway === b.gateway && a.ifindex === b.ifindex && a.onlink === b.onlink;
}

/** How packets for a destination leave this host: plainly, or inside packets between the hosts. */
export type Encapsulation = 'none' | TunnelKind;

/** `vxlan-v6`: VXLAN between IPv6 addresses, for IPv6 pools. `udp`: flannel's wire, the last resort of kernels that have neither of the others. */
export const tunnelKinds = ['ipip', 'vxlan', 'vxlan-v6', 'udp'] as const;
export type TunnelKind = (typeof tunnelKinds)[number];

export const tunnelWords: Readonly<Record<TunnelKind, string>> = {
  ipip: 'IPIP',
  vxlan: 'VXLAN',
  'vxlan-v6': 'VXLAN over IPv6',
  udp: 'UDP encapsulation',
};

export type EncapsulationMode = 'Always' | 'CrossSubnet' | 'Never';

/** Why a best route is not programmed; shown by `bgpctl routes --why`. */
export type RouteRefusal =
  | { readonly kind: 'inside-own-block'; readonly block: Prefix }
  | { readonly kind: 'equals-connected-prefix'; readonly interfaceName: string }
  | { readonly kind: 'would-carry-peer-address'; readonly address: IpAddress }
  | { readonly kind: 'next-hop-unreachable'; readonly nextHop: IpAddress }
  /** The pool wants a tunnel and this host has none. */
  | { readonly kind: 'no-tunnel'; readonly tunnel: TunnelKind; readonly reason: string }
  /** The pool wants a tunnel and the host at its other end cannot receive it. */
  | {
      readonly kind: 'host-cannot-receive';
      readonly host: string;
      readonly tunnel: TunnelKind;
      readonly reason: string;
    }
  /** That host has not said yet that it receives what the pool wants, nor what the pool wanted before. */
  | { readonly kind: 'host-not-ready'; readonly host: string; readonly tunnel: TunnelKind }
  | { readonly kind: 'kernel-refused'; readonly error: string };

/** For people. */
export function describeRouteRefusal(refusal: RouteRefusal): string {
  switch (refusal.kind) {
    case 'inside-own-block':
      return `inside this host's own block ${refusal.block}`;
    case 'equals-connected-prefix':
      return `equal to the connected prefix of ${refusal.interfaceName}`;
    case 'would-carry-peer-address':
      return `would carry ${refusal.address}, a peer's own address, into the tunnel`;
    case 'next-hop-unreachable':
      return `next hop ${refusal.nextHop} is unreachable`;
    case 'no-tunnel':
      return `its pool wants ${tunnelWords[refusal.tunnel]}, which this host cannot send: ${refusal.reason}`;
    case 'host-cannot-receive':
      return `its pool wants ${tunnelWords[refusal.tunnel]}, which ${refusal.host} cannot receive: ${refusal.reason}`;
    case 'host-not-ready':
      return `its pool wants ${tunnelWords[refusal.tunnel]}, and ${refusal.host} has not said yet that it receives it`;
    case 'kernel-refused':
      return `the kernel refused it: ${refusal.error}`;
  }
}
