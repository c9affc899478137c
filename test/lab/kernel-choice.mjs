/**
 * Which kernel the lab's commands run in: the machine's own where it has IPIP, found out by trying; else a guest's, `MARGAY_LAB_KERNEL` or
 * the one of Debian's package `user-mode-linux`, unpacked into the cache folder. `MARGAY_LAB=host` or `guest` leaves no choice.
 *
 *     node test/lab/kernel-choice.mjs     prints the choice as JSON
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addTools, fail, networkTools, root } from '../../scripts/bootstrap.mjs';
import { fetchDaemon } from '../../scripts/daemons.mjs';

const labTools = {
  ...networkTools,
  'iptables-legacy': 'iptables',
  insmod: 'kmod',
  ipset: 'ipset',
  tcpdump: 'tcpdump',
};

/**
 * `excused`: nothing is wrong but that this machine cannot have such a kernel.
 * @typedef {{ kind: 'host' }
 *   | { kind: 'guest', kernel: string, modules?: string }
 *   | { kind: 'none', reason: string, excused: boolean }} Lab
 */

/** Installs and fetches what the lab needs. @returns {Lab} */
export function chooseLab() {
  const { MARGAY_LAB: forced } = process.env;
  if (forced !== undefined && forced !== 'host' && forced !== 'guest')
    fail(`MARGAY_LAB=${forced}: host or guest`);
  const missing = addTools(labTools);
  if (missing !== undefined) return { kind: 'none', reason: missing, excused: true };
  if (forced === 'host' || (forced === undefined && hostHasIpip())) return { kind: 'host' };
  return guest();
}

/** In a network namespace that is gone with its process. */
function hostHasIpip() {
  const device = ['type', 'ipip', 'local', '192.0.2.1', 'remote', '192.0.2.2'];
  return spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'mgy-probe', ...device]).status === 0;
}

/** @returns {Lab} */
function guest() {
  if (process.arch !== 'x64') {
    return { kind: 'none', reason: `User-Mode Linux runs on x86-64, this is ${process.arch}`, excused: true };
  }
  const named = process.env.MARGAY_LAB_KERNEL;
  if (named !== undefined) return withModules(resolve(named));
  try {
    return ableToRun(withModules(fetchDaemon('user-mode-linux').programs.linux));
  } catch (error) {
    return { kind: 'none', reason: error.message, excused: true };
  }
}

const BOOT_SECONDS = 60;
let crashes;

/**
 * Debian's User-Mode Linux has room of a fixed size for a process's registers (HOST_FP_SIZE, arch/x86/um), and those of a CPU with AMX do not fit: its
 * first process crashes. Found out by trying, once, and on such a CPU alone: elsewhere a guest that crashes is a failure.
 * @returns {Lab}
 */
function ableToRun(lab) {
  if (lab.kind !== 'guest' || !readFileSync('/proc/cpuinfo', 'utf8').includes(' amx_tile')) return lab;
  crashes ??= crashesAtOnce(lab);
  const reason = "Debian's User-Mode Linux crashes on a CPU with AMX: MARGAY_LAB_KERNEL names a newer one";
  return crashes ? { kind: 'none', reason, excused: true } : lab;
}

function crashesAtOnce(lab) {
  const [command, ...words] = inLab(lab, ['true'], { timeoutSeconds: BOOT_SECONDS });
  const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  return status !== 0 && stderr.includes('fatal_sigsegv');
}

/** As Debian lays them out: usr/bin/linux.uml and usr/lib/uml/modules. A kernel of one's own may do without. */
function withModules(kernel) {
  try {
    accessSync(kernel, constants.X_OK);
  } catch (error) {
    return { kind: 'none', reason: `MARGAY_LAB_KERNEL=${kernel}: ${error.code}`, excused: false };
  }
  const modules = join(dirname(kernel), '../lib/uml/modules');
  return existsSync(modules) ? { kind: 'guest', kernel, modules } : { kind: 'guest', kernel };
}

/**
 * How a command is run in the lab, from the checkout's directory, which is the host's own there, too.
 * @param {Lab} lab
 * @param {string[]} command
 * @param {{ timeoutSeconds: number, memory?: number, writable?: string[] }} options
 */
export function inLab(lab, command, { timeoutSeconds, memory = 2048, writable = [] }) {
  if (lab.kind === 'host') return command;
  return [
    // A runner that is killed takes the guest along.
    ...['setpriv', '--pdeathsig', 'KILL', process.execPath, join(root, 'test/lab/guest.mjs')],
    ...['--kernel', lab.kernel, ...(lab.modules === undefined ? [] : ['--modules', lab.modules])],
    ...['--timeout', `${timeoutSeconds}`, '--memory', `${memory}`],
    ...[root, ...writable].flatMap(folder => ['--writable', folder]),
    ...['--', ...command],
  ];
}

/** Node itself as the start of a command for the lab; what it starts hands its flags on (`demo/node-command.ts`). */
export function nodeIn(lab) {
  return lab.kind === 'host' ? [process.execPath] : [process.execPath, '--single-threaded'];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(chooseLab())}\n`);
}
