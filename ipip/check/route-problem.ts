/** Why packets to a destination do not leave by a route of ours (pure): there is none, it is not in the kernel, or another comes before it. */
import type { IpAddress } from '../../core/ip-address.js';
import { type Prefix, prefixAddress, prefixLength, prefixOf } from '../../core/prefix.js';
import type { Route } from '../../linux/netlink/route.js';
import { type DesiredRoute, describeRouteRefusal, type RouteRefusal } from '../desired.js';

export interface RoutesHere {
  readonly desired: (prefix: Prefix) => DesiredRoute | undefined;
  readonly refusal: (prefix: Prefix) => RouteRefusal | undefined;
  /** Of one that is desired. */
  readonly state: (prefix: Prefix) => 'programmed' | 'pending' | { readonly error: string };
  /** The most specific of those that are not ours. */
  readonly foreign: (address: IpAddress) => Route | undefined;
}

/** In words; undefined: they leave by it. */
export function routeProblem(destination: Prefix, routes: RoutesHere): string | undefined {
  const prefix = mostSpecific(destination, one => (routes.desired(one) ?? routes.refusal(one)) !== undefined);
  if (prefix === undefined)
    return `there is no route to ${destination}: nobody announces it to this host (see "bgpctl peers")`;
  const refusal = routes.refusal(prefix);
  if (refusal !== undefined) return `there is no route to ${prefix}: ${describeRouteRefusal(refusal)}`;
  const state = routes.state(prefix);
  if (typeof state === 'object') return `the kernel has refused the route to ${prefix}: ${state.error}`;
  if (state === 'pending') return `the route to ${prefix} is being written`;
  return hiddenBy(prefix, routes.desired(prefix)!, routes.foreign(prefixAddress(destination)));
}

function mostSpecific(inner: Prefix, isOne: (prefix: Prefix) => boolean): Prefix | undefined {
  const address = prefixAddress(inner);
  for (let length = prefixLength(inner); length >= 0; length--) {
    const prefix = prefixOf(address, length);
    if (isOne(prefix)) return prefix;
  }
  return undefined;
}

function hiddenBy(prefix: Prefix, ours: DesiredRoute, foreign: Route | undefined): string | undefined {
  if (foreign === undefined) return undefined;
  const longer = prefixLength(foreign.destination) - prefixLength(prefix);
  if (longer < 0 || (longer === 0 && foreign.metric > ours.metric)) return undefined;
  return `another program's route to ${foreign.destination} (metric ${foreign.metric}) comes before ours to ${prefix}`;
}
