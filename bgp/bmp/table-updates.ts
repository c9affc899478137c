/**
 * What peers have told, as UPDATEs again (RFC 7854 section 5: the initial dump, and all that is told after policy): the paths of a stretch
 * of the table, those of a peer with the same attributes packed together; and its withdrawals.
 */
import type { Prefix } from '../../core/prefix.js';
import type { Family } from '../family.js';
import { MessageType } from '../iana.js';
import type { WalkedPath } from '../rib/contract.js';
import type { PathAttributes } from '../wire/attributes/attributes.js';
import { encodeAttributes } from '../wire/attributes/codec.js';
import { familyNumbers } from '../wire/capabilities.js';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH } from '../wire/framer.js';
import { encodeNlri } from '../wire/nlri.js';
import { frame, Writer } from '../wire/writer.js';

interface Packed {
  readonly attributes: PathAttributes;
  /** The attributes without MP_REACH_NLRI. */
  readonly block: Uint8Array;
  readonly nlri: Writer[];
}

/** A path identifier and a prefix of the longest kind. */
const LONGEST_NLRI = 4 + 17;
/** Lengths, and the fields of MP_REACH_NLRI with the longest next hop. */
const OVERHEAD = HEADER_LENGTH + 4 + 4 + 5 + 32;
const context = { fourOctetAs: true, ibgp: true };

export class TableUpdates {
  readonly #family: Family;
  readonly #bySource = new Map<string, Map<PathAttributes, Packed>>();
  readonly #withdrawn = new Map<string, Writer[]>();

  constructor(family: Family) {
    this.#family = family;
  }

  add(
    prefix: Prefix,
    { source, attributes, pathId }: Pick<WalkedPath, 'source' | 'attributes' | 'pathId'>,
  ): void {
    const { block, nlri } = this.#packed(source, attributes);
    append(nlri, MAX_MESSAGE_LENGTH - OVERHEAD - block.length, prefix, pathId);
  }

  /** The peer has no such path any more. */
  withdraw(prefix: Prefix, { source, pathId }: Pick<WalkedPath, 'source' | 'pathId'>): void {
    const nlri = this.#withdrawn.get(source) ?? [];
    this.#withdrawn.set(source, nlri);
    append(nlri, MAX_MESSAGE_LENGTH - OVERHEAD, prefix, pathId);
  }

  #packed(source: string, attributes: PathAttributes): Packed {
    const ofSource = this.#bySource.get(source) ?? new Map<PathAttributes, Packed>();
    this.#bySource.set(source, ofSource);
    const known = ofSource.get(attributes);
    if (known !== undefined) return known;
    const { mpReach: _r, mpUnreach: _u, ...rest } = attributes;
    const packed = { attributes, block: encodeAttributes(rest, context), nlri: [] };
    ofSource.set(attributes, packed);
    return packed;
  }

  /** Each with the key of the peer that said it; AS numbers have four octets. */
  *messages(): Generator<{ readonly source: string; readonly update: Uint8Array }> {
    for (const [source, nlri] of this.#withdrawn) {
      for (const writer of nlri) yield { source, update: this.#withdrawal(writer.finish()) };
    }
    for (const [source, packed] of this.#bySource) {
      for (const each of packed.values()) {
        for (const writer of each.nlri) yield { source, update: this.#update(each, writer.finish()) };
      }
    }
  }

  #update({ attributes: { mpReach }, block }: Packed, nlri: Uint8Array): Uint8Array {
    const body = new Writer(OVERHEAD + block.length + nlri.length).u16(0);
    if (mpReach === undefined) {
      body.sized16(writer => writer.bytes(block)).bytes(nlri);
    } else {
      const reach = { ...mpReach, ...familyNumbers(this.#family), nlri };
      const first = encodeAttributes({ mpReach: reach }, context);
      body.sized16(writer => writer.bytes(first).bytes(block));
    }
    return frame(MessageType.update, body.finish());
  }

  #withdrawal(nlri: Uint8Array): Uint8Array {
    const body = new Writer(OVERHEAD + nlri.length);
    if (this.#family === 'ipv4-unicast') {
      body.sized16(writer => writer.bytes(nlri)).u16(0);
    } else {
      const mpUnreach = { ...familyNumbers(this.#family), withdrawn: nlri };
      body.u16(0).sized16(writer => writer.bytes(encodeAttributes({ mpUnreach }, context)));
    }
    return frame(MessageType.update, body.finish());
  }
}

/** To the last of them, or to a new one where that is full. */
function append(nlri: Writer[], room: number, prefix: Prefix, pathId: number | undefined): void {
  let last = nlri.at(-1);
  if (last === undefined || Math.max(LONGEST_NLRI, room) - last.length < LONGEST_NLRI) {
    last = new Writer(64);
    nlri.push(last);
  }
  if (pathId !== undefined) last.u32(pathId);
  encodeNlri(last, [prefix]);
}
