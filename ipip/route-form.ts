/** Between the house's words for a route and the kernel's (pure). */

import { RouteScope, RouteType } from '../linux/netlink/constants.js';
import { plainRoute, type Route } from '../linux/netlink/route.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL } from './desired.js';

export function toKernel(route: DesiredRoute): Route {
  const common = {
    ...plainRoute,
    destination: route.destination,
    protocol: MARGAY_ROUTE_PROTOCOL,
    metric: route.metric,
  };
  if (route.kind === 'blackhole') return { ...common, type: RouteType.blackhole, nextHops: [] };
  const { legs, preferredSource, mtu } = route;
  // A route without a gateway leads to what is on the link itself.
  const scope = legs.every(leg => leg.gateway === undefined) ? RouteScope.link : RouteScope.universe;
  const nextHops = legs.map(leg => ({ ...leg, weight: 1, dead: false }));
  return { ...common, scope, preferredSource, mtu, nextHops };
}

/** A route of our protocol as we would desire it; undefined for one that we never write (another type, another tos). */
export function fromKernel(route: Route): DesiredRoute | undefined {
  const { destination, metric, preferredSource, mtu } = route;
  if (route.tos !== 0) return undefined;
  // The kernel gives an IPv6 blackhole the loopback interface as its device.
  if (route.type === RouteType.blackhole) return { kind: 'blackhole', destination, metric };
  if (route.type !== RouteType.unicast) return undefined;
  const legs = route.nextHops.map(({ gateway, ifindex, onlink }) => ({ gateway, ifindex, onlink }));
  return { kind: 'unicast', destination, legs, preferredSource, mtu, metric };
}
