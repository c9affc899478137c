import test from 'ava';
import { runCommand } from '../../linux/command.js';

test('a command that is ended for taking too long has failed', async t => {
  const outcome = await runCommand(['sleep', '30'], '', { timeoutMs: 50 });
  t.true(outcome.status < 0);
  t.false(outcome.missing);
  t.regex(outcome.stderr, /0\.05 s/);
});

test('a command that prints megabytes is read to its end', async t => {
  const bytes = 3_000_000;
  const outcome = await runCommand(['head', '-c', String(bytes), '/dev/zero']);
  t.is(outcome.status, 0);
  t.is(outcome.stdout.length, bytes);
});

test('a command that fails, and one that does not exist, are told apart', async t => {
  t.like(await runCommand(['sh', '-c', 'echo no >&2; exit 4']), { status: 4, stderr: 'no', missing: false });
  t.like(await runCommand(['margay-no-such-command']), { missing: true });
  t.like(await runCommand(['sh', '-c', 'cat'], 'fed'), { status: 0, stdout: 'fed' });
});

test('input is asked for piece by piece while the command reads, and no further than it reads', async t => {
  let asked = 0;
  function* pieces() {
    for (; asked < 100; asked++) yield 'x'.repeat(100_000);
  }
  t.is((await runCommand(['wc', '-c'], pieces())).stdout.trim(), `${100 * 100_000}`);
  asked = 0;
  t.like(await runCommand(['head', '-c', '3'], pieces()), { status: 0, stdout: 'xxx' });
  t.true(asked < 50, `${asked}`);
});

test('input that fails midway is the caller’s failure, and the command sees its end', async t => {
  function* pieces() {
    yield 'some';
    throw new Error('no more');
  }
  await t.throwsAsync(runCommand(['cat'], pieces()), { message: 'no more' });
});
