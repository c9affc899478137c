import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hostIdentity } from '../../agent/host-identity.js';

function stateDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mgy-identity-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'state');
}

test('a host is the same over restarts, a process is not', t => {
  const directory = stateDirectory(t);
  const problems: string[] = [];
  const [first, second] = [1, 2].map(() => hostIdentity(directory, text => problems.push(text)));
  t.is(first!.instance, second!.instance);
  t.is(first!.boot, second!.boot);
  t.not(first!.process, second!.process);
  t.is(readFileSync(join(directory, 'instance'), 'utf8'), `${first!.instance}\n`);
  t.deepEqual(problems, []);
});

test('what is no identity is said, and replaced', t => {
  const directory = stateDirectory(t);
  const { instance } = hostIdentity(directory, () => {});
  writeFileSync(join(directory, 'instance'), 'gibberish\n');
  const problems: string[] = [];
  const second = hostIdentity(directory, text => problems.push(text));
  t.not(second.instance, instance);
  t.is(problems.length, 1);
  t.is(hostIdentity(directory, () => {}).instance, second.instance);
});

test('a host that cannot keep its identity has one for this start, and says so', t => {
  const problems: string[] = [];
  const { instance } = hostIdentity('/dev/null/state', text => problems.push(text));
  t.regex(instance, /^[0-9a-f-]{36}$/);
  t.true(problems.length > 0);
});
