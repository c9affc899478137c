/** `npm run bench -- policy`: what network policy costs on this host, as an owned run. */
import { cpus, loadavg } from 'node:os';
import { fail, installTools, networkTools, prepare, requireNode, requireRoot } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';

/** @param {string[]} args @returns {Promise<number>} the exit status */
export async function benchPolicy(args) {
  requireNode();
  prepare();
  const { readOptions, timeLimitSeconds, usage } = await import('../dist/bench/policy/options.js');
  let options;
  try {
    options = readOptions(args);
  } catch (error) {
    fail(`${error.message}; see npm run bench -- policy --help`);
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  requireRoot('the bench makes network namespaces');
  installTools(networkTools);
  return await ownedRun([process.execPath, 'dist/bench/policy/main.js', ...args], {
    timeoutMs: timeLimitSeconds(options) * 1000,
    env: { MARGAY_BENCH_PROCESSOR: cpus()[0]?.model ?? process.arch, MARGAY_BENCH_LOAD: `${loadavg()[0]}` },
  });
}
