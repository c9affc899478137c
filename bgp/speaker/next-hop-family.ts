/**
 * Prefixes that a session carries and our end of it is no next hop for: IPv6 ones between IPv4 addresses, and the other way round without
 * RFC 8950. Those with a next hop of their own are told all the same, the others are not, and people are told why (pure).
 */
import { addressFamily, type IpAddress } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import type { RibPeer } from '../rib/contract.js';

/** Families of the session that our end of it is no next hop for. */
export function familiesWithoutNextHop({
  localAddress,
  families,
  extendedNextHop,
}: Pick<RibPeer, 'localAddress' | 'families' | 'extendedNextHop'>): readonly Family[] {
  const own = addressFamily(localAddress);
  return families.filter(family =>
    family === 'ipv4-unicast' ? own === 'ipv6' && !extendedNextHop : own === 'ipv4',
  );
}

/** For people, with what would mend it. */
export function noNextHopWords(families: readonly Family[], localAddress: IpAddress): string {
  return families.map(family => wordsOf(family, localAddress)).join('; ');
}

function wordsOf(family: Family, localAddress: IpAddress): string {
  const ours = `our end of the session, ${localAddress}, is no next hop for them`;
  if (family === 'ipv4-unicast') {
    return `IPv4 prefixes are not told, as ${ours} without RFC 8950: peer over IPv4, or set extendedNextHop at both ends`;
  }
  return `IPv6 prefixes are not told, as ${ours}: peer over IPv6, or announce them with an IPv6 next hop, as an agent does whose node has an IPv6 address`;
}
