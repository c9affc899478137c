/** Missing attributes, the strongest of several problems, and what ends a session (RFC 7606 sections 3 d, 3 h and 5.2). */
import test from 'ava';
import { decodeAttributes } from '../../../../bgp/wire/attributes/codec.js';
import type { Disposition } from '../../../../bgp/wire/attributes/entry.js';
import {
  type AttributeProblem,
  fatalProblem,
  missingAttributes,
  strongestDisposition,
} from '../../../../bgp/wire/attributes/problems.js';
import { decodeUpdate } from '../../../../bgp/wire/update.js';
import { hex } from '../../../support/hex.js';

const ebgp = { fourOctetAs: true, ibgp: false };
const ibgp = { fourOctetAs: true, ibgp: true };

function missingIn(text: string, context = ebgp, nlri = true): readonly number[] {
  const bytes = hex(text);
  const decoded = decodeAttributes(bytes, 0, bytes.length, context);
  return missingAttributes(decoded, context, nlri).map(({ type }) => type);
}

test('each missing well-known attribute is a problem of its own: 3/3 with its type, treat as withdraw', t => {
  const missing = missingAttributes({ attributes: {}, problems: [] }, ibgp, true);
  t.deepEqual(
    missing.map(({ type, disposition, subcode, data }) => [type, disposition, subcode, [...data]]),
    [1, 2, 3, 5].map(type => [type, 'treat-as-withdraw', 3, [type]]),
  );
});

test('LOCAL_PREF is missing only from internal peers, NEXT_HOP only where the NLRI field has routes', t => {
  t.deepEqual(missingIn('40 01 01 00 40 02 00 40 03 04 0a000001'), []);
  t.deepEqual(missingIn('40 01 01 00 40 02 00 40 03 04 0a000001', ibgp), [5]);
  t.deepEqual(missingIn('40 01 01 00 40 02 00'), [3]);
  t.deepEqual(missingIn('40 01 01 00 40 02 00', ebgp, false), []);
});

test('what is there but malformed is not missing as well', t => {
  t.deepEqual(missingIn('40 01 01 07 40 02 00 40 03 04 0a000001'), []);
});

test('a message that announces nothing misses nothing', t => {
  const bytes = hex('M 001e 02 0000 0007 80 04 04 00000001');
  t.deepEqual(decodeUpdate(bytes, 0, bytes.length, ebgp).problems, []);
});

test('MP_REACH_NLRI with routes needs ORIGIN and AS_PATH, and no NEXT_HOP', t => {
  const reach = '80 0e 16 0002 01 10 20010db8000000000000000000000001 00 00';
  const bytes = hex(`M 0030 02 0000 0019 ${reach}`);
  const { problems, announced } = decodeUpdate(bytes, 0, bytes.length, ebgp);
  t.deepEqual(
    problems.map(({ type }) => type),
    [1, 2],
  );
  t.deepEqual(announced.map(String), ['::/0']);
});

const problem = (disposition: Disposition): AttributeProblem => {
  return { type: 1, disposition, subcode: 1, data: new Uint8Array(0), detail: disposition };
};
const discard = problem('attribute-discard');
const withdraw = problem('treat-as-withdraw');
const reset = problem('session-reset');

test('of several problems the strongest approach counts', t => {
  t.is(strongestDisposition([]), undefined);
  t.is(strongestDisposition([discard]), 'attribute-discard');
  t.is(strongestDisposition([discard, withdraw, discard]), 'treat-as-withdraw');
  t.is(strongestDisposition([discard, reset, withdraw]), 'session-reset');
});

test('what ends the session: a reset always, a withdrawal where nothing is announced, a discard never', t => {
  t.is(fatalProblem([discard, withdraw, reset], true), reset);
  t.is(fatalProblem([discard, withdraw], true), undefined);
  t.is(fatalProblem([discard, withdraw], false), withdraw);
  t.is(fatalProblem([discard], false), undefined);
  t.is(fatalProblem([withdraw, reset], false), reset);
});

test('several problems in one UPDATE are all reported', t => {
  const bytes = hex(`M 0037 02 0000 001c 40 01 01 07 40 02 06 02 01 0000fde9 40 03 04 c0000201
    c0 07 01 00 c0 08 01 00 18 0af401`);
  const { problems, disposition } = decodeUpdate(bytes, 0, bytes.length, ebgp);
  t.deepEqual(
    problems.map(({ type }) => type),
    [1, 7, 8],
  );
  t.is(disposition, 'treat-as-withdraw');
});
