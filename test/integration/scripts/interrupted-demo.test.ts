/**
 * The demo interrupted at random moments leaves nothing behind, and what a runner that was killed could not take away the next run does.
 * `MARGAY_INTERRUPTS` says how often (2), `MARGAY_SEED` repeats a run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { within } from '../../../demo/host-lab.js';
import { leftovers, runIdOf } from '../../support/owned-run.js';

/** From dist/test/integration/scripts. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const interrupts = Number(process.env.MARGAY_INTERRUPTS ?? 2);
const seed = Number(process.env.MARGAY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A run of its own, not a part of the one that runs the tests. */
function startDemo(): ChildProcess {
  const { MARGAY_RUN_ID: _, ...env } = process.env;
  return spawn(process.execPath, [join(root, 'scripts/demo.mjs')], { env, stdio: 'ignore', detached: true });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => child.once('exit', code => resolve(code)));
}

test('Ctrl-C at any moment leaves nothing behind', async t => {
  t.timeout(interrupts * 30_000);
  t.log(`seed ${seed}`);
  let state = seed % 2147483647 || 1;
  for (let i = 0; i < interrupts; i++) {
    state = (state * 16807) % 2147483647;
    const moment = state % 5000;
    const demo = startDemo();
    const code = ended(demo);
    const id = await runIdOf(demo);
    t.not(id, '');
    await sleep(moment);
    // As a terminal does: to the whole group.
    if (demo.exitCode === null) process.kill(-demo.pid!, 'SIGINT');
    await code;
    t.deepEqual(leftovers(id), [], `after ${moment} ms`);
  }
});

test('a runner that was killed with -9 is swept by the next run', async t => {
  t.timeout(90_000);
  const killed = startDemo();
  const gone = ended(killed);
  const id = await runIdOf(killed);
  t.true(await within(20_000, () => leftovers(id).some(name => name.includes('host'))));
  process.kill(killed.pid!, 'SIGKILL');
  await gone;
  const next = startDemo();
  const code = ended(next);
  const nextId = await runIdOf(next);
  t.is(await code, 0);
  t.deepEqual([...leftovers(id), ...leftovers(nextId)], []);
});
