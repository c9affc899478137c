/**
 * What the table of path attributes says of each: flags, decoder, encoder, and what RFC 7606 does about a malformed one.
 * Decoding, encoding and error handling all run on these entries, so a new attribute is one more file and one more line in
 * `table.ts`.
 */
import type { Family } from '../../family.js';
import { AttributeFlag } from '../../iana.js';
import type { Writer } from '../writer.js';
import type { PathAttributes } from './attributes.js';

/** RFC 7606 section 2, weakest first; `session-reset` is a NOTIFICATION. */
export type Disposition = 'attribute-discard' | 'treat-as-withdraw' | 'session-reset';

/** What of the session matters to an attribute's form. */
export interface AttributeContext {
  /** RFC 6793: negotiated both ways. */
  readonly fourOctetAs: boolean;
  /** Attributes for inside an AS are discarded when they come from outside. */
  readonly ibgp: boolean;
  /** RFC 8950: IPv4 prefixes may have IPv6 next hops. */
  readonly extendedNextHop?: boolean;
  /** RFC 7911: families whose NLRI carry path identifiers. */
  readonly addPath?: readonly Family[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type AttributesUnderConstruction = Mutable<PathAttributes>;

export interface AttributeEntry {
  readonly type: number;
  /** As the RFCs write it. */
  readonly name: string;
  /** Optional and Transitive as they must be; Partial and Extended Length are the sender's. */
  readonly flags: number;
  readonly malformed: Disposition;
  /** It holds routes: it stands first and once, and an error in it cannot be contained (RFC 7606 sections 3 j and 5.3). */
  readonly holdsRoutes?: true;
  /** Only inside an AS: from eBGP it is discarded unread (RFC 7606 sections 7.5, 7.9, 7.10). */
  readonly internalOnly?: true;
  /** Only from a peer without 4-octet AS numbers (RFC 6793 section 4.1). */
  readonly oldSpeakersOnly?: true;
  /** Reads the value into `into`. `undefined`, or the UPDATE error subcode of what is wrong (RFC 4271 section 6.3). */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    context: AttributeContext,
    into: AttributesUnderConstruction,
  ): number | undefined;
  /** Writes the value; false if there is nothing to tell, and then nothing was written. */
  encode(writer: Writer, attributes: PathAttributes, context: AttributeContext): boolean;
}

/** RFC 4271 section 5: the three kinds of attribute that we send. */
export const wellKnown = AttributeFlag.transitive;
export const optionalTransitive = AttributeFlag.optional | AttributeFlag.transitive;
export const optionalNonTransitive = AttributeFlag.optional;
