/** Address families a session can carry (RFC 4760). The RIB is keyed for every one; IPv4 unicast comes first. */
import { addressFamily } from '../core/ip-address.js';

export type Family = 'ipv4-unicast' | 'ipv6-unicast';

export const FAMILIES: readonly Family[] = ['ipv4-unicast', 'ipv6-unicast'];

export function familyOf(addressOrPrefix: string): Family {
  return addressFamily(addressOrPrefix) === 'ipv4' ? 'ipv4-unicast' : 'ipv6-unicast';
}
