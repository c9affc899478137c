/** OPEN, NOTIFICATION, ROUTE-REFRESH and KEEPALIVE against their vectors. */
import test from 'ava';
import { encodeKeepalive } from '../../../bgp/wire/keepalive.js';
import {
  decodeNotification,
  describeNotification,
  encodeNotification,
} from '../../../bgp/wire/notification.js';
import { decodeOpen, encodeOpen } from '../../../bgp/wire/open.js';
import { decodeRouteRefresh, encodeRouteRefresh } from '../../../bgp/wire/route-refresh.js';
import {
  keepalive,
  type MessageVector,
  notificationVectors,
  openVectors,
  routeRefreshVectors,
} from '../../vectors/messages.js';

test('there are vectors of every kind', t => {
  t.true(openVectors.length >= 8);
  t.true(notificationVectors.length >= 7);
  t.true(routeRefreshVectors.length >= 4);
});

function verify<T>(
  vectors: readonly MessageVector<T>[],
  decode: (buffer: Uint8Array, start: number, end: number) => T,
  encode: (value: T) => Uint8Array,
): void {
  for (const { name, bytes, value, decodeOnly } of vectors) {
    test(`${name}: decoded`, t => {
      t.deepEqual(decode(bytes, 0, bytes.length), value);
    });

    test(`${name}: decoded from the middle of a buffer, whatever follows`, t => {
      const buffer = Uint8Array.of(1, 2, 3, ...bytes, 255, 255);
      t.deepEqual(decode(buffer, 3, 3 + bytes.length), value);
    });

    test(`${name}: encoded, and back again`, t => {
      const encoded = encode(value);
      if (decodeOnly !== true) t.deepEqual(encoded, bytes);
      t.deepEqual(decode(encoded, 0, encoded.length), value);
    });
  }
}

verify(openVectors, decodeOpen, encodeOpen);
verify(notificationVectors, decodeNotification, encodeNotification);
verify(routeRefreshVectors, decodeRouteRefresh, encodeRouteRefresh);

for (const { name, value, words } of notificationVectors) {
  test(`${name}: in words`, t => {
    t.is(describeNotification(value), words);
  });
}

test('a KEEPALIVE is a header', t => {
  t.deepEqual(encodeKeepalive(), keepalive);
});

test('what was decoded keeps nothing of the buffer', t => {
  const buffer = Uint8Array.from(notificationVectors[5]!.bytes);
  const { data } = decodeNotification(buffer, 0, buffer.length);
  buffer.fill(0);
  t.deepEqual(data, notificationVectors[5]!.value.data);
});
