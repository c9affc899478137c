/**
 * Where next hops lie, by the kernel's own table without the routes of ours: a next hop that is reached through a route we wrote
 * would hang on itself. Pure; fed with what was read from the kernel.
 */
import { addressBits, addressFamily, type IpAddress, isLinkLocal, zoneOf } from '../core/ip-address.js';
import { type Prefix, prefixLength, prefixOf } from '../core/prefix.js';
import type { Link } from '../linux/netlink/link.js';
import type { NextHop, Route } from '../linux/netlink/route.js';

export type Resolution =
  /** A neighbour on that interface. */
  | { readonly kind: 'connected'; readonly ifindex: number }
  /** Behind a router. */
  | { readonly kind: 'via'; readonly gateway: IpAddress; readonly ifindex: number; readonly onlink: boolean }
  | { readonly kind: 'unreachable' };

/** RTN_UNICAST (linux/rtnetlink.h); the others (blackhole, ...) lead nowhere. */
const UNICAST = 1;

export class NextHopResolver {
  /** The best route of each prefix: the one with the lowest metric. */
  #routes = new Map<Prefix, Route>();
  /** Of links that are up, by name. */
  #ifindexes: ReadonlyMap<string, number> = new Map();
  #names: ReadonlyMap<number, string> = new Map();

  /** Those that are up are where link-local addresses may be. */
  replaceLinks(links: readonly Link[]): void {
    this.#ifindexes = new Map(links.filter(({ up }) => up).map(({ name, ifindex }) => [name, ifindex]));
    this.#names = new Map(links.map(({ name, ifindex }) => [ifindex, name]));
  }

  /** Of a link. */
  nameOf(ifindex: number): string | undefined {
    return this.#names.get(ifindex);
  }

  /** Every route of the main table, of all families, but those of our own. */
  replaceRoutes(routes: readonly Route[]): void {
    this.#routes = new Map();
    for (const route of routes) {
      const best = this.#routes.get(route.destination);
      if (best === undefined || route.metric < best.metric) this.#routes.set(route.destination, route);
    }
  }

  resolve(nextHop: IpAddress): Resolution {
    const zone = zoneOf(nextHop);
    if (zone !== undefined) {
      const ifindex = this.#ifindexes.get(zone);
      return ifindex === undefined ? { kind: 'unreachable' } : { kind: 'connected', ifindex };
    }
    // Every link has a fe80::/64 of its own: which one is meant is not known.
    if (isLinkLocal(nextHop)) return { kind: 'unreachable' };
    const route = this.lookUp(nextHop);
    if (route?.type !== UNICAST) return { kind: 'unreachable' };
    const leg = route.nextHops.find(one => !one.dead);
    return leg === undefined ? { kind: 'unreachable' } : resolution(leg);
  }

  /** The most specific route decides, as in the kernel, also where it leads nowhere. */
  lookUp(address: IpAddress): Route | undefined {
    for (let length = addressBits(addressFamily(address)); length >= 0; length--) {
      const route = this.#routes.get(prefixOf(address, length));
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /** Prefixes of interfaces, with their interface: routes without a gateway, but the default one. */
  connected(): ReadonlyMap<Prefix, number> {
    const found = new Map<Prefix, number>();
    for (const [prefix, route] of this.#routes) {
      const leg = route.nextHops[0];
      if (
        route.type === UNICAST &&
        leg !== undefined &&
        leg.gateway === undefined &&
        prefixLength(prefix) > 0
      ) {
        found.set(prefix, leg.ifindex);
      }
    }
    return found;
  }
}

function resolution({ gateway, ifindex, onlink }: NextHop): Resolution {
  return gateway === undefined ? { kind: 'connected', ifindex } : { kind: 'via', gateway, ifindex, onlink };
}
