/** ORIGIN (RFC 4271 section 5.1.1, RFC 7606 section 7.1): one octet, 0 to 2. */
import { AttributeType, Origin, UpdateError } from '../../iana.js';
import { type AttributeEntry, wellKnown } from './entry.js';

export const origin: AttributeEntry = {
  type: AttributeType.origin,
  name: 'ORIGIN',
  flags: wellKnown,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end - start !== 1) return UpdateError.attributeLengthError;
    if (bytes[start]! > Origin.incomplete) return UpdateError.invalidOrigin;
    into.origin = bytes[start]!;
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.origin === undefined) return false;
    writer.u8(attributes.origin);
    return true;
  },
};
