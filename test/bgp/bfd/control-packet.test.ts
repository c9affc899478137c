import test from 'ava';
import fc from 'fast-check';
import {
  CONTROL_PACKET_LENGTH,
  type ControlPacket,
  decodeControlPacket,
  encodeControlPacket,
  type PacketProblem,
} from '../../../bgp/bfd/control-packet.js';
import type { BfdState } from '../../../bgp/bfd/registry.js';
import { hex, toHex } from '../../support/hex.js';

const plain: ControlPacket = {
  diagnostic: 0,
  state: 3,
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 0x01020304,
  yourDiscriminator: 0xfffefdfc,
  desiredMinTxUs: 300_000,
  requiredMinRxUs: 300_000,
  requiredMinEchoRxUs: 0,
};

/** Written by hand from the diagram. */
const vectors: readonly (readonly [name: string, hex: string, packet: ControlPacket])[] = [
  ['Up', '20c00318 01020304 fffefdfc 000493e0 000493e0 00000000', plain],
  [
    'Down, at first',
    '20400318 00000001 00000000 000f4240 000493e0 00000000',
    { ...plain, state: 1, myDiscriminator: 1, yourDiscriminator: 0, desiredMinTxUs: 1_000_000 },
  ],
  [
    'Init with Poll',
    '20a00518 01020304 fffefdfc 000493e0 000493e0 00000000',
    { ...plain, state: 2, poll: true, detectMultiplier: 5 },
  ],
  ['Up with Final', '20d00318 01020304 fffefdfc 000493e0 000493e0 00000000', { ...plain, final: true }],
  [
    'AdminDown, with its diagnostic',
    '27000318 01020304 fffefdfc 000f4240 000493e0 00000000',
    { ...plain, state: 0, diagnostic: 7, desiredMinTxUs: 1_000_000 },
  ],
  [
    'everything else that may be set',
    '3fcaff18 ffffffff ffffffff ffffffff ffffffff ffffffff',
    {
      ...plain,
      diagnostic: 31,
      controlPlaneIndependent: true,
      demand: true,
      detectMultiplier: 255,
      myDiscriminator: 0xffffffff,
      yourDiscriminator: 0xffffffff,
      desiredMinTxUs: 0xffffffff,
      requiredMinRxUs: 0xffffffff,
      requiredMinEchoRxUs: 0xffffffff,
    },
  ],
];

for (const [name, digits, packet] of vectors) {
  const wire = hex(digits);

  test(`${name}: decode, encode, round trip`, t => {
    t.deepEqual(decodeControlPacket(wire), packet);
    t.is(toHex(encodeControlPacket(packet)), toHex(wire));
    t.deepEqual(decodeControlPacket(encodeControlPacket(packet)), packet);
  });

  test(`${name}: no truncation passes, and what follows the packet is ignored`, t => {
    for (let length = 0; length < wire.length; length++)
      t.is(decodeControlPacket(wire.subarray(0, length)), 'length', `${length} octets`);
    t.deepEqual(decodeControlPacket(Uint8Array.of(...wire, 0xff)), packet);
  });

  test(`${name}: inside a larger buffer`, t => {
    const larger = new Uint8Array(100).fill(0xaa);
    larger.set(wire, 7);
    t.deepEqual(decodeControlPacket(larger.subarray(7, 7 + wire.length)), packet);
  });
}

const up = hex(vectors[0]![1]);

const refused: readonly (readonly [what: string, bytes: Uint8Array, problem: PacketProblem])[] = [
  ['version 0', withOctet(up, 0, 0x00), 'version'],
  ['version 2', withOctet(up, 0, 0x40), 'version'],
  ['a length of 23', withOctet(up, 3, 23), 'length'],
  ['a length beyond the datagram', withOctet(up, 3, 25), 'length'],
  ['a multiplier of 0', withOctet(up, 2, 0), 'detect-multiplier'],
  ['the Multipoint bit', withOctet(up, 1, 0xc1), 'multipoint'],
  ['no discriminator of its own', withWord(up, 4, 0), 'my-discriminator'],
  ['Up without ours', withWord(up, 8, 0), 'your-discriminator'],
  ['Init without ours', withWord(withOctet(up, 1, 0x80), 8, 0), 'your-discriminator'],
  ['authentication too short for its header', withOctet(up, 1, 0xc4), 'length'],
  ['authentication', Uint8Array.of(...withOctet(withOctet(up, 1, 0xc4), 3, 26), 1, 2), 'authentication'],
];

for (const [what, bytes, problem] of refused) {
  test(`${what} is refused`, t => t.is(decodeControlPacket(bytes), problem));
}

for (const state of [0, 1] as const) {
  test(`state ${state} may come without our discriminator`, t => {
    const bytes = withWord(withOctet(up, 1, state << 6), 8, 0);
    t.like(decodeControlPacket(bytes), { state, yourDiscriminator: 0 });
  });
}

test('every packet that may be sent comes out as it went in', t => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const packet = fc.record({
    diagnostic: fc.integer({ min: 0, max: 31 }),
    state: fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<BfdState>,
    poll: fc.boolean(),
    final: fc.boolean(),
    controlPlaneIndependent: fc.boolean(),
    demand: fc.boolean(),
    detectMultiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: fc.integer({ min: 1, max: 0xffffffff }),
    yourDiscriminator: fc.integer({ min: 1, max: 0xffffffff }),
    desiredMinTxUs: u32,
    requiredMinRxUs: u32,
    requiredMinEchoRxUs: u32,
  });
  fc.assert(
    fc.property(packet, packet => {
      t.deepEqual(decodeControlPacket(encodeControlPacket(packet)), packet);
    }),
  );
});

test('no datagram makes the decoder throw', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      const result = decodeControlPacket(bytes);
      t.true(typeof result === 'string' || bytes.length >= CONTROL_PACKET_LENGTH);
    }),
    { numRuns: 2000 },
  );
});

function withOctet(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = value;
  return changed;
}

function withWord(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint32(at, value);
  return changed;
}
