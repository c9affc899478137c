import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Password } from '../../agent/calculators/passwords.js';
import { HostPasswords, readPassword } from '../../agent/host-passwords.js';
import { FakeClock } from '../../bgp/testing/index.js';
import { asn, bgpPeer, node } from './documents.js';
import { runAgent } from './running-agent.js';

const directory = mkdtempSync(join(tmpdir(), 'mgy-passwords-'));
test.after.always(() => rmSync(directory, { recursive: true }));

const place = (name: string) => join(directory, name);
const ofFile = (name: string) => readPassword({ kind: 'file', path: place(name) });

test('the first line of a file, or why there is none, without a word of it', t => {
  writeFileSync(place('good'), 'hünter2\r\nsecond line\n');
  writeFileSync(place('empty'), '\n');
  writeFileSync(place('long'), `${'x'.repeat(81)}\n`);
  writeFileSync(place('binary'), Buffer.from([0xff, 0xfe, 0x41]));
  execFileSync('mkfifo', [place('fifo')]);
  t.deepEqual(ofFile('good'), { kind: 'found', text: 'hünter2' });
  for (const [name, problem] of [
    ['nowhere', /nowhere does not exist$/],
    ['empty', /empty is empty$/],
    ['long', /has 81 bytes/],
    ['binary', /is not UTF-8 text$/],
    ['fifo', /cannot be read: it is no file$/],
    ['.', /cannot be read/],
  ] as const) {
    const found = ofFile(name);
    t.regex(found.kind === 'missing' ? found.problem : '', problem, name);
  }
});

test('a variable of the environment', t => {
  process.env.MGY_TEST_PASSWORD = 'hunter2';
  t.deepEqual(readPassword({ kind: 'environment', name: 'MGY_TEST_PASSWORD' }), {
    kind: 'found',
    text: 'hunter2',
  });
  delete process.env.MGY_TEST_PASSWORD;
  t.deepEqual(readPassword({ kind: 'environment', name: 'MGY_TEST_PASSWORD' }), {
    kind: 'missing',
    problem: 'the environment variable MGY_TEST_PASSWORD is not set',
  });
});

test('what is read again and is the same is no change; what is another is told once', t => {
  const clock = new FakeClock();
  let text = 'one';
  let changes = 0;
  const passwords = new HostPasswords(
    clock,
    () => ({ kind: 'found', text }),
    () => changes++,
  );
  const sources = [{ kind: 'file', path: '/x' } as const];
  t.is(passwords.look([]), undefined);
  t.deepEqual([...(passwords.look(sources) ?? [])], [['file /x', { kind: 'found', text: 'one' }]]);
  t.is(passwords.look(sources), undefined);
  clock.advance(20_000);
  t.is(changes, 0);
  text = 'two';
  clock.advance(5000);
  t.is(changes, 1);
  t.is(passwords.look(sources)?.size, 1);
  passwords.close();
  text = 'three';
  clock.advance(20_000);
  t.is(changes, 1);
});

test('an agent tells its speaker a new password of a file without anybody asking', async t => {
  let found: Password = { kind: 'missing', problem: 'the file /x does not exist' };
  const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) }, { passwordFile: '/x' });
  const { commands, clock, agent } = await runAgent(t, [node('a', '10.0.0.1/24'), tor], {
    readPassword: () => found,
  });
  const told = () =>
    commands.flatMap(command =>
      command.kind === 'set-peer' ? [`${command.peer.administrativeState} ${command.peer.password}`] : [],
    );
  t.deepEqual(told(), ['down undefined']);
  t.true(agent.conditions.some(({ message }) => message.includes('the file /x does not exist')));
  found = { kind: 'found', text: 'one' };
  clock.advance(5000);
  found = { kind: 'found', text: 'two' };
  clock.advance(5000);
  t.deepEqual(told(), ['down undefined', 'up one', 'up two']);
});
