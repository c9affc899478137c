/** The file store under what hosts do to it: writers that die, a disk that is full, a directory that cannot be written. */
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { IPPoolResource } from '../../../core/resources/resource.js';
import { tryLock, unlock } from '../../../linux/flock.js';
import { FileStore } from '../../../store/file/file-store.js';
import { pool } from '../../agent/documents.js';

const WRITER = fileURLToPath(new URL('./increment-process.js', import.meta.url));
const REWRITER = fileURLToPath(new URL('./rewrite-process.js', import.meta.url));
const DOCUMENTS = 50;
const WRITES = 50_000;
const WRITERS = 4;
const INCREMENTS = 2000;

/** In memory: thousands of fsyncs would measure the disk. */
function newFolder(t: ExecutionContext): string {
  const folder = mkdtempSync('/dev/shm/mgy-store-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const fileStore = (directory: string) =>
  new FileStore({ directory, lock: { tryLock, unlock }, rescanMs: 200 });

test('4 writers add 2000 each, killed with -9 at random: not one is lost', async t => {
  t.timeout(240_000);
  const folder = newFolder(t);
  const store = fileStore(folder);
  const counter = pool('counter', '10.0.0.0/16');
  await store.create({ ...counter, metadata: { ...counter.metadata, annotations: { count: '0' } } });
  let acknowledged = 0;
  let kills = 0;
  const writer = async () => {
    for (let left = INCREMENTS; left > 0; ) {
      const child = fork(WRITER, [folder, String(left)]);
      child.on('message', () => {
        acknowledged++;
        left--;
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 500 + Math.random() * 4000);
      await new Promise(resolve => child.on('close', resolve));
      clearTimeout(timer);
      if (child.signalCode === 'SIGKILL') kills++;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  const found = await store.get({ kind: 'IPPool', name: 'counter' });
  const value =
    found.kind === 'ok' ? Number((found.value.resource as IPPoolResource).metadata.annotations.count) : 0;
  t.log(`${value} in the end, ${acknowledged} acknowledged, ${kills} kills`);
  t.true(kills > 0);
  t.is(acknowledged, WRITERS * INCREMENTS);
  // A writer may die between its write and its word.
  t.true(value >= acknowledged && value <= acknowledged + kills);
  await store.close();
});

test('50 000 writes while the watcher is blocked: more than inotify queues, and it converges', async t => {
  t.timeout(120_000);
  const folder = newFolder(t);
  const rewrite = (writes: number) =>
    execFileSync(process.execPath, [REWRITER, folder, String(DOCUMENTS), String(writes)]);
  rewrite(DOCUMENTS);
  const store = fileStore(folder);
  const ending = new AbortController();
  const known = new Map<string, string>();
  let told = 0;
  let unblockedAt = 0;
  const isNewest = () =>
    [...known].every(([name, n]) => Number(n) === WRITES - DOCUMENTS + Number(name.slice(1)));
  for await (const events of store.watch({ signal: ending.signal })) {
    for (const event of events) {
      if (event.kind !== 'changed') continue;
      const { name, annotations } = event.stored.resource.metadata;
      known.set(name, annotations.n ?? '');
      told++;
    }
    if (known.size === DOCUMENTS && isNewest()) break;
    if (unblockedAt === 0 && events.some(({ kind }) => kind === 'in-sync')) {
      // Not a turn of the event loop until every write is done.
      rewrite(WRITES);
      unblockedAt = performance.now();
    }
  }
  const took = performance.now() - unblockedAt;
  ending.abort();
  await store.close();
  t.is(known.size, DOCUMENTS);
  t.log(`${Math.round(took)} ms after the last write, ${told} changes told`);
  t.true(took < 5000);
  t.true(told <= 4 * DOCUMENTS);
});

test('a full disk and a read-only one are said; what was there stays, and later it works again', async t => {
  const folder = newFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  t.teardown(() => execFileSync('umount', ['--lazy', folder]));
  const store = fileStore(folder);
  t.is((await store.create(pool('a', '10.0.0.0/16'))).kind, 'ok');
  const ballast = join(folder, 'ballast');
  t.throws(() =>
    execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1k', 'count=128'], { stdio: 'ignore' }),
  );
  const full = await store.create(pool('b', '10.1.0.0/16'));
  t.is(full.kind === 'error' ? full.error.kind : '', 'unavailable');
  t.is((await store.get({ kind: 'IPPool', name: 'a' })).kind, 'ok');
  rmSync(ballast);
  t.is((await store.create(pool('b', '10.1.0.0/16'))).kind, 'ok');
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  const readOnly = await store.create(pool('c', '10.2.0.0/16'));
  t.is(readOnly.kind === 'error' ? readOnly.error.kind : '', 'unavailable');
  t.is((await store.get({ kind: 'IPPool', name: 'b' })).kind, 'ok');
  await store.close();
});
