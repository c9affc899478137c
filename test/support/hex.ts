/** Octets written as people read them: pairs of hexadecimal digits, in any grouping; `M` stands for the marker of a BGP header. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll('M', 'ff'.repeat(16)).replaceAll(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not hexadecimal: ${digits}`);
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
