import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tryLock, unlock } from '../../linux/flock.js';
import { FileStore } from '../../store/file/file-store.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { WatchEvent } from '../../store/port.js';
import { pool } from '../agent/documents.js';
import { storeContract } from './contract.js';

const folders: string[] = [];
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-store-'));
  folders.push(folder);
  return folder;
}

function fileStore(directory: string): FileStore {
  return new FileStore({ directory, lock: { tryLock, unlock }, rescanMs: 200 });
}

storeContract(test, 'memory', async () => new MemoryStore());
storeContract(test, 'file', async () => fileStore(newFolder()));

const node = (name: string, more = '') =>
  `apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: { name: ${name} }\nspec: {${more}}\n`;

/** Names of the nodes that a store knows. */
async function nodes(t: ExecutionContext, store: FileStore): Promise<string[]> {
  const listed = await store.list('Node');
  t.is(listed.kind, 'ok');
  return listed.kind === 'ok' ? listed.value.map(({ resource }) => resource.metadata.name).sort() : [];
}

/** Where the documents stand that a store cannot use. */
async function invalidLocations(store: FileStore): Promise<string[]> {
  const ending = new AbortController();
  let locations: string[] = [];
  for await (const events of store.watch({ signal: ending.signal })) {
    for (const event of events) {
      if (event.kind === 'invalid') locations = event.documents.map(({ location }) => location);
    }
    if (events.some(({ kind }) => kind === 'in-sync')) ending.abort();
  }
  return locations.sort();
}

test('two stores on one directory see what the other writes', async t => {
  const folder = newFolder();
  const [a, b] = [fileStore(folder), fileStore(folder)];
  await a.create(pool('p', '10.0.0.0/16'));
  t.is((await b.get({ kind: 'IPPool', name: 'p' })).kind, 'ok');
  t.is((await b.delete({ kind: 'IPPool', name: 'p' })).kind, 'ok');
  t.is((await a.get({ kind: 'IPPool', name: 'p' })).kind, 'error');
  await Promise.all([a.close(), b.close()]);
});

test('a file with several documents: an update touches one and keeps the others with their comments', async t => {
  const folder = newFolder();
  writeFileSync(join(folder, 'all.yaml'), `${node('a')}---\n# the second\n${node('b')}`);
  const store = fileStore(folder);
  const found = await store.get({ kind: 'Node', name: 'a' });
  t.is(found.kind, 'ok');
  if (found.kind !== 'ok') return;
  const { resource, revision } = found.value;
  const labelled = { ...resource, metadata: { ...resource.metadata, labels: { rack: '1' } } };
  t.is((await store.update(labelled, revision)).kind, 'ok');
  t.regex(readFileSync(join(folder, 'all.yaml'), 'utf8'), /rack[\s\S]*# the second/);
  t.deepEqual(await nodes(t, store), ['a', 'b']);
  await store.close();
});

test('a document that cannot be read keeps its last good state and is named', async t => {
  const folder = newFolder();
  const file = join(folder, 'a.yaml');
  writeFileSync(file, node('a', ' bgp: { asNumber: 65001 } '));
  const store = fileStore(folder);
  const ending = new AbortController();
  const seen: WatchEvent[] = [];
  const watching = (async () => {
    for await (const events of store.watch({ signal: ending.signal })) seen.push(...events);
  })();
  t.deepEqual(await nodes(t, store), ['a']);
  for (const broken of [
    'apiVersion: projectcalico.org/v3\nkind: No',
    node('a', ' bgp: { asNumber: 0 } '),
    '{',
  ]) {
    writeFileSync(file, broken);
    t.deepEqual(await nodes(t, store), ['a'], broken);
  }
  const invalid = seen.findLast(event => event.kind === 'invalid');
  t.is(invalid?.kind === 'invalid' ? invalid.documents.length : 0, 1);
  writeFileSync(file, node('b'));
  t.deepEqual(await nodes(t, store), ['b']);
  ending.abort();
  await watching;
  await store.close();
});

test('a file that cannot be used is named and costs nothing but itself', async t => {
  const folder = newFolder();
  writeFileSync(join(folder, 'a.yaml'), node('a'));
  const store = fileStore(folder);
  t.deepEqual(await nodes(t, store), ['a']);
  symlinkSync('round.yaml', join(folder, 'round.yaml'));
  // Small, and beyond any memory once its aliases are followed.
  const lines = ['a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]'];
  for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  writeFileSync(join(folder, 'aliases.yaml'), lines.join('\n'));
  writeFileSync(join(folder, 'b.yaml'), node('b'));
  t.deepEqual(await nodes(t, store), ['a', 'b']);
  t.deepEqual(await invalidLocations(store), ['aliases.yaml', 'round.yaml']);
  t.is((await store.create(pool('p', '10.0.0.0/16'))).kind, 'ok');
  // A file that was fine keeps what it held.
  rmSync(join(folder, 'b.yaml'));
  symlinkSync('b.yaml', join(folder, 'b.yaml'));
  t.deepEqual(await nodes(t, store), ['a', 'b']);
  await store.close();
});

test('merge keys are followed', async t => {
  const folder = newFolder();
  const merged = 'metadata: { name: a, labels: { <<: { rack: one }, row: two } }';
  writeFileSync(
    join(folder, 'a.yaml'),
    `apiVersion: projectcalico.org/v3\nkind: Node\n${merged}\nspec: {}\n`,
  );
  const store = fileStore(folder);
  const found = await store.get({ kind: 'Node', name: 'a' });
  t.deepEqual(found.kind === 'ok' ? found.value.resource.metadata.labels : found, {
    rack: 'one',
    row: 'two',
  });
  await store.close();
});

test('a document that has become invalid is put right by an update; in a file that is no YAML nobody writes', async t => {
  const folder = newFolder();
  const file = join(folder, 'a.yaml');
  writeFileSync(file, node('a'));
  const store = fileStore(folder);
  const found = await store.get({ kind: 'Node', name: 'a' });
  t.is(found.kind, 'ok');
  if (found.kind !== 'ok') return;
  writeFileSync(file, '{');
  t.is((await store.update(found.value.resource, found.value.revision)).kind, 'error');
  t.is(readFileSync(file, 'utf8'), '{');
  writeFileSync(file, node('a', ' bgp: { asNumber: 0 } '));
  t.is((await store.update(found.value.resource, found.value.revision)).kind, 'ok');
  t.deepEqual(await nodes(t, store), ['a']);
  t.deepEqual(await invalidLocations(store), []);
  await store.close();
});

test('a resource in two files: the first file counts, the second is named', async t => {
  const folder = newFolder();
  writeFileSync(join(folder, '1.yaml'), node('a'));
  writeFileSync(join(folder, '2.yaml'), node('a'));
  const store = fileStore(folder);
  t.deepEqual(await nodes(t, store), ['a']);
  rmSync(join(folder, '1.yaml'));
  t.deepEqual(await nodes(t, store), ['a']);
  await store.close();
});

for (const [from, to] of [
  ['1.yaml', '2.yaml'],
  ['2.yaml', '1.yaml'],
] as const) {
  test(`a document that becomes invalid on its way from ${from} to ${to} keeps its last good state`, async t => {
    const folder = newFolder();
    const ruined = node('a', ' bgp: { asNumber: 0 } ');
    const write = (name: string, ...documents: string[]) =>
      writeFileSync(join(folder, name), documents.join('---\n'));
    write(from, node('a'), node('b'));
    const store = fileStore(folder);
    t.deepEqual(await nodes(t, store), ['a', 'b']);
    write(to, ruined);
    write(from, node('b'));
    t.deepEqual(await nodes(t, store), ['a', 'b'], 'out of a file');
    write(to, node('a'));
    t.deepEqual(await nodes(t, store), ['a', 'b']);
    rmSync(join(folder, to));
    write('3.yaml', ruined);
    t.deepEqual(await nodes(t, store), ['a', 'b'], 'with its file');
    t.deepEqual(await invalidLocations(store), ['3.yaml']);
    rmSync(join(folder, '3.yaml'));
    for (let looks = 0; looks < 3; looks++) t.deepEqual(await nodes(t, store), ['b']);
    write(to, ruined);
    t.deepEqual(await nodes(t, store), ['b'], 'gone is gone');
    await store.close();
  });
}

test('what a process that died in the middle of a write left is swept', async t => {
  const folder = newFolder();
  writeFileSync(join(folder, '.tmp-999999999-1'), 'half');
  const store = fileStore(folder);
  t.deepEqual(await nodes(t, store), []);
  t.deepEqual(
    readdirSync(folder).filter(name => name.startsWith('.tmp')),
    [],
  );
  await store.close();
});

test('a file with a Secret is its owner’s alone, whoever wrote it, and no error quotes it', async t => {
  const folder = newFolder();
  const store = fileStore(folder);
  const modeOf = (name: string) => statSync(join(folder, name)).mode & 0o777;
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a', labels: {}, annotations: {} },
  } as const;
  await store.create({ ...secret, data: { tor: 'eA==' } });
  await store.create(pool('p', '10.0.0.0/16'));
  t.is(modeOf('Secret.a.yaml'), 0o600);
  t.is(modeOf('IPPool.p.yaml') & 0o040, 0o040);
  const byHand = 'apiVersion: v1\nkind: "Secret"\nmetadata: { name: b }\nstringData: { tor: hunter2 }\n';
  writeFileSync(join(folder, 'mine.yaml'), byHand, { mode: 0o644 });
  const read = await store.get({ kind: 'Secret', name: 'b' });
  t.is(
    read.kind === 'ok' && read.value.resource.kind === 'Secret' && read.value.resource.data.tor,
    'aHVudGVyMg==',
  );
  t.is(modeOf('mine.yaml'), 0o600);
  writeFileSync(join(folder, 'broken.yaml'), `${byHand}}hunter2: *hunter2\n`);
  writeFileSync(join(folder, 'alias.yaml'), byHand.replace('hunter2', '*hunter2').replace('b }', 'c }'));
  const ending = new AbortController();
  await store.list();
  let invalid = '';
  for await (const events of store.watch({ signal: ending.signal })) {
    for (const event of events) if (event.kind === 'invalid') invalid = JSON.stringify(event.documents);
    if (events.some(({ kind }) => kind === 'in-sync')) ending.abort();
  }
  t.regex(invalid, /broken\.yaml/);
  t.regex(invalid, /alias\.yaml/);
  t.notRegex(invalid, /hunter2/);
  await store.close();
});
