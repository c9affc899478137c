/** What is wrong with an OPEN, and how capabilities are laid out in one. */
import test from 'ava';
import type { Capability } from '../../../bgp/wire/capabilities.js';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import { decodeOpen, encodeOpen } from '../../../bgp/wire/open.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { hex, toHex } from '../../support/hex.js';
import { openVectors } from '../../vectors/messages.js';

/** Version, AS 65000, hold time 90, 10.0.0.1. */
const fixed = '04 fde8 005a 0a000001';

const errors: readonly (readonly [string, string, readonly [number, number, string]])[] = [
  ['version 3', 'M 001d 01 03 fde8 005a 0a000001 00', [2, 1, '0004']],
  ['version 5', 'M 001d 01 05 fde8 005a 0a000001 00', [2, 1, '0004']],
  ['parameters shorter than they say', `M 001d 01 ${fixed} 02`, [2, 0, '']],
  ['octets after the parameters', `M 001e 01 ${fixed} 00 00`, [2, 0, '']],
  ['a parameter without a length', `M 001e 01 ${fixed} 01 02`, [2, 0, '']],
  ['a parameter past the message', `M 001f 01 ${fixed} 02 02 01`, [2, 0, '']],
  ['the authentication parameter of old', `M 0020 01 ${fixed} 03 01 01 00`, [2, 4, '']],
  ['an unknown parameter', `M 001f 01 ${fixed} 02 03 00`, [2, 4, '']],
  ['a capability past its parameter', `M 0021 01 ${fixed} 04 02 02 41 04`, [2, 0, '']],
  ['a capability without a length', `M 0020 01 ${fixed} 03 02 01 41`, [2, 0, '']],
  ['extended parameters without their length', `M 001f 01 ${fixed} ff ff 00`, [2, 0, '']],
  ['extended parameters longer than the message', `M 0020 01 ${fixed} ff ff 0001`, [2, 0, '']],
  ['an extended parameter without a length', `M 0022 01 ${fixed} ff ff 0002 02 00`, [2, 0, '']],
  ['an extended parameter past the message', `M 0023 01 ${fixed} ff ff 0003 02 0001`, [2, 0, '']],
  ['type 255 after a length of 0, which says that there are none', `M 001e 01 ${fixed} 00 ff`, [2, 0, '']],
];

function errorOf(bytes: Uint8Array): readonly [number, number, string] | undefined {
  try {
    decodeOpen(bytes, 0, bytes.length);
    return undefined;
  } catch (error) {
    if (error instanceof BgpMessageError) return [error.code, error.subcode, toHex(error.data)];
    throw error;
  }
}

for (const [name, text, expected] of errors) {
  test(`${name}: ${expected[0]}/${expected[1]}`, t => {
    const bytes = hex(text);
    t.is((bytes[16]! << 8) | bytes[17]!, bytes.length, 'the vector');
    t.deepEqual(errorOf(bytes), expected);
  });
}

for (const { name, bytes } of openVectors) {
  test(`${name}: every truncation, and one octet too many, is 2/0`, t => {
    for (let length = 29; length < bytes.length; length++) {
      t.deepEqual(errorOf(bytes.subarray(0, length)), [2, 0, ''], `${length} octets`);
    }
    t.deepEqual(errorOf(Uint8Array.of(...bytes, 0)), [2, 0, '']);
  });
}

/** An OPEN whose capabilities take so many octets. */
function openOf(capabilitiesLength: number): Uint8Array {
  const capabilities: Capability[] = [];
  for (let left = capabilitiesLength; left > 0; ) {
    const length = Math.min(left, 100);
    capabilities.push({ kind: 'unknown', code: 200, value: new Uint8Array(length - 2) });
    left -= length;
  }
  const routerId = '10.0.0.1' as Ipv4Address;
  const open = { version: 4, asn: 65000, holdTimeSeconds: 90, routerId, capabilities };
  return encodeOpen(open);
}

test('up to 253 octets of capabilities go in the form of RFC 4271, more in that of RFC 9072', t => {
  t.is(toHex(openOf(253).subarray(28, 31)), 'ff02fd');
  t.is(toHex(openOf(254).subarray(28, 35)), 'ffff010102' + '00fe');
  for (const octets of [252, 253, 254, 255, 256, 600]) {
    const bytes = openOf(octets);
    const total = decodeOpen(bytes, 0, bytes.length).capabilities.reduce((sum, capability) => {
      return sum + (capability.kind === 'unknown' ? 2 + capability.value.length : 0);
    }, 0);
    t.is(total, octets);
  }
});
