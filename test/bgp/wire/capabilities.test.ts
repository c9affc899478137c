import test from 'ava';
import {
  type Capability,
  capabilityCode,
  decodeCapabilities,
  describeCapability,
  encodeCapability,
} from '../../../bgp/wire/capabilities.js';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import { Writer } from '../../../bgp/wire/writer.js';
import { hex } from '../../support/hex.js';
import { capabilityVectors } from '../../vectors/capabilities.js';

function encoded(capability: Capability): Uint8Array {
  const writer = new Writer(1);
  encodeCapability(writer, capability);
  return writer.finish();
}

test('there are vectors', t => {
  t.true(capabilityVectors.length >= 15);
});

for (const { name, bytes, capability, words, decodeOnly } of capabilityVectors) {
  test(`${name}: decoded, described and encoded`, t => {
    t.deepEqual(decodeCapabilities(bytes), [capability]);
    t.is(describeCapability(capability), words);
    t.is(capabilityCode(capability), bytes[0]);
    if (decodeOnly !== true) t.deepEqual(encoded(capability), bytes);
    t.deepEqual(decodeCapabilities(encoded(capability)), [capability]);
  });

  test(`${name}: every truncation is 2/0`, t => {
    for (let length = 1; length < bytes.length; length++) {
      const error = t.throws(() => decodeCapabilities(bytes.subarray(0, length)), {
        instanceOf: BgpMessageError,
      });
      t.deepEqual([error.code, error.subcode, error.data.length], [2, 0, 0], `${length} octets`);
    }
  });

  test(`${name}: one octet too many is 2/0`, t => {
    const error = t.throws(() => decodeCapabilities(Uint8Array.of(...bytes, 1)), {
      instanceOf: BgpMessageError,
    });
    t.deepEqual([error.code, error.subcode], [2, 0]);
  });
}

test('several capabilities in one parameter come in their order', t => {
  const decoded = decodeCapabilities(hex('41 04 0000fc00 02 00 01 04 0001 00 01'));
  t.deepEqual(
    decoded.map(({ kind }) => kind),
    ['four-octet-as', 'route-refresh', 'multiprotocol'],
  );
});

test('a parameter without capabilities is none', t => {
  t.deepEqual(decodeCapabilities(new Uint8Array(0)), []);
});

test('a restart time that 12 bits cannot hold does not reach the flags', t => {
  const capability: Capability = {
    kind: 'graceful-restart',
    restarting: false,
    notification: false,
    restartTimeSeconds: 20000,
    families: [],
  };
  t.deepEqual(encoded(capability), hex('40 02 0fff'));
});
