import test from 'ava';
import fc from 'fast-check';
import {
  checksum,
  decrementTtl,
  destinationOf,
  dontFragment,
  headerChecksumIsRight,
  headerLength,
  isLaterFragment,
  isWhole,
  sourceOf,
  ttlOf,
} from '../../../ipip/udp/inner-packet.js';
import { anyPacket, packet, slowChecksum } from './packets.js';

const RUNS = 5000;

test('a hop less leaves the checksum that the whole header would have', t => {
  fc.assert(
    fc.property(anyPacket, original => {
      const bytes = original.slice();
      decrementTtl(bytes);
      const again = original.slice();
      again[8]! -= 1;
      again.fill(0, 10, 12);
      const sum = slowChecksum(again.subarray(0, headerLength(again)));
      again[10] = sum >>> 8;
      again[11] = sum & 255;
      t.deepEqual(bytes, again);
    }),
    { numRuns: RUNS },
  );
});

test('a hop less, from each TTL and with each checksum, is never a damaged header', t => {
  // What the checksum is made of besides TTL: one word runs through all values.
  let damaged = 0;
  for (let ttl = 1; ttl <= 255; ttl++) {
    const bytes = packet({ ttl, payload: new Uint8Array(0) });
    for (let word = 0; word < 65536; word += 257) {
      bytes[8] = ttl;
      bytes[4] = word >>> 8;
      bytes[5] = word & 255;
      bytes.fill(0, 10, 12);
      const sum = slowChecksum(bytes);
      bytes[10] = sum >>> 8;
      bytes[11] = sum & 255;
      decrementTtl(bytes);
      if (!headerChecksumIsRight(bytes) || bytes[8] !== ttl - 1) damaged++;
    }
  }
  t.is(damaged, 0);
});

test('the checksum is that of the slow twin, over odd and even lengths', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), fc.nat(8), (bytes, from) => {
      const start = Math.min(from, bytes.length);
      t.is(checksum(bytes, start, bytes.length), slowChecksum(bytes.subarray(start)));
    }),
    { numRuns: RUNS },
  );
});

test('a changed bit anywhere in the header is a wrong checksum', t => {
  const original = packet({ options: Uint8Array.of(1, 1, 1, 0) });
  t.true(headerChecksumIsRight(original));
  for (let bit = 0; bit < 8 * 24; bit++) {
    const bytes = original.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    // A changed header length is another header.
    if (headerLength(bytes) === 24) t.false(headerChecksumIsRight(bytes), `bit ${bit}`);
  }
});

test('whole is: version 4, a header that fits, and as long as it says', t => {
  const bytes = packet();
  t.true(isWhole(bytes, bytes.length));
  for (let length = 0; length < bytes.length; length++) t.false(isWhole(bytes, length), `${length} bytes`);
  t.false(isWhole(Uint8Array.of(...bytes, 0), bytes.length + 1));
  const altered = (at: number, value: number) => {
    const other = bytes.slice();
    other[at] = value;
    return isWhole(other, other.length);
  };
  t.false(altered(0, 0x65));
  t.false(altered(0, 0x55));
  t.false(altered(0, 0x44));
  t.false(altered(0, 0x4f));
  t.false(altered(2, 1));
  t.false(altered(3, 27));
  // Bytes beyond `length` are another packet's.
  t.false(isWhole(new Uint8Array(65535), 0));
  t.true(isWhole(packet({ options: new Uint8Array(40), payload: new Uint8Array(0) }), 60));
});

test('the fields are where RFC 791 has them', t => {
  const bytes = packet({ source: '203.0.113.9', destination: '255.254.253.252', ttl: 7, dontFragment: true });
  t.is(sourceOf(bytes), 0xcb007109);
  t.is(destinationOf(bytes), 0xfffefdfc);
  t.is(ttlOf(bytes), 7);
  t.true(dontFragment(bytes));
  t.false(isLaterFragment(bytes));
  t.false(dontFragment(packet()));
  t.true(isLaterFragment(packet({ fragmentOffset: 1 })));
  t.true(isLaterFragment(packet({ fragmentOffset: 0x1f00 })));
});
