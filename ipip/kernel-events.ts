/**
 * What a notification of the kernel may have changed for us (pure). Notifications are hints: what they touch is read back, never
 * believed. They don't tell everything: a link that goes down, or an address that is removed, takes routes with it without a word
 * of those (measured), and NLM_F_REPLACE tells only of the route that is there now.
 */
import type { Prefix } from '../core/prefix.js';
import { RouteTable } from '../linux/netlink/constants.js';
import type { KernelChange } from '../linux/netlink/monitor.js';
import type { Route } from '../linux/netlink/route.js';
import { type DesiredRoute, MARGAY_ROUTE_PROTOCOL, sameDesiredRoute } from './desired.js';
import { fromKernel } from './route-form.js';

export interface Doubt {
  /** Links, addresses and others' routes must be read again. */
  readonly facts: boolean;
  /** Our own routes must be read back. */
  readonly ownRoutes: boolean;
}

export function doubtAfter(
  changes: readonly KernelChange[],
  desired: (destination: Prefix) => DesiredRoute | undefined,
): Doubt {
  let [facts, ownRoutes] = [false, false];
  for (const change of changes) {
    if (change.kind === 'neighbour' || change.kind === 'fdb') continue;
    if (change.kind !== 'route') facts = ownRoutes = true;
    else if (change.route.table !== RouteTable.main) continue;
    else if (change.route.protocol === MARGAY_ROUTE_PROTOCOL) ownRoutes ||= strays(change, desired);
    else {
      facts = true;
      // It may have taken the place of ours, or made place for it.
      ownRoutes ||= desired(change.route.destination)?.metric === change.route.metric;
    }
  }
  return { facts, ownRoutes };
}

function strays(
  { route, gone }: { readonly route: Route; readonly gone: boolean },
  desired: (destination: Prefix) => DesiredRoute | undefined,
): boolean {
  const wanted = desired(route.destination);
  const isWanted = wanted?.metric === route.metric;
  if (gone) return isWanted;
  const ours = fromKernel(route);
  return ours !== undefined && !(isWanted && sameDesiredRoute(wanted, ours));
}
