/** Appends network-order fields to a buffer that grows. For messages that are rare; the RIB's packer writes its own bytes. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value & 255);
  }

  u32(value: number): this {
    return this.u16((value >>> 16) & 0xffff).u16(value & 0xffff);
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Writes a 16-bit length in front of what `write` appends. */
  sized16(write: (writer: this) => void): this {
    const at = this.#length;
    this.u16(0);
    write(this);
    const length = this.#length - at - 2;
    this.#bytes[at] = length >>> 8;
    this.#bytes[at + 1] = length & 255;
    return this;
  }

  /** Writes an 8-bit length in front of what `write` appends (at most 255 bytes). */
  sized8(write: (writer: this) => void): this {
    const at = this.#length;
    this.u8(0);
    write(this);
    const length = this.#length - at - 1;
    if (length > 255) throw new RangeError(`${length} bytes do not fit an 8-bit length`);
    this.#bytes[at] = length;
    return this;
  }

  /** Overwrites one octet. */
  patchU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Moves everything from `at` on by one octet, and writes that. */
  insertU8(at: number, value: number): void {
    this.#reserve(1);
    this.#bytes.copyWithin(at + 1, at, this.#length++);
    this.#bytes[at] = value;
  }

  /** Takes back everything from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** A whole message: marker, length and type in front of `body` (RFC 4271 section 4.1). */
export function frame(type: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(19 + body.length);
  message.fill(0xff, 0, 16);
  message[16] = message.length >>> 8;
  message[17] = message.length & 255;
  message[18] = type;
  message.set(body, 19);
  return message;
}
