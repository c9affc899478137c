/**
 * Packs prefixes into UPDATEs, as many to a message as fit (RFC 4271 section 9.2.1.3). What surrounds the prefixes is laid out
 * once per form; a message is then a copy, the prefixes, and the lengths.
 *
 *     IPv4  announce   header | 0 | attributes length | attributes | PREFIXES
 *           withdraw   header | length | PREFIXES | 0
 *     other announce   header | 0 | attributes length | MP_REACH_NLRI up to its prefixes | PREFIXES | other attributes
 *           withdraw   header | 0 | attributes length | MP_UNREACH_NLRI up to its prefixes | PREFIXES
 *
 * IPv4 prefixes with an IPv6 next hop are announced in the second form (RFC 8950). MP_REACH_NLRI and MP_UNREACH_NLRI come first of the attributes (RFC 7606 section 5.1).
 */
import { addressFamily, addressToBytes, type IpAddress } from '../../core/ip-address.js';
import type { Family } from '../family.js';
import { AttributeFlag, AttributeType, MessageType } from '../iana.js';
import { familyNumbers } from '../wire/capabilities.js';
import { HEADER_LENGTH } from '../wire/framer.js';
import { Writer } from '../wire/writer.js';
import type { OutBuffer } from './out-buffer.js';
import type { OutLog } from './out-log.js';
import type { OutRuns } from './out-runs.js';
import type { PrefixTable } from './prefix-table.js';

/** What writes the NLRI of ids: a family's prefixes, or with path identifiers {@link PathNlri}. */
export type NlriPacking = Pick<PrefixTable, 'packNlri' | 'packedEnd'>;

export interface MessageForm {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** Octets of the longest message. */
  readonly maxLength: number;
  /** 16-bit lengths in `head`: where they stand, where what they count begins, and whether `tail` counts. */
  readonly lengths: readonly { readonly at: number; readonly from: number; readonly tail: boolean }[];
}

const messageLength = { at: 16, from: 0, tail: true };
const withdrawnLength = { at: HEADER_LENGTH, from: HEADER_LENGTH + 2, tail: false };
const attributesLength = { at: HEADER_LENGTH + 2, from: HEADER_LENGTH + 4, tail: true };
const multiprotocolLength = { at: HEADER_LENGTH + 6, from: HEADER_LENGTH + 8, tail: false };
const onlyMessageLength = [messageLength];
const nothing = new Uint8Array(0);
/** The longest prefix on the wire, with its path identifier. */
const LONGEST_NLRI = 21;

/** Of an IPv6 next hop the link-local address beside, if it is told one (RFC 2545 section 3). */
export interface NextHops {
  readonly nextHop: IpAddress;
  readonly linkLocal: IpAddress | undefined;
}

/** `undefined` if not even one prefix fits beside the attributes: such a route cannot be told (RFC 8654 section 4). */
export function announceForm(
  family: Family,
  attributes: Uint8Array,
  { nextHop, linkLocal }: NextHops,
  maxLength: number,
): MessageForm | undefined {
  if (attributes.length + HEADER_LENGTH + 64 + LONGEST_NLRI > maxLength) return undefined;
  if (family === 'ipv4-unicast' && addressFamily(nextHop) === 'ipv4') {
    const head = header()
      .u16(0)
      .sized16(writer => writer.bytes(attributes));
    return announceFormOf(head.finish(), maxLength);
  }
  const [address, beside] = [
    addressToBytes(nextHop),
    linkLocal === undefined ? nothing : addressToBytes(linkLocal),
  ];
  const head = multiprotocolHead(AttributeType.mpReachNlri, family)
    .u8(address.length + beside.length)
    .bytes(address)
    .bytes(beside)
    .u8(0);
  return {
    head: head.finish(),
    tail: attributes,
    maxLength,
    lengths: [messageLength, attributesLength, multiprotocolLength],
  };
}

/** For IPv4: `head` is the message up to its NLRI. */
export function announceFormOf(head: Uint8Array, maxLength: number): MessageForm {
  return { head, tail: nothing, maxLength, lengths: onlyMessageLength };
}

/** IPv4 prefixes in the field of RFC 4271 also where their next hop was an IPv6 one: a prefix is the same in both places. */
export function withdrawForm(family: Family, maxLength: number): MessageForm {
  if (family === 'ipv4-unicast') {
    const head = header().u16(0).finish();
    return { head, tail: new Uint8Array(2), maxLength, lengths: [messageLength, withdrawnLength] };
  }
  const head = multiprotocolHead(AttributeType.mpUnreachNlri, family).finish();
  return { head, tail: nothing, maxLength, lengths: [messageLength, attributesLength, multiprotocolLength] };
}

function header(): Writer {
  return new Writer().bytes(new Uint8Array(16).fill(0xff)).u16(0).u8(MessageType.update);
}

function multiprotocolHead(type: number, family: Family): Writer {
  const { afi, safi } = familyNumbers(family);
  return header()
    .u16(0)
    .u16(0)
    .u8(AttributeFlag.optional | AttributeFlag.extendedLength)
    .u8(type)
    .u16(0)
    .u16(afi)
    .u8(safi);
}

/** Writes the messages of one key of some runs and appends them to a log. Hot path. */
export class UpdatePacker {
  readonly #prefixes: NlriPacking;
  readonly #buffer: OutBuffer;
  #form: MessageForm | undefined;
  /** Where the open message begins, -1 if none is open. */
  #message = -1;
  #segmentStart = 0;
  #segmentChunk = nothing;
  /** End of the last whole message in that chunk. */
  #sealedEnd = 0;

  constructor(prefixes: NlriPacking, buffer: OutBuffer) {
    this.#prefixes = prefixes;
    this.#buffer = buffer;
  }

  pack(form: MessageForm, runs: OutRuns, key: number, log: OutLog, except: number, only: number): void {
    this.#form = form;
    this.#message = -1;
    this.#segmentChunk = this.#buffer.chunk;
    this.#segmentStart = this.#buffer.at;
    this.#sealedEnd = this.#buffer.at;
    runs.eachRun(key, (ids, from, to) => this.#packRun(ids, from, to, log, except, only));
    this.#close();
    this.#seal(log, except, only);
  }

  #packRun(ids: Int32Array, from: number, to: number, log: OutLog, except: number, only: number): void {
    const buffer = this.#buffer;
    const form = this.#form!;
    for (let position = from; position < to; ) {
      if (this.#message < 0) {
        buffer.reserveMessage(form.maxLength);
        if (buffer.chunk !== this.#segmentChunk) this.#seal(log, except, only);
        this.#message = buffer.at;
        buffer.chunk.set(form.head, buffer.at);
        buffer.at += form.head.length;
      }
      const limit = this.#message + form.maxLength - form.tail.length;
      position = this.#prefixes.packNlri(ids, position, to, buffer.chunk, buffer.view, buffer.at, limit);
      buffer.at = this.#prefixes.packedEnd;
      if (position < to) this.#close();
    }
  }

  #close(): void {
    const message = this.#message;
    if (message < 0) return;
    const buffer = this.#buffer;
    const { tail, lengths } = this.#form!;
    const nlriEnd = buffer.at;
    // The packer may have written past the prefixes, so an empty tail has nothing to overwrite but two zeros do.
    if (tail.length > 0) buffer.chunk.set(tail, nlriEnd);
    buffer.at = nlriEnd + tail.length;
    for (const length of lengths) {
      buffer.view.setUint16(message + length.at, (length.tail ? buffer.at : nlriEnd) - message - length.from);
    }
    this.#message = -1;
    this.#sealedEnd = buffer.at;
  }

  /** What was written since the last segment becomes one; the next begins where the buffer stands. */
  #seal(log: OutLog, except: number, only: number): void {
    const start = this.#segmentStart;
    const end = this.#sealedEnd;
    if (end > start) log.append({ chunk: this.#segmentChunk, start, end, except, only });
    this.#segmentChunk = this.#buffer.chunk;
    this.#segmentStart = this.#buffer.at;
    this.#sealedEnd = this.#buffer.at;
  }
}
