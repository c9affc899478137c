/** MAC addresses as text: six octets, "aa:bb:cc:dd:ee:ff". Pure. */

const pattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** @throws RangeError for anything but six octets */
export function linkLayerAddressToBytes(address: string): Uint8Array {
  if (!pattern.test(address)) {
    throw new RangeError(
      `link-layer address "${address}": six octets are allowed, as in "02:00:5e:10:00:01"`,
    );
  }
  return Uint8Array.from(address.split(':'), octet => Number.parseInt(octet, 16));
}

/** In lower case; "" for what is not six octets (a tunnel without a link layer has its local IP address there). */
export function linkLayerAddressFromBytes(bytes: Uint8Array, start: number, end: number): string {
  if (end - start !== 6) return '';
  return [...bytes.subarray(start, end)].map(octet => octet.toString(16).padStart(2, '0')).join(':');
}
