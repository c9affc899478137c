/** Autonomous system numbers (RFC 6793: 32 bits) and their text forms (RFC 5396: asplain, and asdot on input). */

declare const brand: unique symbol;

export type Asn = number & { readonly [brand]: 'asn' };

/** RFC 6793 section 9: stands for a number above 65535 in 2-octet fields. */
export const AS_TRANS = 23456 as Asn;

export const MAX_ASN = 4294967295;

/** 1 to 4294967295 as a number, asplain or asdot text; `undefined` if out of range or malformed (0: RFC 7607). */
export function parseAsn(value: number | string): Asn | undefined {
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= 1 && value <= MAX_ASN ? (value as Asn) : undefined;
  }
  const dotted = /^(\d{1,5})\.(\d{1,5})$/.exec(value);
  if (dotted !== null) {
    const high = Number(dotted[1]);
    const low = Number(dotted[2]);
    return high > 65535 || low > 65535 ? undefined : parseAsn(high * 65536 + low);
  }
  return /^[1-9]\d{0,9}$/.test(value) ? parseAsn(Number(value)) : undefined;
}

/** RFC 6996: 64512 to 65534 and 4200000000 to 4294967294. */
export function isPrivateAsn(asn: Asn): boolean {
  return (asn >= 64512 && asn <= 65534) || (asn >= 4200000000 && asn <= 4294967294);
}
