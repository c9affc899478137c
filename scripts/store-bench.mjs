/** `npm run bench -- store`: what thousands of watchers ask of one Redis, as an owned run. */
import { prepare, requireNode } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';

const TIME_LIMIT_MS = 20 * 60_000;

/** @param {string[]} args @returns {Promise<number>} the exit status */
export async function benchStore(args) {
  requireNode();
  prepare();
  // A descriptor for each watcher, here and in Redis.
  const command = ['sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$0" dist/bench/store/main.js "$@"'];
  return await ownedRun([...command, process.execPath, ...args], { timeoutMs: TIME_LIMIT_MS });
}
