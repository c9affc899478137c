import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import test from 'ava';
import { type Child, spawnChild } from '../../linux/child.js';
import { SystemError } from '../../linux/libc.js';

async function read({ stdin, stdout, stderr, ended }: Child, input = '') {
  const chunks: Buffer[] = [];
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  stderr.resume();
  stdin.on('error', () => {});
  stdin.end(input);
  return { end: await ended, text: Buffer.concat(chunks).toString() };
}

test.serial('how a child ended is told: by itself, or by a signal', async t => {
  t.deepEqual((await read(spawnChild(['sh', '-c', 'exit 7']))).end, { kind: 'exited', status: 7 });
  t.deepEqual((await read(spawnChild(['sh', '-c', 'kill -9 $$']))).end, { kind: 'killed', signal: 9 });
});

test.serial('megabytes go in and come out at the same time', async t => {
  const input = 'x'.repeat(5_000_000);
  t.is((await read(spawnChild(['cat']), input)).text, input);
});

test.serial('one that reads nothing of megabytes ends nevertheless', async t => {
  t.like(await read(spawnChild(['true']), 'x'.repeat(5_000_000)), { end: { kind: 'exited', status: 0 } });
});

test.serial('one that closes its output and goes on is waited for', async t => {
  const before = performance.now();
  const { end } = await read(spawnChild(['sh', '-c', 'exec >&- 2>&-; sleep 0.2; exit 3']));
  t.deepEqual(end, { kind: 'exited', status: 3 });
  t.true(performance.now() - before >= 200);
});

test.serial('it has our environment, and ignores no signal that Node ignores', async t => {
  process.env.MARGAY_CHILD_TEST = 'a b';
  const { text } = await read(
    spawnChild(['sh', '-c', 'echo "$MARGAY_CHILD_TEST"; grep -E "SigIgn|SigBlk" /proc/self/status']),
  );
  t.deepEqual(text.split(/\s+/), ['a', 'b', 'SigBlk:', '0'.repeat(16), 'SigIgn:', '0'.repeat(16), '']);
});

test.serial('it inherits no descriptor of ours but its own three, and nothing is left of it', async t => {
  const file = openSync('/dev/null', 'r');
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const child = spawnChild(['ls', '/proc/self/fd']);
  const { text } = await read(child);
  const inherited = text.trim().split('\n');
  t.true(
    ['0', '1', '2'].every(fd => inherited.includes(fd)),
    text,
  );
  t.false(inherited.includes(`${file}`), text);
  t.false(existsSync(`/proc/${child.pid}`));
  await new Promise(resolve => setImmediate(resolve));
  t.is(descriptors(), before);
  closeSync(file);
});

test.serial('a command that is not there is an error at once, and leaves no descriptor', t => {
  const before = readdirSync('/proc/self/fd').length;
  const error = t.throws(() => spawnChild(['margay-no-such-command']), { instanceOf: SystemError });
  t.is(error.code, 'ENOENT');
  t.is(readdirSync('/proc/self/fd').length, before);
});
