import test from 'ava';
import { unansweredWords } from '../../../bgp/speaker/unanswered.js';

const none = { missing: 5, unexpected: 5, wrong: 5, lowTtl: 5 };

const cases = [
  ['nothing was dropped, no password: nobody is there', false, {}, /^connection timed out$/],
  ['nothing was dropped, a password: nobody is there, or it does not know us', true, {}, /another password/],
  ['another password', true, { wrong: 7 }, /mismatch.*2 segments.*another password/],
  ['no signature, and a password here', true, { missing: 6 }, /mismatch.*a segment.*without a signature/],
  ['a signature, and no password here', false, { unexpected: 6 }, /mismatch.*no password is set here/],
  [
    "others' wrong passwords say nothing of a peer without one",
    false,
    { wrong: 9, missing: 9 },
    /^connection timed out$/,
  ],
  [
    "others' signatures say nothing of a peer with a password",
    true,
    { unexpected: 9 },
    /^no answer: the host is away/,
  ],
] as const;

for (const [name, signs, now, words] of cases) {
  test(name, t =>
    t.regex(unansweredWords({ signs, minimumTtl: undefined }, none, { ...none, ...now }), words),
  );
}

test('where nobody counts, a password is asked about', t => {
  t.regex(unansweredWords({ signs: true, minimumTtl: undefined }, undefined, undefined), /password/);
  t.is(
    unansweredWords({ signs: false, minimumTtl: undefined }, undefined, undefined),
    'connection timed out',
  );
});

test('segments from too far away are named where ttlSecurity is asked, and only there', t => {
  const now = { ...none, lowTtl: 7 };
  t.regex(
    unansweredWords({ signs: false, minimumTtl: 255 }, none, now),
    /ttlSecurity.*2 segments.*below 255/,
  );
  t.is(unansweredWords({ signs: false, minimumTtl: undefined }, none, now), 'connection timed out');
  t.is(unansweredWords({ signs: false, minimumTtl: 255 }, none, none), 'connection timed out');
});
