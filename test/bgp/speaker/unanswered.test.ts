import test from 'ava';
import { unansweredWords } from '../../../bgp/speaker/unanswered.js';

const none = { missing: 5, unexpected: 5, wrong: 5 };

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
  test(name, t => t.regex(unansweredWords(signs, none, { ...none, ...now }), words));
}

test('where nobody counts, a password is asked about', t => {
  t.regex(unansweredWords(true, undefined, undefined), /password/);
  t.is(unansweredWords(false, undefined, undefined), 'connection timed out');
});
