import test from 'ava';
import type { Prefix } from '../../core/prefix.js';
import { close } from '../../linux/libc.js';
import { md5Signature, setPassword } from '../../linux/tcp-md5.js';
import { openListener } from '../../linux/tcp-options.js';

const v4 = '10.1.0.0/16' as Prefix;

test('struct tcp_md5sig: the address without a port, the prefix flag and length, the key with its length', t => {
  const bytes = md5Signature(v4, 'pässword');
  t.is(bytes.length, 216);
  t.deepEqual([...bytes.subarray(0, 8)], [2, 0, 0, 0, 10, 1, 0, 0]);
  t.deepEqual([...bytes.subarray(128, 136)], [1, 16, 9, 0, 0, 0, 0, 0]);
  t.is(new TextDecoder().decode(bytes.subarray(136, 145)), 'pässword');
  t.deepEqual([...new Set(bytes.subarray(145))], [0]);
  const v6 = md5Signature('fd00::/64' as Prefix, undefined);
  t.deepEqual([...v6.subarray(0, 10)], [10, 0, 0, 0, 0, 0, 0, 0, 0xfd, 0]);
  t.deepEqual([...v6.subarray(128, 136)], [1, 64, 0, 0, 0, 0, 0, 0]);
});

test('a password has 1 to 80 octets; what is said of others does not have them', t => {
  t.notThrows(() => md5Signature(v4, 'x'.repeat(80)));
  t.throws(() => md5Signature(v4, ''), { instanceOf: RangeError });
  // 41 characters of two octets.
  const long = 'ä'.repeat(41);
  const error = t.throws(() => md5Signature(v4, long), { instanceOf: RangeError });
  t.false(error.message.includes(long));
});

test('a key is set, changed and removed, also one that is not there', t => {
  const fd = openListener({ address: '127.0.0.1' as never, port: 0 }, 1);
  t.teardown(() => close(fd));
  t.notThrows(() => setPassword(fd, v4, 'one'));
  t.notThrows(() => setPassword(fd, v4, 'two'));
  t.notThrows(() => setPassword(fd, v4, undefined));
  t.notThrows(() => setPassword(fd, v4, undefined));
  t.throws(() => setPassword(-1, v4, 'one'), { code: 'EBADF' });
});
