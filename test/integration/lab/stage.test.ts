/** The stage `lab` of `npm test` where there is no kernel for it: its tests count as skipped or failed, never as passed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { skip } from '../../support/skip.js';

/** From dist/test/integration/lab. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The stage by itself, with a guest asked for and nothing in the cache. */
function labStage(t: ExecutionContext, more: Readonly<Record<string, string>>): Outcome {
  const folder = mkdtempSync(join(tmpdir(), `mgy-${process.env.MARGAY_RUN_ID ?? process.pid}-stage-`));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // A machine that reaches no package archive.
  writeFileSync(join(folder, 'apt-get'), '#!/bin/sh\necho "E: unreachable" >&2\nexit 100\n');
  chmodSync(join(folder, 'apt-get'), 0o755);
  const { MARGAY_LAB_KERNEL: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ['scripts/test.mjs', '--stage', 'lab'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, PATH: `${folder}:${env.PATH}`, MARGAY_CACHE: folder, MARGAY_LAB: 'guest', ...more },
  });
  const [passed, failed, skipped] = [.../(\d+) passed, (\d+) failed, (\d+) skipped\n$/.exec(stdout)!]
    .slice(1)
    .map(Number) as [number, number, number];
  return { status, passed, failed, skipped };
}

test('a kernel that cannot be had: skipped', t => {
  const { skipped, ...rest } = labStage(t, {});
  t.true(skipped >= 5);
  t.deepEqual(rest, { status: 0, passed: 0, failed: 0 });
});

test('a kernel that is named but not there: failed', t => {
  if (process.arch !== 'x64') return skip(t, `there is no User-Mode Linux for ${process.arch}`);
  const { failed, ...rest } = labStage(t, { MARGAY_LAB_KERNEL: '/nonexistent/linux' });
  t.true(failed >= 5);
  t.deepEqual(rest, { status: 1, passed: 0, skipped: 0 });
});
