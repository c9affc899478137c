/**
 * `npm run bench -- tunnels`: each way between hosts, as an owned run, on this machine's kernel; where that has no IPIP, once more in the
 * lab's guest (`test/lab`). Guests differ from machines so much that ratios to plain routing compare only inside one of them.
 */
import { cpus, loadavg } from 'node:os';
import { chooseLab, inLab, nodeIn } from '../test/lab/kernel-choice.mjs';
import {
  fail,
  installTools,
  networkTools,
  prepare,
  progress,
  requireNode,
  requireRoot,
} from './bootstrap.mjs';
import { fetchDaemon } from './daemons.mjs';
import { ownedRun } from './owned-run.mjs';

const HOST = { kind: 'host' };
/** From here on: a time-out, a lab that failed, a signal. */
const BROKEN_OFF = 124;

/** @param {string[]} args @returns {Promise<number>} the exit status */
export async function benchTunnels(args) {
  requireNode();
  prepare();
  const { readOptions, timeLimitSeconds, usage } = await import('../dist/bench/tunnels/options.js');
  const options = attempt(() => readOptions(args), '; see npm run bench -- tunnels --help');
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  requireRoot('the bench makes network namespaces');
  installTools(networkTools);
  // Here, since a guest has no network.
  attempt(() => fetchDaemon('iperf3'));

  const reports = [];
  let worst = 0;
  for (const kernel of kernels(options)) {
    const { status, report } = await benchIn(
      kernel,
      args,
      timeLimitSeconds(options, kernel.kind === 'guest'),
    );
    if (report !== '') reports.push(report);
    if (!options.json) process.stdout.write(report);
    worst = Math.max(worst, status);
    if (status >= BROKEN_OFF) break;
  }
  if (options.json) process.stdout.write(`[${reports.join(',')}]\n`);
  return worst;
}

async function benchIn(kernel, args, timeoutSeconds) {
  const flags = args.filter(word => word !== '--lab');
  const command = [...nodeIn(kernel), 'dist/bench/tunnels/main.js', ...flags];
  let report = '';
  const status = await ownedRun(inLab(kernel, command, { timeoutSeconds }), {
    timeoutMs: timeoutSeconds * 1000,
    env: { MARGAY_BENCH_PROCESSOR: cpus()[0]?.model ?? process.arch, MARGAY_BENCH_LOAD: `${loadavg()[0]}` },
    onStdout: chunk => {
      report += chunk;
    },
  });
  return { status, report };
}

/** Where to measure, one after the other. */
function kernels({ lab: onlyLab, modes }) {
  if (!onlyLab && !modes.includes('ipip')) return [HOST];
  const lab = chooseLab();
  if (lab.kind === 'none') {
    if (onlyLab || !lab.excused) fail(`lab: ${lab.reason}`);
    progress(`IPIP cannot be measured in the lab's guest: ${lab.reason}`);
    return [HOST];
  }
  return onlyLab || lab.kind === 'host' ? [lab] : [HOST, lab];
}

function attempt(what, hint = '') {
  try {
    return what();
  } catch (error) {
    return fail(`${error.message}${hint}`);
  }
}
