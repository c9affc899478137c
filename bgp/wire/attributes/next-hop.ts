/** NEXT_HOP (RFC 4271 section 5.1.3, RFC 7606 section 7.3): one IPv4 address, of the routes in the NLRI field. */
import { AttributeType, UpdateError } from '../../iana.js';
import { readU32 } from '../reader.js';
import { type AttributeEntry, wellKnown } from './entry.js';

export const nextHop: AttributeEntry = {
  type: AttributeType.nextHop,
  name: 'NEXT_HOP',
  flags: wellKnown,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end - start !== 4) return UpdateError.attributeLengthError;
    const address = readU32(bytes, start);
    if (!isHostAddress(address)) return UpdateError.invalidNextHop;
    into.nextHop = address;
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.nextHop === undefined) return false;
    writer.u32(attributes.nextHop);
    return true;
  },
};

/**
 * RFC 4271 section 6.3: syntactically correct is what can be the address of a host, so neither 0.0.0.0/8 nor multicast or
 * reserved. 127.0.0.0/8 can: sessions over loopback have such next hops. Whether the address is one of ours or reachable is
 * judged by who knows the peer, in the RIB.
 */
function isHostAddress(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first < 224;
}
