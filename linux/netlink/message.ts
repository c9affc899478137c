/**
 * Netlink's envelope, pure (linux/netlink.h, linux/rtnetlink.h). All numbers are in the host's byte order, which on every machine that
 * Node runs on is little endian; addresses are in network order.
 *
 *     +-------------------+----------+----------+----------+----------+
 *     |  length (32)      | type (16)| flags(16)| seq (32) | pid (32) |  then a fixed header of the family, then attributes:
 *     +-------------------+----------+----------+----------+----------+
 *     |  length (16)      | type (16)| value ..., padded to 4          |
 *     +-------------------+----------+----------+---------------------+
 */
import { ErrorAttribute, Flag, MessageType } from './constants.js';

export const HEADER_LENGTH = 16;

/** Appends messages to a buffer that grows; one batch is one datagram. Hot path. */
export class MessageWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #start = 0;
  #lastFlagsAt = 0;

  constructor(capacity = 64 * 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  begin(type: number, flags: number, sequence: number): this {
    this.#start = this.#length;
    this.#lastFlagsAt = this.#start + 6;
    this.u32(0).u16(type).u16(flags).u32(sequence);
    return this.u32(0);
  }

  /** Writes the message's length. */
  end(): void {
    this.#view.setUint32(this.#start, this.#length - this.#start, true);
  }

  /** Adds flags to the message that was begun last. */
  addFlags(flags: number): void {
    this.#view.setUint16(this.#lastFlagsAt, this.#view.getUint16(this.#lastFlagsAt, true) | flags, true);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** In network order. */
  u32Network(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  /** As they are; for the few bytes of a prepared part a loop is quicker than `set`. */
  raw(source: Uint8Array): this {
    this.#reserve(source.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < source.length; i++) bytes[at++] = source[i]!;
    this.#length = at;
    return this;
  }

  attributeU8(type: number, value: number): this {
    return this.u16(5)
      .u16(type)
      .u32(value & 0xff);
  }

  /** In network order. */
  attributeU16Network(type: number, value: number): this {
    return this.u16(6)
      .u16(type)
      .u8(value >>> 8)
      .u8(value & 0xff)
      .u16(0);
  }

  attributeU32(type: number, value: number): this {
    return this.u16(8).u16(type).u32(value);
  }

  attributeBytes(type: number, value: Uint8Array): this {
    const padded = (value.length + 3) & ~3;
    this.u16(4 + value.length).u16(type);
    this.#reserve(padded);
    this.#bytes.set(value, this.#length);
    this.#bytes.fill(0, this.#length + value.length, this.#length + padded);
    this.#length += padded;
    return this;
  }

  attributeText(type: number, text: string): this {
    return this.attributeBytes(type, new TextEncoder().encode(`${text}\0`));
  }

  /** An attribute of attributes. */
  nested(type: number, write: (writer: this) => void): this {
    const at = this.#length;
    this.u16(0).u16(type);
    write(this);
    this.#view.setUint16(at, this.#length - at, true);
    return this;
  }

  /** Like an attribute, but with a fixed part of its own (struct rtnexthop): its length is written where it begins. */
  sized(write: (writer: this) => void): this {
    const at = this.#length;
    this.u16(0);
    write(this);
    this.#view.setUint16(at, this.#length - at, true);
    return this;
  }

  /** A view of what was written; valid until the next `reset`. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * this.#bytes.length + count);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** One message inside a datagram; positions are those of `bytes`. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** nlmsg_pid: whose request this answers or tells of, 0: the kernel's own doing. */
  readonly port: number;
  readonly bytes: Uint8Array;
  /** Of the family's fixed header. */
  readonly start: number;
  readonly end: number;
}

/** Every message of a datagram. One that claims more than there is ends the walk. */
export function* messages(bytes: Uint8Array): Generator<Message> {
  const view = viewOf(bytes);
  let at = 0;
  while (at + HEADER_LENGTH <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < HEADER_LENGTH || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      bytes,
      start: at + HEADER_LENGTH,
      end: at + length,
    };
    at += (length + 3) & ~3;
  }
}

/** Calls back with each attribute's type and the place of its value. */
export function eachAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, valueStart: number, valueEnd: number) => void,
): void {
  const view = viewOf(bytes);
  let at = start;
  while (at + 4 <= end) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return;
    // The two highest bits say "nested" and "network order".
    visit(view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Text that ends with the value or at its first zero. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const zero = bytes.indexOf(0, start);
  return new TextDecoder().decode(bytes.subarray(start, zero < 0 || zero > end ? end : zero));
}

/** struct nlmsgerr: an acknowledgement (`errno` 0), or why a request failed, in the kernel's own words where it has any. */
export interface ErrorMessage {
  /** Positive, 0 for an acknowledgement. */
  readonly errno: number;
  readonly sequence: number;
  /** Extended acknowledgement text, "" if there is none. */
  readonly text: string;
}

/** For a message of type NLMSG_ERROR; an NLMSG_DONE has its code at the same place. */
export function parseError(message: Message): ErrorMessage {
  const { bytes, start, end, flags, sequence } = message;
  // Subtracted, as the negative of 0 is -0.
  const errno = end - start >= 4 ? 0 - (readU32(bytes, start) | 0) : 0;
  let text = '';
  if ((flags & Flag.ackTlvs) !== 0) {
    const request = start + 4;
    const done = message.type === MessageType.done;
    const from = done
      ? request
      : request + ((flags & Flag.capped) !== 0 ? HEADER_LENGTH : (readU32(bytes, request) + 3) & ~3);
    eachAttribute(bytes, from, end, (type, valueStart, valueEnd) => {
      if (type === ErrorAttribute.message) text = readText(bytes, valueStart, valueEnd);
    });
  }
  return { errno, sequence, text };
}
