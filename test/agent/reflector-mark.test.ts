import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ReflectorMark } from '../../agent/reflector-mark.js';

const directory = mkdtempSync(join(tmpdir(), 'mgy-mark-'));
test.after.always(() => rmSync(directory, { recursive: true }));

test('a reflector that lived within the time that its peers keep routes for is a restarting one', t => {
  const state = join(directory, 'state');
  const mark = new ReflectorMark(state);
  t.false(mark.isRestart(120));
  t.is(mark.begin(), undefined);
  mark.end(true);
  t.true(new ReflectorMark(state).isRestart(120));
  const old = new Date(Date.now() - 200_000);
  utimesSync(join(state, 'reflector-alive'), old, old);
  t.false(new ReflectorMark(state).isRestart(120));
  t.true(new ReflectorMark(state).isRestart(300));
});

test('one that said goodbye is forgotten; one that cannot be written is said', t => {
  const mark = new ReflectorMark(join(directory, 'gone'));
  mark.begin();
  mark.end(false);
  t.false(existsSync(join(directory, 'gone', 'reflector-alive')));
  writeFileSync(join(directory, 'file'), '');
  t.regex(new ReflectorMark(join(directory, 'file')).begin() ?? '', /EEXIST|ENOTDIR/);
});
