/**
 * Runs one command as an owned run: it carries a run id, lives in a process group of its own, and whatever way it ends
 * (exit, time-out, Ctrl-C, SIGTERM), what it made is swept. AVA runs neither hooks nor signal handlers on Ctrl-C, so
 * clean-up belongs out here.
 */
import { spawn } from 'node:child_process';
import { progress, root } from './bootstrap.mjs';
import { beginRun, sweepDeadRuns, sweepRun } from './sweep.mjs';

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * @param {string[]} command
 * @param {{ timeoutMs: number, onStdout?: (chunk: string) => void, env?: Record<string, string> }} options
 * @returns {Promise<number>} the exit status: 124 after a time-out, 128 + signal after a signal
 */
export async function ownedRun(command, { timeoutMs, onStdout, env = {} }) {
  const dead = sweepDeadRuns();
  if (dead.length > 0) progress(`removed what ${dead.length} interrupted run(s) had left behind`);
  const id = beginRun();
  const child = spawn(command[0], command.slice(1), {
    cwd: root,
    env: { ...process.env, ...env, MARGAY_RUN_ID: id },
    stdio: ['ignore', onStdout === undefined ? 'inherit' : 'pipe', 'inherit'],
    detached: true,
  });
  let verdict;
  const stop = status => {
    verdict ??= status;
    killGroup(child.pid, 'SIGTERM');
    setTimeout(() => killGroup(child.pid, 'SIGKILL'), 3000).unref();
  };
  for (const [signal, status] of Object.entries(signals)) process.on(signal, () => stop(status));
  const timer = setTimeout(() => {
    progress(`still running after ${Math.round(timeoutMs / 1000)} s: ended`);
    stop(124);
  }, timeoutMs);
  child.stdout?.setEncoding('utf8').on('data', onStdout);
  const status = await new Promise(resolve => {
    child.on('error', error => {
      progress(`${command[0]} cannot be run: ${error.message}`);
      resolve(127);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
  clearTimeout(timer);
  const left = sweepRun(id);
  if (left.length > 0) progress(`could not remove: ${left.join(', ')}`);
  return verdict ?? status;
}

function killGroup(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}
