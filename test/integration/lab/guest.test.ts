/** The lab's guest kernel from outside: what it passes on, how it ends, that nothing is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../../support/eventually.js';
import { leftovers, runIdOf } from '../../support/owned-run.js';
import { skip } from '../../support/skip.js';

/** From dist/test/integration/lab. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const BOOT_MS = 60_000;

/** What `test/lab/kernel-choice.mjs` exports; plain JavaScript beside the compiled tree. */
interface KernelChoice {
  chooseLab(): { readonly kind: 'host' | 'guest' } | { readonly kind: 'none'; readonly reason: string };
}

/** Skips the test where this machine can have no guest. */
async function guestOrSkip(t: ExecutionContext): Promise<boolean> {
  process.env.MARGAY_LAB = 'guest';
  const script = new URL('../../../../test/lab/kernel-choice.mjs', import.meta.url);
  const { chooseLab } = (await import(script.href)) as KernelChoice;
  const lab = chooseLab();
  if (lab.kind === 'none') skip(t, lab.reason);
  return lab.kind === 'guest';
}

interface Lab {
  readonly runner: ChildProcess;
  readonly id: string;
  /** Standard output with the moments at which it came. */
  readonly heard: readonly { readonly text: string; readonly atMs: number }[];
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** `npm run lab` as a run of its own, not a part of the one that runs the tests. */
async function startLab(t: ExecutionContext, ...words: readonly string[]): Promise<Lab> {
  const { MARGAY_RUN_ID: _, ...env } = process.env;
  const runner = spawn(process.execPath, [join(root, 'scripts/lab.mjs'), ...words], {
    env: { ...env, TEST_WORD: 'two\nlines = "quoted"' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.teardown(() => runner.kill('SIGTERM'));
  const heard: { text: string; atMs: number }[] = [];
  let stderr = '';
  runner.stdout.setEncoding('utf8').on('data', text => heard.push({ text, atMs: performance.now() }));
  runner.stderr.setEncoding('utf8').on('data', text => (stderr += text));
  const ended = new Promise<Awaited<Lab['ended']>>(resolve => {
    runner.on('close', code => resolve({ code, stdout: heard.map(({ text }) => text).join(''), stderr }));
  });
  const id = await runIdOf(runner);
  t.not(id, '');
  return { runner, id, heard, ended };
}

/** Memory of a guest that has a name would outlive it. */
const namedMemory = () => readdirSync('/dev/shm').filter(name => name.startsWith('vm_file'));

function assertNothingLeft(t: ExecutionContext, id: string): void {
  t.deepEqual(leftovers(id), []);
  t.deepEqual(namedMemory(), []);
}

test('output comes as it is written, each stream by itself, and the exit status is passed on', async t => {
  t.timeout(2 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const script = 'echo first; sleep 2; echo oops >&2; echo second; exit 3';
  const { ended, heard, id } = await startLab(t, 'sh', '-c', script);
  const { code, stdout, stderr } = await ended;
  t.deepEqual([code, stdout], [3, 'first\nsecond\n']);
  // The runner may say before that it has swept what another run left.
  t.is(stderr.replaceAll(/^margay: .*\n/gm, ''), 'oops\n');
  t.true(heard.at(-1)!.atMs - heard[0]!.atMs > 1000);
  assertNothingLeft(t, id);
});

test('words, environment and directory are those outside; only the checkout is written to', async t => {
  t.timeout(2 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const folder = mkdtempSync(join(root, 'dist/lab-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const elsewhere = `/tmp/mgy-elsewhere-${process.pid}`;
  const script = `
    printf '%s|' "$@" "$TEST_WORD" "$PWD"
    head -c 300000 /dev/zero > ${folder}/written && echo > ${elsewhere} && [ -e ${elsewhere} ] && [ ! -e /tmp/mgy-runs ]
    sh -c 'kill -INT $$'; exit $?`;
  const words = ['a b', '', '$HOME "c"', 'é'];
  const { ended, id } = await startLab(t, 'sh', '-c', script, 'sh', ...words);
  const { code, stdout } = await ended;
  t.deepEqual(stdout.split('|'), [...words, 'two\nlines = "quoted"', root.replace(/\/$/, ''), '']);
  // SIGINT ends what a command starts: it is not ignored.
  t.is(code, 130);
  t.is(readFileSync(join(folder, 'written')).length, 300_000);
  t.false(existsSync(elsewhere));
  assertNothingLeft(t, id);
});

test('a command that does not end is ended: status 124', async t => {
  t.timeout(2 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const { ended, id } = await startLab(t, '--timeout', '15', 'sh', '-c', 'echo begun; while :; do :; done');
  const { code, stdout } = await ended;
  t.is(code, 124);
  t.is(stdout, 'begun\n');
  assertNothingLeft(t, id);
});

test('a guest that crashes, and a kernel that is none, are the lab’s failure: status 125 and the console', async t => {
  t.timeout(2 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const crash = await startLab(t, 'sh', '-c', 'echo c > /proc/sysrq-trigger; sleep 60');
  const crashed = await crash.ended;
  t.is(crashed.code, 125);
  t.regex(crashed.stderr, /Kernel panic/);
  assertNothingLeft(t, crash.id);
  process.env.MARGAY_LAB_KERNEL = '/bin/true';
  t.teardown(() => delete process.env.MARGAY_LAB_KERNEL);
  const noKernel = await startLab(t, 'true');
  t.is((await noKernel.ended).code, 125);
  assertNothingLeft(t, noKernel.id);
});

test('Ctrl-C ends the guest', async t => {
  t.timeout(2 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const { runner, ended, heard, id } = await startLab(t, 'sh', '-c', 'echo begun; sleep 1000');
  t.true(await eventually(() => heard.length > 0, BOOT_MS));
  // As a terminal does: to the whole group.
  process.kill(-runner.pid!, 'SIGINT');
  t.is((await ended).code, 130);
  assertNothingLeft(t, id);
});

test('a runner killed with -9 takes the guest along; the next run sweeps its directory', async t => {
  t.timeout(3 * BOOT_MS);
  if (!(await guestOrSkip(t))) return;
  const killed = await startLab(t, 'sh', '-c', 'echo begun; sleep 1000');
  t.true(await eventually(() => killed.heard.length > 0, BOOT_MS));
  process.kill(killed.runner.pid!, 'SIGKILL');
  const folders = () => leftovers(killed.id).filter(name => name.startsWith('mgy-'));
  t.true(await eventually(() => leftovers(killed.id).length === folders().length));
  t.is(folders().length, 1);
  const next = await startLab(t, 'true');
  t.is((await next.ended).code, 0);
  for (const { id } of [killed, next]) assertNothingLeft(t, id);
});
