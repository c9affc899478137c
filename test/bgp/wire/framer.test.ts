import test from 'ava';
import {
  frameLength,
  frameType,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MAX_MESSAGE_LENGTH,
  updateLength,
} from '../../../bgp/wire/framer.js';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import { hex, toHex } from '../../support/hex.js';
import { keepalive, notificationVectors, openVectors, routeRefreshVectors } from '../../vectors/messages.js';
import { updateVectors } from '../../vectors/updates.js';

const messages = [
  ...openVectors,
  ...notificationVectors,
  ...routeRefreshVectors,
  ...updateVectors,
  { name: 'KEEPALIVE', bytes: keepalive },
];

function errorOf(bytes: Uint8Array, maxLength = MAX_MESSAGE_LENGTH): readonly [number, number, string] {
  try {
    frameLength(bytes, 0, bytes.length, maxLength);
  } catch (error) {
    if (error instanceof BgpMessageError) return [error.code, error.subcode, toHex(error.data)];
  }
  throw new Error('no error');
}

/** A header and as many zeros as it promises. */
function message(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(19, length));
  bytes.fill(255, 0, 16);
  bytes[16] = length >>> 8;
  bytes[17] = length & 255;
  bytes[18] = type;
  return bytes;
}

test('there are messages', t => {
  t.true(messages.length >= 30);
});

for (const { name, bytes } of messages) {
  test(`${name}: is whole with its last octet, one at a time, and not before`, t => {
    const buffer = new Uint8Array(bytes.length + 10).fill(0xaa);
    for (let end = 0; end < bytes.length; end++) {
      t.is(frameLength(buffer, 0, end, MAX_MESSAGE_LENGTH), 0, `${end} octets`);
      buffer[end] = bytes[end]!;
    }
    t.is(frameLength(buffer, 0, bytes.length, MAX_MESSAGE_LENGTH), bytes.length);
    t.is(
      frameLength(buffer, 0, buffer.length, MAX_MESSAGE_LENGTH),
      bytes.length,
      'with octets of the next one',
    );
    t.is(frameType(buffer, 0), bytes[18]);
  });
}

test('a stream in pieces of any size gives the messages that went in', t => {
  const stream = Buffer.concat(messages.map(({ bytes }) => bytes));
  for (let piece = 1; piece <= 64; piece++) {
    const lengths: number[] = [];
    let start = 0;
    for (let end = piece; start < stream.length; end = Math.min(end + piece, stream.length)) {
      for (;;) {
        const length = frameLength(stream, start, end, MAX_MESSAGE_LENGTH);
        if (length === 0) break;
        lengths.push(length);
        start += length;
      }
    }
    t.deepEqual(
      lengths,
      messages.map(({ bytes }) => bytes.length),
      `pieces of ${piece}`,
    );
  }
});

test('a marker that is not all ones is 1/1, wherever the other bit stands', t => {
  for (let at = 0; at < 16; at++) {
    const bytes = Uint8Array.from(keepalive);
    bytes[at] = 0xfe;
    t.deepEqual(errorOf(bytes), [1, 1, ''], `octet ${at}`);
  }
});

test('nothing is judged before the header is whole', t => {
  t.is(frameLength(new Uint8Array(18), 0, 18, MAX_MESSAGE_LENGTH), 0);
});

test('unknown types are 1/3 with the type', t => {
  for (const type of [0, 6, 7, 255]) {
    t.deepEqual(errorOf(message(19, type)), [1, 3, type.toString(16).padStart(2, '0')]);
  }
});

const shortest = {
  OPEN: [1, 29],
  UPDATE: [2, 23],
  NOTIFICATION: [3, 21],
  KEEPALIVE: [4, 19],
  'ROUTE-REFRESH': [5, 23],
} as const;

for (const [name, [type, length]] of Object.entries(shortest)) {
  test(`${name}: ${length} octets are enough, fewer are 1/2 with the length`, t => {
    t.is(frameLength(message(length, type), 0, length, MAX_MESSAGE_LENGTH), length);
    for (const short of [0, 1, 18, length - 1]) {
      t.deepEqual(errorOf(message(short, type)), [1, 2, short.toString(16).padStart(4, '0')]);
    }
  });
}

const longest = [
  ['OPEN', 1, 4096, 4096],
  ['UPDATE', 2, 4096, 65535],
  ['NOTIFICATION', 3, 4096, 65535],
  ['KEEPALIVE', 4, 19, 19],
  ['ROUTE-REFRESH', 5, 4096, 65535],
] as const;

for (const [name, type, plain, extended] of longest) {
  test(`${name}: up to ${plain} octets, with extended messages ${extended}, more is 1/2 with the length`, t => {
    for (const [limit, longestOf] of [
      [MAX_MESSAGE_LENGTH, plain],
      [MAX_EXTENDED_MESSAGE_LENGTH, extended],
    ] as const) {
      t.is(frameLength(message(longestOf, type), 0, longestOf, limit), longestOf);
      if (longestOf === 65535) continue;
      const long = longestOf + 1;
      t.deepEqual(errorOf(message(long, type), limit), [1, 2, long.toString(16).padStart(4, '0')]);
    }
  });
}

test('a bad length is told before the rest has come', t => {
  t.deepEqual(errorOf(hex('M ffff 02')), [1, 2, 'ffff']);
});

test('the length of an UPDATE is that of the frame, and of anything else 0', t => {
  let updates = 0;
  for (const { name, bytes } of messages) {
    for (const end of [0, 18, 19, 22, bytes.length - 1, bytes.length]) {
      const isUpdate = frameType(bytes, 0) === 2;
      const expected = isUpdate ? frameLength(bytes, 0, end, MAX_MESSAGE_LENGTH) : 0;
      t.is(updateLength(bytes, 0, end, MAX_MESSAGE_LENGTH), expected, name);
      if (expected > 0) updates++;
    }
  }
  t.true(updates > 0);
});

test('an UPDATE whose header is in error has no length', t => {
  t.is(updateLength(message(23, 2), 0, 23, MAX_MESSAGE_LENGTH), 23);
  t.is(updateLength(message(22, 2), 0, 23, MAX_MESSAGE_LENGTH), 0);
  t.is(updateLength(message(4097, 2), 0, 4097, MAX_MESSAGE_LENGTH), 0);
  t.is(updateLength(message(4097, 2), 0, 4097, MAX_EXTENDED_MESSAGE_LENGTH), 4097);
  for (let i = 0; i < 16; i++) {
    const spoilt = message(23, 2);
    spoilt[i] = 0xfe;
    t.is(updateLength(spoilt, 0, 23, MAX_MESSAGE_LENGTH), 0);
  }
});
