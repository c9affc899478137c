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

const nodes = [{ host: '192.0.2.1', port: 6379 }];
const plain = { nodes, kind: { kind: 'standalone' }, tls: undefined } as const;
const secured = { ...plain, tls: { ca: undefined, certificate: undefined, key: undefined } };

test('a handshake that takes too long asks for TLS only where that is spoken', t => {
  const late = new Error('connect ETIMEDOUT');
  t.regex(connectionWords(late, secured), /TLS/);
  t.notRegex(connectionWords(late, plain), /TLS/);
  t.notRegex(connectionWords(new Error('connect ETIMEDOUT 192.0.2.1:6379'), secured), /TLS/);
});

test('a connection that does not come about says where it was to lead', t => {
  t.is(connectionWords(new Error('connect ETIMEDOUT'), plain), 'connect ETIMEDOUT 192.0.2.1:6379');
});

test('Sentinels: what the last of them said, and the key for a wrong name; not how a library goes on', t => {
  const all = 'All sentinels are unreachable. Retrying from scratch after 312ms.';
  const wrongName = words(`${all} Last error: ERR No such master with that name`);
  t.regex(wrongName, /^no Sentinel says where the primary is: ERR No such master.*store\.redis\.sentinel/);
  t.regex(
    words(`${all} Last error: WRONGPASS invalid username-password pair or user is disabled.`),
    /store\.redis\.sentinelPasswordFile/,
  );
  t.is(words(all), 'no Sentinel says where the primary is');
  t.is(
    words(`${all} Last error: connect ECONNREFUSED 10.0.0.5:26379`),
    'no Sentinel says where the primary is: connect ECONNREFUSED 10.0.0.5:26379',
  );
});
