import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { clusterFile } from '../../../store/redis/cluster-memory.js';

const folder = mkdtempSync(join(tmpdir(), 'mgy-cluster-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test('which cluster a store is outlives the process, and is another store’s business there', t => {
  const path = join(folder, 'state', 'store-cluster');
  const problems: (string | undefined)[] = [];
  clusterFile(path, 'redis://a', text => problems.push(text)).remember('one');
  t.is(clusterFile(path, 'redis://a', () => {}).cluster, 'one');
  t.is(clusterFile(path, 'redis://b', () => {}).cluster, '');
  writeFileSync(path, 'no JSON');
  t.is(clusterFile(path, 'redis://a', () => {}).cluster, '');
  t.deepEqual(problems, []);
});

test('what cannot be written is said once, counts in this process, and is written as soon as it can be', t => {
  const blocked = join(folder, 'blocked');
  writeFileSync(blocked, '');
  const path = join(blocked, 'store-cluster');
  const problems: (string | undefined)[] = [];
  const memory = clusterFile(path, 'redis://a', text => problems.push(text));
  for (const _ of ['found', 'looked at again']) memory.remember('one');
  t.is(memory.cluster, 'one');
  t.is(problems.length, 1);
  rmSync(blocked);
  for (const _ of ['looked at', 'and again']) memory.remember('one');
  t.is(problems.length, 2);
  t.is(problems[1], undefined);
  t.is(clusterFile(path, 'redis://a', () => {}).cluster, 'one');
});
