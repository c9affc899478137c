/** `bgpctl store` on a directory and a real Redis, without an agent. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { GoodDocuments } from '../../../store/good-documents.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { node, pool } from '../../agent/documents.js';
import { eventually } from '../../support/eventually.js';
import { closing, newDirectory, type RedisLab, standaloneRedis } from '../../support/redis-lab.js';
import { StoreWatcher } from '../../support/store-watcher.js';

const bgpctl = fileURLToPath(new URL('../../../../bin/bgpctl', import.meta.url));

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bgpctl, 'store', ...words], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const documents = `apiVersion: projectcalico.org/v3
kind: IPPool
metadata: { name: pods }
spec: { cidr: 10.244.0.0/16 }
---
apiVersion: v1
kind: Secret
metadata: { name: bgp }
stringData: { k: hallo }
`;

interface Place {
  readonly lab: RedisLab;
  readonly location: string;
  readonly files: string;
  readonly directory: string;
}

async function place(t: ExecutionContext): Promise<Place> {
  const lab = closing(t, await standaloneRedis());
  const directory = newDirectory();
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const files = join(directory, 'store');
  mkdirSync(files);
  writeFileSync(join(files, 'all.yaml'), documents);
  const { host, port } = lab.server.nodes[0]!;
  return { lab, location: `redis://${host}:${port}/command`, files, directory };
}

function openStore(t: ExecutionContext, { lab }: Place): RedisStore {
  const store = new RedisStore({ server: lab.server, keyPrefix: 'command', name: 'command', copies: 'auto' });
  t.teardown(() => store.close());
  return store;
}

test('migrate carries everything over, once, and not into a store that is in use', async t => {
  const { location, files } = await place(t);
  const migrated = run('migrate', files, location);
  t.is(migrated.status, 0, migrated.stderr);
  t.regex(migrated.stdout, /^2 documents of/);
  t.is(run('migrate', files, location).status, 1);
  t.is(run('migrate', files, location, '--overwrite').status, 0);
  const checked = run('check', location);
  t.is(checked.status, 0, checked.stdout);
  t.regex(checked.stdout, /2 documents can be used[\s\S]*revision 2;/);
  t.is(run('check', files).status, 0);
});

test('check tells programs, too', async t => {
  const { location, files } = await place(t);
  const ofFiles = run('check', files, '-o', 'json');
  t.deepEqual(JSON.parse(ofFiles.stdout), { store: files, documents: 2, redis: null, problems: [] });
  t.is(run('migrate', files, location).status, 0);
  const ofRedis = run('check', location, '-o', 'json');
  t.is(ofRedis.status, 0);
  t.like(JSON.parse(ofRedis.stdout), { store: location, documents: 2, redis: { revision: 2, entries: 2 } });
  t.regex(run('export', files, '-o', 'json').stderr, /--output is not for "store export"/);
});

test('an export is its owner’s alone, and what it came from is put back so that agents take it for the same cluster', async t => {
  const where = await place(t);
  const { lab, location, files, directory } = where;
  t.is(run('migrate', files, location).status, 0);
  const store = openStore(t, where);
  const watcher = new StoreWatcher(store);
  t.teardown(() => watcher.close());
  t.true(await eventually(() => watcher.isInSync));
  const file = join(directory, 'export.yaml');
  t.is(run('export', location, '-f', file).status, 0);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.regex(readFileSync(file, 'utf8'), /^# cluster: \S+$/m);
  await lab.servers[0]!.ask('flushall');
  await lab.servers[0]!.ask('client', 'kill', 'type', 'normal');
  t.true(await eventually(() => !watcher.isInSync, 20_000));
  const imported = run('import', file, location);
  t.is(imported.status, 0, imported.stderr);
  t.true(await eventually(() => watcher.isInSync, 30_000));
  t.deepEqual([...watcher.state.keys()].sort(), ['IPPool/pods', 'Secret/bgp']);
});

test('an export takes the place of an older one whole or not at all, and is its owner’s alone then, too', async t => {
  const { lab, location, files, directory } = await place(t);
  t.is(run('migrate', files, location).status, 0);
  const file = join(directory, 'export.yaml');
  writeFileSync(file, 'older\n', { mode: 0o644 });
  t.is(run('export', location, '-f', file).status, 0);
  t.is(statSync(file).mode & 0o777, 0o600);
  const kept = readFileSync(file, 'utf8');
  await lab.servers[0]!.ask('flushall');
  const emptied = run('export', location, '-f', file);
  t.is(emptied.status, 1);
  t.regex(emptied.stderr, /holds no documents/);
  t.is(readFileSync(file, 'utf8'), kept);
  t.deepEqual(readdirSync(directory).sort(), ['export.yaml', 'store']);
});

test('documents that cannot be used are named by who leaves them out', async t => {
  const { lab, location, files, directory } = await place(t);
  t.is(run('migrate', files, location).status, 0);
  await lab.servers[0]!.ask('hset', '{command}:documents', 'IPPool/other', '9-x\n{}');
  const exported = run('export', location);
  t.is(exported.status, 1);
  t.regex(exported.stdout, /name: pods/);
  t.regex(exported.stderr, /left out: IPPool\/other: /);
  const migrated = run('migrate', location, join(directory, 'to'));
  t.is(migrated.status, 1);
  t.regex(migrated.stderr, /left out: IPPool\/other: /);
});

test('a directory that is not there is not made to be read', async t => {
  const { location, directory } = await place(t);
  const absent = join(directory, 'stoer');
  for (const words of [
    ['check', absent],
    ['export', absent],
    ['migrate', absent, location],
  ]) {
    const { status, stderr } = run(...words);
    t.is(status, 2, words.join(' '));
    t.regex(stderr, /there is no directory .*stoer/);
  }
  t.false(existsSync(absent));
  const empty = run('migrate', location, absent);
  t.is(empty.status, 1);
  t.regex(empty.stderr, /holds no documents: nothing was copied/);
});

test('a Redis that lost everything is filled from what an agent knew', async t => {
  const where = await place(t);
  const { location, directory } = where;
  const path = join(directory, 'good-documents');
  const ignore = () => {};
  const memory = await GoodDocuments.open({
    path,
    origin: location,
    clock: systemClock,
    problem: ignore,
    damaged: ignore,
  });
  memory.remember(node('a', '10.0.0.1/24'));
  memory.remember(pool('p', '10.0.0.0/16'));
  await memory.close();
  writeFileSync(join(directory, 'store-cluster'), JSON.stringify({ origin: location, cluster: 'known' }));
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.replace('"spec"', '"spe'));
  const damaged = run('import', path, location);
  t.is(damaged.status, 2);
  t.regex(damaged.stderr, /the line of Node\/a is damaged\nNothing has been imported/);
  writeFileSync(path, whole);
  const imported = run('import', path, location);
  t.is(imported.status, 0, imported.stderr);
  t.regex(run('check', location).stdout, /Cluster known, revision 2/);
});

test('check names what does not fit together, each by its document', async t => {
  const { lab, location, files } = await place(t);
  t.is(run('migrate', files, location).status, 0);
  const [server] = lab.servers;
  await server!.ask('hset', '{command}:documents', 'IPPool/pods', '1-xxx\n{}');
  await server!.ask('xdel', '{command}:log', '1-0');
  const { status, stdout } = run('check', location);
  t.is(status, 1);
  t.regex(stdout, /PROBLEM IPPool\/pods: /);
  await server!.ask('del', '{command}:log');
  t.regex(run('check', location).stdout, /PROBLEM the log is empty/);
});

test('import keeps what is there, and refuses a file with anything wrong in it as a whole', async t => {
  const where = await place(t);
  const { location, directory } = where;
  const file = join(directory, 'one.yaml');
  writeFileSync(file, documents);
  t.is(run('import', file, location).status, 0);
  writeFileSync(file, documents.replace('10.244.0.0', '10.245.0.0'));
  const kept = run('import', file, location);
  t.is(kept.status, 1);
  t.regex(kept.stderr, /IPPool\/pods: another one is there/);
  writeFileSync(file, `${documents}---\nkind: Nothing\n`);
  const refused = run('import', file, location, '--overwrite');
  t.is(refused.status, 2);
  t.regex(refused.stderr, /#3: kind/);
  const store = openStore(t, where);
  const found = await store.get({ kind: 'IPPool', name: 'pods' });
  t.is(
    found.kind === 'ok' && found.value.resource.kind === 'IPPool' ? found.value.resource.spec.cidr : '',
    '10.244.0.0/16' as never,
  );
});

test('what is no store is said, with what is', t => {
  for (const words of [['check', 'foo:bar'], ['import'], ['migrate', '/a'], ['check', 'redis://nowhere']]) {
    const { status, stderr } = run(...words);
    t.is(status, 2, words.join(' '));
    t.not(stderr, '');
  }
});

test('words and flags of another one are refused, and nothing is written', async t => {
  const { location, files, directory } = await place(t);
  const file = join(directory, 'cluster.yaml');
  for (const [words, said] of [
    [['export', files, file], / -f$/m],
    [['check', files, location], /one word too many/],
    [['check', files, '--overwrite'], /store import and store migrate/],
    [['migrate', files, location, '-f', file], /store export/],
  ] as const) {
    const { status, stdout, stderr } = run(...words);
    t.is(status, 2, words.join(' '));
    t.is(stdout, '');
    t.regex(stderr, said);
  }
  t.false(existsSync(file));
});

test('a password in the name of a store is refused, and not repeated', t => {
  const { status, stderr } = run('check', 'redis://margay:s3cret@127.0.0.1:6379/margay');
  t.is(status, 2);
  t.regex(stderr, /store\.redis\.passwordFile/);
  t.notRegex(stderr, /s3cret/);
});
