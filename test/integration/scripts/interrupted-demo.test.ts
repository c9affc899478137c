/**
 * The demo interrupted at random moments leaves nothing behind, and what a runner that was killed could not take away the next run does.
 * `MARGAY_INTERRUPTS` says how often (2), `MARGAY_SEED` repeats a run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { within } from '../../../demo/lab.js';

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

/** Namespaces, folders and processes that bear the mark of a run. */
function leftovers(): string[] {
  const own = process.env.MARGAY_RUN_ID ?? ' ';
  const names = (folder: string) =>
    existsSync(folder)
      ? readdirSync(folder).filter(name => name.startsWith('mgy-') && name !== 'mgy-runs')
      : [];
  return [...names('/run/netns'), ...names('/tmp'), ...demoProcesses()].filter(name => !name.includes(own));
}

function demoProcesses(): string[] {
  return readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.includes('margay-agent') && command.includes('/tmp/mgy-');
    } catch {
      return false;
    }
  });
}

test('Ctrl-C at any moment leaves nothing behind', async t => {
  t.timeout(interrupts * 30_000);
  t.log(`seed ${seed}`);
  const before = leftovers();
  let state = seed % 2147483647 || 1;
  for (let i = 0; i < interrupts; i++) {
    state = (state * 16807) % 2147483647;
    const moment = 300 + (state % 5000);
    const demo = startDemo();
    const code = ended(demo);
    await sleep(moment);
    // As a terminal does: to the whole group.
    if (demo.exitCode === null) process.kill(-demo.pid!, 'SIGINT');
    await code;
    t.deepEqual(
      leftovers().filter(name => !before.includes(name)),
      [],
      `after ${moment} ms`,
    );
  }
});

test('a runner that was killed with -9 is swept by the next run', async t => {
  t.timeout(90_000);
  const before = leftovers();
  const killed = startDemo();
  const gone = ended(killed);
  t.true(
    await within(20_000, () => leftovers().some(name => !before.includes(name) && name.includes('host'))),
  );
  process.kill(killed.pid!, 'SIGKILL');
  await gone;
  const next = startDemo();
  t.is(await ended(next), 0);
  t.deepEqual(
    leftovers().filter(name => !before.includes(name)),
    [],
  );
});
