/** Communities as text: "64512:7" (RFC 1997), "64512:1:2" (RFC 8092). */
import type { LargeCommunity } from '../wire/attributes/attributes.js';

/** A number (RFC 1997), three (RFC 8092), or undefined if it is neither. */
export function communityOf(text: string): number | LargeCommunity | undefined {
  const parts = text.split(':');
  if (!parts.every(part => /^\d{1,10}$/.test(part))) return undefined;
  const [first, second, third] = parts.map(Number);
  if (parts.length === 2) {
    return first! <= 0xffff && second! <= 0xffff ? first! * 65536 + second! : undefined;
  }
  const fits = [first, second, third].every(part => part !== undefined && part <= 0xffffffff);
  return parts.length === 3 && fits ? [first!, second!, third!] : undefined;
}
