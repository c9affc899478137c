/**
 * Only to Customer (RFC 9234 section 5): a route that went down from a Provider or across to a Peer goes on to Customers only. The
 * procedures follow from the roles alone; no policy changes them. Pure.
 */
import type { BgpRole } from '../speaker/contract.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import type { RibPeer } from './contract.js';

type RoleOf = Pick<RibPeer, 'role' | 'asn'>;

/** Section 5, ingress 1 and 2. `role` is ours: towards a Customer we are its Provider. */
export function isLeak({ role, asn }: RoleOf, { onlyToCustomer }: PathAttributes): boolean {
  if (onlyToCustomer === undefined) return false;
  if (role === 'provider' || role === 'rs') return true;
  return role === 'peer' && onlyToCustomer !== asn;
}

/** Section 5, ingress 3: the value that the route gets on its way in, `undefined` if none. */
export function onlyToCustomerFrom(
  { role, asn }: RoleOf,
  { onlyToCustomer }: PathAttributes,
): number | undefined {
  const fromAbove = role === 'customer' || role === 'peer' || role === 'rs-client';
  return fromAbove && onlyToCustomer === undefined ? asn : undefined;
}

/** Section 5, egress 2: a route that has it goes to no Provider, Peer or RS. */
export function mayLeave(role: BgpRole | undefined, { onlyToCustomer }: PathAttributes): boolean {
  if (onlyToCustomer === undefined) return true;
  return role !== 'customer' && role !== 'peer' && role !== 'rs-client';
}

/** Section 5, egress 1: towards a Customer, a Peer or an RS-Client a route gets it. */
export function marksOnExport(role: BgpRole | undefined): boolean {
  return role === 'provider' || role === 'peer' || role === 'rs';
}
