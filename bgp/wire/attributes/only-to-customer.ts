/** OTC, Only to Customer (RFC 9234 section 5): one AS number, of four octets in every session. */
import { AttributeType, UpdateError } from '../../iana.js';
import { readU32 } from '../reader.js';
import { type AttributeEntry, optionalTransitive } from './entry.js';

export const onlyToCustomer: AttributeEntry = {
  type: AttributeType.onlyToCustomer,
  name: 'OTC',
  flags: optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end - start !== 4) return UpdateError.attributeLengthError;
    into.onlyToCustomer = readU32(bytes, start);
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.onlyToCustomer === undefined) return false;
    writer.u32(attributes.onlyToCustomer);
    return true;
  },
};
