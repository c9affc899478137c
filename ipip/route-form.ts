/** Between the house's words for a route and the kernel's (pure). */

import { RouteScope, RouteType } from '../linux/netlink/constants.js';
import { plainForm, type Route, type RouteForm } from '../linux/netlink/route.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL } from './desired.js';
import { canonicalLegs } from './path-verdict.js';

const forms = new WeakMap<DesiredRoute, RouteForm>();

/** The same object for the same one. */
export function toKernel(route: DesiredRoute): RouteForm {
  let form = forms.get(route);
  if (form === undefined) {
    form = newForm(route);
    forms.set(route, form);
  }
  return form;
}

function newForm(route: DesiredRoute): RouteForm {
  const common = { ...plainForm, protocol: MARGAY_ROUTE_PROTOCOL, metric: route.metric };
  if (route.kind === 'blackhole') return { ...common, type: RouteType.blackhole, nextHops: [] };
  const { legs, preferredSource, mtu } = route;
  // A route without a gateway leads to what is on the link itself.
  const scope = legs.every(leg => leg.gateway === undefined) ? RouteScope.link : RouteScope.universe;
  const nextHops = legs.map(leg => ({ ...leg, weight: 1, dead: false }));
  return { ...common, scope, preferredSource, mtu, nextHops };
}

/**
 * A route of our protocol as we would desire it. One that we never write, so that it must be mended or go, has no legs; one with a
 * tos is undefined: it has a key of its own, and we have no words for it.
 */
export function fromKernel(route: Route): DesiredRoute | undefined {
  const { metric, preferredSource, mtu, nextHops } = route;
  if (route.tos !== 0) return undefined;
  // The kernel gives an IPv6 blackhole the loopback interface as its device.
  if (route.type === RouteType.blackhole) return { kind: 'blackhole', metric };
  const writable = route.type === RouteType.unicast && nextHops.every(({ weight }) => weight === 1);
  const legs = writable
    ? canonicalLegs(nextHops.map(({ gateway, ifindex, onlink }) => ({ gateway, ifindex, onlink })))
    : [];
  return { kind: 'unicast', legs, preferredSource, mtu, metric };
}
