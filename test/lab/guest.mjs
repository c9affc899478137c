/**
 * Runs one command in a kernel of its own: User-Mode Linux above the host's files, without an image, a disk or a network but what the
 * command makes. Root only. The command's output is streamed, its exit status is ours, the kernel ends with it.
 *
 *     node test/lab/guest.mjs --kernel FILE [--modules DIR] [--memory MB] [--timeout SECONDS] [--writable DIR]... -- COMMAND...
 *
 * The writable directories are the host's own; what is written anywhere else stays in the guest's memory. Statuses of the lab's own:
 * 124 timed out, 125 the lab failed, with the guest's console on standard error.
 *
 * However it ends, no process is left: the guest lives in a process name space that dies with its first process, which dies with this
 * one. Its memory is a file without a name.
 */
import { spawn } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { idleCpu } from './idle-cpu.mjs';
import { RunDirectory } from './run-directory.mjs';

const TIMED_OUT = 124;
const FAILED = 125;
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const BROKEN_PIPE = 141;
const POLL_MS = 20;
const CONSOLE_LINES = 40;

/** @returns {Promise<number>} the exit status */
async function runGuest({ kernel, memory, timeout, ...options }) {
  const cpu = await idleCpu();
  const directory = new RunDirectory(options);
  try {
    const guest = startKernel(kernel, { memory, folder: directory.path, cpu });
    let verdict;
    const stop = status => {
      verdict ??= status;
      guest.kill('SIGKILL');
    };
    for (const [signal, status] of Object.entries(signals)) process.on(signal, () => stop(status));
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop(BROKEN_PIPE));
    const deadline = setTimeout(() => stop(TIMED_OUT), timeout * 1000);
    const pumps = [directory.follow('out', process.stdout), directory.follow('err', process.stderr)];
    const poll = setInterval(() => pumps.forEach(pump => void pump()), POLL_MS);
    const said = await lastWords(guest);
    clearInterval(poll);
    clearTimeout(deadline);
    for (const pump of pumps) pump();
    if (directory.status !== undefined) return directory.status;
    if (verdict === TIMED_OUT) say(`the guest did not end within ${timeout} s`);
    if (verdict === undefined || (verdict === TIMED_OUT && !directory.begun)) {
      say(`the guest ended without a result; its console:\n${said}`);
    }
    return verdict ?? FAILED;
  } finally {
    directory.remove();
  }
}

function startKernel(kernel, { memory, folder, cpu }) {
  const words = [
    ...['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child=KILL', '--'],
    // The first process of a name space is spared the signal with which a kernel that crashed ends itself: not the kernel, then.
    ...['unshare', '--fork', '--', 'taskset', '--cpu-list', `${cpu}`, kernel],
    ...[`mem=${memory}M`, 'root=/dev/root', 'rootfstype=hostfs', 'ro', `init=${folder}/init`],
    ...[`uml_dir=${folder}/`, 'umid=guest', 'con=null', 'con0=null,fd:1', 'quiet'],
    // Speed trials for RAID, which take longer than all else at the start.
    'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks',
    // A guest that crashes ends at once; no device is there before somebody makes it.
    ...['panic=-1', 'random.trust_cpu=1', 'dummy.numdummies=0', 'ifb.numifbs=0', 'bonding.max_bonds=0'],
    ...['--', 'boot', folder],
  ];
  const env = { ...process.env, TMPDIR: memoryFolder(memory) ?? folder };
  return spawn('setpriv', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env });
}

/** The guest's memory is a file, in memory itself where there is room; in a container /dev/shm often has 64 MB. */
function memoryFolder(memory) {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > memory * 2 ** 20 ? '/dev/shm' : undefined;
  } catch {
    return undefined;
  }
}

/** The end of what the kernel said on its console, once the last of its processes has let go of it. */
function lastWords(guest) {
  let text = '';
  const end = () => text.trimEnd().split('\n').slice(-CONSOLE_LINES).join('\n');
  for (const stream of [guest.stdout, guest.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      text = (text + chunk).slice(-65_536);
    });
  }
  return new Promise(resolve => {
    guest.on('close', () => resolve(end()));
    guest.on('error', error => resolve(error.message));
  });
}

function say(message) {
  process.stderr.write(`margay: lab: ${message}\n`);
}

function refuse(message) {
  say(message);
  process.exit(FAILED);
}

function parse() {
  try {
    return parseArgs({
      options: {
        kernel: { type: 'string' },
        modules: { type: 'string' },
        memory: { type: 'string', default: '2048' },
        timeout: { type: 'string', default: '300' },
        writable: { type: 'string', multiple: true, default: [] },
      },
      allowPositionals: true,
    });
  } catch (error) {
    return refuse(error.message);
  }
}

function positive(name, text) {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : refuse(`--${name} ${text}: a whole number above 0`);
}

const { values: flags, positionals: command } = parse();
const writable = flags.writable.map(folder => resolve(folder));
if (flags.kernel === undefined) refuse('--kernel is missing');
if (command.length === 0) refuse('no command');
if (writable.includes('/')) refuse('--writable /: a directory below it');
process.exitCode = await runGuest({
  ...{ kernel: flags.kernel, modules: flags.modules, command, writable },
  memory: positive('memory', flags.memory),
  timeout: positive('timeout', flags.timeout),
});
