import test from 'ava';
import { connectionWords, errorWords } from '../../../store/redis/connection.js';

const words = (text: string) => errorWords(new Error(text));

test('what a person set wrongly is said with the keys by which it is put right', t => {
  const refused = words('WRONGPASS invalid username-password pair or user is disabled.');
  t.regex(refused, /store\.redis\.username/);
  t.regex(refused, /store\.redis\.passwordFile/);
  t.regex(words('NOAUTH Authentication required.'), /store\.redis\.passwordFile/);
  t.regex(words("NOPERM this user has no permissions to run the 'eval' command"), /docs\/redis\.md/);
});

test('what is no Redis is called that, and a library’s inner words are not repeated', t => {
  const foreign = words('Unknown RESP type 72 "H". Please report this.');
  t.notRegex(foreign, /RESP|report/);
  t.notRegex(words("Stream isn't writeable and enableOfflineQueue options is false"), /enableOfflineQueue/);
});

test('words are a part of a sentence: no full stop at their end', t => {
  t.is(
    words('LOADING Redis is loading the dataset in memory.'),
    'LOADING Redis is loading the dataset in memory',
  );
});

test('a handshake that takes too long asks for TLS only where that is spoken', t => {
  const late = new Error('connect ETIMEDOUT');
  t.regex(connectionWords(late, true), /TLS/);
  t.notRegex(connectionWords(late, false), /TLS/);
  t.notRegex(connectionWords(new Error('connect ETIMEDOUT 192.0.2.1:6379'), true), /TLS/);
});
