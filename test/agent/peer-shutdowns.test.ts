import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { PeerShutdowns, peerShutdownsPath } from '../../agent/peer-shutdowns.js';

function path(t: { teardown(fn: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'mgy-shutdowns-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return peerShutdownsPath(join(directory, 'state'));
}

const moving = { message: 'moving racks', sinceUnixMs: 5 };

test('what is shut down is still so for the next agent, until it is enabled', t => {
  const file = path(t);
  const first = new PeerShutdowns(file);
  t.is(first.get('Mesh_10_0_0_2'), undefined);
  first.set('Mesh_10_0_0_2', moving);
  first.set('Global_10_0_0_3', { message: '', sinceUnixMs: 6 });
  const second = new PeerShutdowns(file);
  t.deepEqual(second.get('Mesh_10_0_0_2'), moving);
  t.deepEqual(second.get('Global_10_0_0_3'), { message: '', sinceUnixMs: 6 });
  second.delete('Mesh_10_0_0_2');
  second.delete('Mesh_10_0_0_2');
  t.is(new PeerShutdowns(file).get('Mesh_10_0_0_2'), undefined);
  t.truthy(new PeerShutdowns(file).get('Global_10_0_0_3'));
});

test('a file that cannot be read is told, and counts as empty', t => {
  for (const text of [
    '{',
    '[1',
    'null',
    '{"a": 5}',
    '{"a": null}',
    '{"a": {"message": 5, "sinceUnixMs": 1}}',
  ]) {
    const file = path(t);
    new PeerShutdowns(file).set('a', moving);
    writeFileSync(file, text);
    const problems: string[] = [];
    t.is(new PeerShutdowns(file, problem => problems.push(problem)).get('a'), undefined, text);
    t.is(problems.length, 1, text);
    t.true(problems[0]?.startsWith(file));
  }
});

test('what cannot be written has not happened', t => {
  const file = path(t);
  const shutdowns = new PeerShutdowns(file);
  shutdowns.set('a', moving);
  rmSync(file);
  writeFileSync(join(file, '..', 'peer-shutdowns.json.next'), 'x');
  rmSync(join(file, '..'), { recursive: true });
  writeFileSync(join(file, '..'), 'a file where the directory was');
  t.throws(() => shutdowns.set('b', moving));
  t.is(shutdowns.get('b'), undefined);
  t.throws(() => shutdowns.delete('a'));
  t.deepEqual(shutdowns.get('a'), moving);
});

test('without a path they are kept in memory', t => {
  const shutdowns = new PeerShutdowns(undefined);
  shutdowns.set('a', moving);
  t.deepEqual(shutdowns.get('a'), moving);
  t.throws(() => readFileSync('peer-shutdowns.json'));
});
