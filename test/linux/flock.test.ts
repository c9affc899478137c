import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { tryLock, unlock } from '../../linux/flock.js';

test('a lock is held by one descriptor, and free once that unlocks or closes', t => {
  const folder = mkdtempSync(join(tmpdir(), 'mgy-flock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [a, b] = [openSync(join(folder, 'lock'), 'w'), openSync(join(folder, 'lock'), 'w')];
  t.true(tryLock(a));
  t.true(tryLock(a), 'one that is held already is held');
  t.false(tryLock(b));
  unlock(a);
  t.true(tryLock(b));
  t.false(tryLock(a));
  closeSync(b);
  t.true(tryLock(a));
  closeSync(a);
});

test('a descriptor that is not one is an error, not a lock', t => {
  t.throws(() => tryLock(9999), { code: 'EBADF' });
});
