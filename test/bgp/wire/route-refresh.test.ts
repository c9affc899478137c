import test from 'ava';
import { BgpMessageError } from '../../../bgp/wire/message-error.js';
import { decodeRouteRefresh } from '../../../bgp/wire/route-refresh.js';
import { hex } from '../../support/hex.js';

test('a request with more than a family is 1/2 with the length (without RFC 5291)', t => {
  const bytes = hex('M 0019 05 0001 00 01 0180');
  const error = t.throws(() => decodeRouteRefresh(bytes, 0, bytes.length), { instanceOf: BgpMessageError });
  t.deepEqual([error.code, error.subcode, error.data], [1, 2, hex('0019')]);
});

test('a demarcation of another length is 7/1 with the message (RFC 7313 section 5)', t => {
  for (const subtype of ['01', '02']) {
    const bytes = hex(`M 0018 05 0001 ${subtype} 01 00`);
    const error = t.throws(() => decodeRouteRefresh(bytes, 0, bytes.length), { instanceOf: BgpMessageError });
    t.deepEqual([error.code, error.subcode, error.data], [7, 1, bytes]);
  }
});

test('subtypes that nobody has assigned are handed on, to be ignored', t => {
  const bytes = hex('M 0017 05 0001 ff 01');
  t.is(decodeRouteRefresh(bytes, 0, bytes.length).subtype, 255);
});
