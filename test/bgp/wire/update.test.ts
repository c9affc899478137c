/** UPDATE against its vectors, and what ends a session. */
import test from 'ava';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import {
  decodeUpdate,
  encodeEndOfRib,
  encodeUpdate,
  newUpdateFields,
  scanUpdate,
} from '../../../bgp/wire/update.js';
import { addressFamily } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import { hex, toHex } from '../../support/hex.js';
import { updateVectors } from '../../vectors/updates.js';

test('there are vectors', t => {
  t.true(updateVectors.length >= 16);
});

const ipv4Of = (prefixes: readonly Prefix[]) => prefixes.filter(prefix => addressFamily(prefix) === 'ipv4');

for (const { name, bytes, context, withdrawn, announced, attributes, pathIds, decodeOnly } of updateVectors) {
  const expected = {
    withdrawn,
    announced,
    attributes,
    problems: [],
    disposition: undefined,
    ...(pathIds && { pathIds }),
  };

  test(`${name}: decoded`, t => {
    t.deepEqual(decodeUpdate(bytes, 0, bytes.length, context), expected);
  });

  test(`${name}: decoded from the middle of a buffer, which is free then`, t => {
    const buffer = Uint8Array.of(9, ...bytes, 24, 10, 0, 0);
    const decoded = decodeUpdate(buffer, 1, 1 + bytes.length, context);
    buffer.fill(0);
    t.deepEqual(decoded, expected);
  });

  test(`${name}: encoded, and back again`, t => {
    const ipv4Ids = context.addPath?.includes('ipv4-unicast') === true && pathIds;
    const update = {
      withdrawn: ipv4Of(withdrawn),
      announced: attributes.mpReach?.afi === 1 ? [] : ipv4Of(announced),
      attributes,
      ...(ipv4Ids && { pathIds: ipv4Ids }),
    };
    const encoded = encodeUpdate(update, context);
    if (decodeOnly !== true) t.deepEqual(encoded, bytes);
    t.deepEqual(decodeUpdate(encoded, 0, encoded.length, context), expected);
  });

  test(`${name}: one octet too many is a prefix that cannot be, 3/10`, t => {
    const longer = Uint8Array.of(...bytes, 255);
    const error = t.throws(() => decodeUpdate(longer, 0, longer.length, context), {
      instanceOf: BgpMessageError,
    });
    t.deepEqual([error.code, error.subcode], [3, 10]);
  });

  test(`${name}: every truncation is an error of the message, a disposition, or fewer routes`, t => {
    t.plan(bytes.length - 23 + 1);
    t.pass();
    for (let length = 23; length < bytes.length; length++) {
      try {
        const update = decodeUpdate(bytes, 0, length, context);
        t.true(update.announced.length < announced.length || update.problems.length > 0, `${length}`);
      } catch (error) {
        if (!(error instanceof BgpMessageError)) throw error;
        t.is(error.code, 3);
      }
    }
  });
}

test('End-of-RIB is what the vectors say', t => {
  t.deepEqual(encodeEndOfRib(1, 1), updateVectors[0]!.bytes);
  t.deepEqual(encodeEndOfRib(2, 1), updateVectors[1]!.bytes);
});

test('the fields lie where the lengths say', t => {
  const { bytes } = updateVectors.find(({ name }) => name.startsWith('UPDATE that withdraws and'))!;
  const fields = newUpdateFields();
  scanUpdate(Uint8Array.of(0, ...bytes), 1, 1 + bytes.length, fields);
  t.deepEqual(fields, {
    withdrawnStart: 22,
    withdrawnEnd: 26,
    attributesStart: 28,
    attributesEnd: 48,
    nlriStart: 48,
  });
});

test('only IPv4 stands in the fields of RFC 4271', t => {
  const update = { withdrawn: [], announced: ['2001:db8::/32' as Prefix], attributes: {} };
  t.throws(() => encodeUpdate(update, { fourOctetAs: true, ibgp: true }), { instanceOf: RangeError });
});

/** Attributes that announce from outside: ORIGIN, AS_PATH, NEXT_HOP. 20 octets. */
const good = '40 01 01 00 40 02 06 02 01 0000fde9 40 03 04 c0000201';

const errors: readonly (readonly [string, string, readonly [number, number, string]])[] = [
  ['withdrawn routes that run past the message', 'M 0017 02 0001 0000', [3, 1, '']],
  ['attributes that run past the message', 'M 0017 02 0000 0001', [3, 1, '']],
  ['no room for the length of the attributes', 'M 001b 02 0003 18 0af401 00', [3, 1, '']],
  ['a withdrawn prefix of 33 bits', 'M 001d 02 0006 21 0af4010203 0000', [3, 10, '']],
  ['a withdrawn prefix past its field', 'M 001a 02 0003 18 0af4 0000', [3, 10, '']],
  ['a prefix of 33 bits', `M 0031 02 0000 0014 ${good} 21 0af401`, [3, 10, '']],
  ['a prefix past the message', `M 002e 02 0000 0014 ${good} 18 0af4`, [3, 10, '']],
  [
    'MP_UNREACH_NLRI with a prefix of 129 bits',
    'M 001f 02 0000 0008 80 0f 05 0002 01 81 00',
    [3, 9, '800f050002018100'],
  ],
  ['MP_UNREACH_NLRI of two octets', 'M 001c 02 0000 0005 80 0f 02 0002', [3, 9, '800f020002']],
  [
    'a malformed ORIGIN where nothing is announced (RFC 7606 section 5.2)',
    'M 001b 02 0000 0004 40 01 01 03',
    [3, 6, '40010103'],
  ],
  ['an unknown well-known attribute', `M 0032 02 0000 0017 ${good} 40 63 00 18 0af401`, [3, 2, '406300']],
];

for (const [name, text, expected] of errors) {
  test(`${name} ends the session with ${expected[0]}/${expected[1]}`, t => {
    const bytes = hex(text);
    const error = t.throws(() => decodeUpdate(bytes, 0, bytes.length, { fourOctetAs: true, ibgp: false }), {
      instanceOf: BgpMessageError,
    });
    t.deepEqual([error.code, error.subcode, toHex(error.data)], [...expected]);
  });
}

test('an IPv6 next hop of an IPv4 prefix ends the session where it was not negotiated (RFC 7606 section 7.11)', t => {
  const vectors = updateVectors.filter(({ context }) => context.extendedNextHop);
  t.is(vectors.length, 2);
  for (const { bytes, context } of vectors) {
    const error = t.throws(
      () => decodeUpdate(bytes, 0, bytes.length, { ...context, extendedNextHop: false }),
      { instanceOf: BgpMessageError },
    );
    t.deepEqual([error.code, error.subcode], [3, 9]);
  }
});
