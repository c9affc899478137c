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
