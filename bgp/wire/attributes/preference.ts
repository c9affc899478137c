/**
 * MULTI_EXIT_DISC and LOCAL_PREF (RFC 4271 sections 5.1.4 and 5.1.5, RFC 7606 sections 7.4 and 7.5): a 32-bit number each, to the
 * neighbouring AS the one, to our own the other.
 */
import { AttributeType, UpdateError } from '../../iana.js';
import { readU32 } from '../reader.js';
import { type AttributeEntry, optionalNonTransitive, wellKnown } from './entry.js';

export const multiExitDisc: AttributeEntry = {
  type: AttributeType.multiExitDisc,
  name: 'MULTI_EXIT_DISC',
  flags: optionalNonTransitive,
  malformed: 'treat-as-withdraw',
  decode(bytes, start, end, _, into) {
    if (end - start !== 4) return UpdateError.attributeLengthError;
    into.multiExitDisc = readU32(bytes, start);
    return undefined;
  },
  encode(writer, attributes) {
    if (attributes.multiExitDisc === undefined) return false;
    writer.u32(attributes.multiExitDisc);
    return true;
  },
};

export const localPref: AttributeEntry = {
  type: AttributeType.localPref,
  name: 'LOCAL_PREF',
  flags: wellKnown,
  malformed: 'treat-as-withdraw',
  internalOnly: true,
  decode(bytes, start, end, _, into) {
    if (end - start !== 4) return UpdateError.attributeLengthError;
    into.localPref = readU32(bytes, start);
    return undefined;
  },
  encode(writer, attributes, { ibgp }) {
    // RFC 4271 section 5.1.5: never to an external peer.
    if (attributes.localPref === undefined || !ibgp) return false;
    writer.u32(attributes.localPref);
    return true;
  },
};
