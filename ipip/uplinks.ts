/** Which of a host's interfaces lead to routers that may tell it routes (pure). */
import { addressFamily } from '../core/ip-address.js';
import { prefixLength } from '../core/prefix.js';
import type { InterfaceAddress } from '../linux/netlink/address.js';
import type { Link } from '../linux/netlink/link.js';
import type { Route } from '../linux/netlink/route.js';

/** RTPROT_RA (linux/rtnetlink.h): told by a router advertisement. */
const TOLD_BY_ROUTER = 9;
/** IFA_F_PERMANENT: an address without it has a lifetime, as those of router advertisements have. */
const PERMANENT = 0x80;
const GLOBAL_SCOPE = 0;

/**
 * Those with what a router has told, and those that a default route leads through, for a router may speak later. Interfaces of pods are
 * none of them: a pod that claims to be a router stays unheard.
 */
export function uplinksOf({
  links,
  addresses,
  routes,
}: {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}): readonly string[] {
  const told = routes
    .filter(({ destination, protocol }) => protocol === TOLD_BY_ROUTER || prefixLength(destination) === 0)
    .flatMap(({ nextHops }) => nextHops.map(({ ifindex }) => ifindex));
  const passing = addresses
    .filter(
      ({ address, scope, flags }) =>
        addressFamily(address) === 'ipv6' && scope === GLOBAL_SCOPE && (flags & PERMANENT) === 0,
    )
    .map(({ ifindex }) => ifindex);
  const found = new Set([...told, ...passing]);
  return links.filter(({ ifindex, loopback }) => !loopback && found.has(ifindex)).map(({ name }) => name);
}
