/** Shutdown communications (RFC 9003), long data, and words for every code. */
import test from 'ava';
import { CeaseError, ErrorCode, FsmError, HeaderError, OpenError, UpdateError } from '../../../bgp/iana.js';
import {
  decodeNotification,
  describeNotification,
  encodeNotification,
  encodeShutdownCommunication,
  hardReset,
  hardResetReason,
  shutdownCommunication,
} from '../../../bgp/wire/notification.js';
import { hex } from '../../support/hex.js';

const shutdown = (data: Uint8Array) => ({ code: 6, subcode: 2, data });

test('a communication goes there and back', t => {
  for (const text of ['a', 'moving racks', 'umzug: größer', '移設中', 'x'.repeat(255)]) {
    const data = encodeShutdownCommunication(text);
    t.is(data[0], data.length - 1);
    t.is(shutdownCommunication(shutdown(data)), text);
    t.is(shutdownCommunication({ code: 6, subcode: 4, data }), text, 'administrative reset');
  }
});

test('a communication is cut at 255 octets, between characters', t => {
  t.is(encodeShutdownCommunication('x'.repeat(300)).length, 256);
  const data = encodeShutdownCommunication(`x${'€'.repeat(100)}`);
  t.is(data[0], 253);
  t.is(shutdownCommunication(shutdown(data)), `x${'€'.repeat(84)}`);
  const faces = encodeShutdownCommunication('😀'.repeat(64));
  t.is(shutdownCommunication(shutdown(faces)), '😀'.repeat(63));
});

test('no text is no communication', t => {
  t.deepEqual(encodeShutdownCommunication(''), new Uint8Array(0));
  t.is(shutdownCommunication(shutdown(new Uint8Array(0))), undefined);
  t.is(shutdownCommunication(shutdown(hex('00'))), undefined);
});

test('a communication longer than its data, or not UTF-8, is none', t => {
  t.is(shutdownCommunication(shutdown(hex('05 61626364'))), undefined);
  t.is(shutdownCommunication(shutdown(hex('02 c328'))), undefined);
});

test('what cannot be read of a communication is shown in hexadecimal', t => {
  t.is(
    describeNotification(shutdown(hex('02 c328'))),
    '6/2 administrative shutdown (its message is malformed: c3 28)',
  );
  t.is(
    describeNotification(shutdown(hex('05 61626364'))),
    '6/2 administrative shutdown (its message is malformed: 61 62 63 64)',
  );
  const long = describeNotification(shutdown(Uint8Array.of(255, ...new Uint8Array(255).fill(0xff))));
  t.true(long.endsWith('ff …)'));
  t.true(long.length < 160);
  t.is(describeNotification(shutdown(hex('01 1b'))), '6/2 administrative shutdown');
});

test('a Hard Reset says what it is about (RFC 8538 section 3)', t => {
  const inside = shutdown(encodeShutdownCommunication('moving racks'));
  const wrapped = hardReset(inside);
  t.deepEqual([wrapped.code, wrapped.subcode, ...wrapped.data.subarray(0, 2)], [6, 9, 6, 2]);
  t.deepEqual(hardResetReason(wrapped), inside);
  t.is(describeNotification(wrapped), '6/9 hard reset: 6/2 administrative shutdown: moving racks');
  t.is(shutdownCommunication(wrapped), 'moving racks');
  t.is(
    describeNotification(hardReset({ code: 4, subcode: 0, data: hex('') })),
    '6/9 hard reset: 4 hold timer expired',
  );
});

test('a Hard Reset about nothing, half of something or another one is a plain one', t => {
  for (const data of ['', '06', '06 09', '06 09 06 09 06 02']) {
    t.is(describeNotification({ code: 6, subcode: 9, data: hex(data) }), '6/9 hard reset', data);
  }
  t.is(hardResetReason({ code: 6, subcode: 2, data: hex('06 02') }), undefined);
});

test('only administrative shutdown and reset carry one', t => {
  const data = encodeShutdownCommunication('no');
  for (const subcode of [1, 3, 5, 6, 7, 8, 9]) {
    t.is(shutdownCommunication({ code: 6, subcode, data }), undefined);
  }
  t.is(shutdownCommunication({ code: 3, subcode: 2, data }), undefined);
});

test('what would move a cursor or turn the text round becomes a space', t => {
  const data = encodeShutdownCommunication('a\u001b[2Jb\r\nc\u202ed\u2028e');
  t.is(shutdownCommunication(shutdown(data)), 'a [2Jb  c d e');
});

test('data that no message could hold is cut', t => {
  const bytes = encodeNotification({ code: 3, subcode: 1, data: new Uint8Array(5000).fill(7) });
  t.is(bytes.length, 4096);
  t.is(decodeNotification(bytes, 0, bytes.length).data.length, 4096 - 21);
});

test('every code and subcode that we know has words of its own', t => {
  const subcodes: readonly (readonly [number, Readonly<Record<string, number>>])[] = [
    [ErrorCode.messageHeader, HeaderError],
    [ErrorCode.open, OpenError],
    [ErrorCode.update, UpdateError],
    [ErrorCode.finiteStateMachine, FsmError],
    [ErrorCode.cease, CeaseError],
  ];
  const data = new Uint8Array(0);
  const seen = new Set<string>();
  for (const [code, registry] of subcodes) {
    for (const subcode of Object.values(registry)) {
      const words = describeNotification({ code, subcode, data });
      t.false(seen.has(words), words);
      t.false(words.includes('unknown'), words);
      seen.add(words);
    }
  }
  for (const code of Object.values(ErrorCode)) {
    t.false(describeNotification({ code, subcode: 0, data }).includes('unknown'));
  }
});

test('a subcode that nobody has assigned keeps the words of its code', t => {
  t.is(describeNotification({ code: 6, subcode: 77, data: new Uint8Array(0) }), '6/77 cease');
});
