/**
 * An error in a message that ends the session: what the NOTIFICATION will carry (RFC 4271 section 6), and words for people.
 * The decoders throw it; the session catches it once. Errors in attributes that RFC 7606 forgives are data, never thrown.
 */
export class BgpMessageError extends Error {
  readonly code: number;
  readonly subcode: number;
  /** The NOTIFICATION's data field. */
  readonly data: Uint8Array;

  constructor(code: number, subcode: number, data: Uint8Array, detail: string) {
    super(detail);
    this.name = 'BgpMessageError';
    this.code = code;
    this.subcode = subcode;
    this.data = data;
  }
}

export const noData = new Uint8Array(0);
