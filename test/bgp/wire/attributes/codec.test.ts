/** Path attributes one by one against their vectors. */
import test from 'ava';
import { decodeAttributes, encodeAttributes } from '../../../../bgp/wire/attributes/codec.js';
import { attributeTable } from '../../../../bgp/wire/attributes/table.js';
import { hex } from '../../../support/hex.js';
import { attributeVectors } from '../../../vectors/attributes.js';

const ibgp = { fourOctetAs: true, ibgp: true };

test('there are vectors of every attribute in the table', t => {
  const covered = new Set(attributeVectors.map(({ type }) => type));
  for (const { type, name } of attributeTable) t.true(covered.has(type), name);
});

for (const { name, bytes, attributes, asOctets, decodeOnly } of attributeVectors) {
  const context = { fourOctetAs: asOctets !== 2, ibgp: true };

  test(`${name}: decoded`, t => {
    t.deepEqual(decodeAttributes(bytes, 0, bytes.length, context), {
      attributes,
      problems: [],
      disposition: undefined,
    });
  });

  test(`${name}: decoded from the middle of a buffer, which is free then`, t => {
    const buffer = Uint8Array.of(1, 2, ...bytes, 3, 4);
    const decoded = decodeAttributes(buffer, 2, 2 + bytes.length, context);
    buffer.fill(0);
    t.deepEqual(decoded.attributes, attributes);
  });

  if (decodeOnly !== true) {
    test(`${name}: encoded`, t => {
      t.deepEqual(encodeAttributes(attributes, context), bytes);
    });
  }
}

test('all attributes in one block go out by type, but what holds routes goes first', t => {
  const block =
    hex(`40 01 01 00   40 02 00   40 03 04 0a000001   80 04 04 00000001   40 05 04 00000064   40 06 00
      c0 08 04 fde80064   80 09 04 c0a80001   80 0a 04 0a000001   80 0e 05 0019 46 00 00   80 0f 03 0002 01
      c0 10 08 0002fde800000064   c0 20 0c 000000010000000200000003   c0 16 00   c0 80 00   c0 0d 00`);
  const { attributes } = decodeAttributes(block, 0, block.length, ibgp);
  const encoded = encodeAttributes(attributes, ibgp);
  const types: number[] = [];
  for (let at = 0; at < encoded.length; at += 3 + encoded[at + 2]!) types.push(encoded[at + 1]!);
  t.deepEqual(types, [14, 15, 1, 2, 3, 4, 5, 6, 8, 9, 10, 13, 16, 22, 32, 128]);
});

test('what belongs inside an AS is not told outside', t => {
  const attributes = { origin: 0, localPref: 100, originatorId: 1, clusterList: [1] };
  t.deepEqual(encodeAttributes(attributes, { fourOctetAs: true, ibgp: false }), hex('40 01 01 00'));
});

test('empty lists are not told', t => {
  const attributes = { communities: [], extendedCommunities: [], largeCommunities: [], clusterList: [] };
  t.deepEqual(encodeAttributes(attributes, ibgp), new Uint8Array(0));
});

test('a large community stands once in what we send', t => {
  const attributes = { largeCommunities: [[1, 2, 3] as const, [1, 2, 3] as const] };
  t.deepEqual(encodeAttributes(attributes, ibgp), hex('c0 20 0c 00000001 00000002 00000003'));
});

test('values of 255 and 256 octets stand on either side of the extended length', t => {
  const unknown = (length: number) => ({
    unknown: [{ flags: 0xc0, type: 99, value: new Uint8Array(length) }],
  });
  t.deepEqual(encodeAttributes(unknown(255), ibgp).subarray(0, 4), hex('e0 63 ff 00'));
  t.deepEqual(encodeAttributes(unknown(256), ibgp).subarray(0, 5), hex('f0 63 0100 00'));
});

test('no attributes are no attributes', t => {
  t.deepEqual(decodeAttributes(new Uint8Array(0), 0, 0, ibgp).attributes, {});
  t.deepEqual(encodeAttributes({}, ibgp), new Uint8Array(0));
});
