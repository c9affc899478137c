/**
 * `npm run lab`: a command in a kernel that has IPIP, the machine's own or a guest's (`test/lab`), as an owned run.
 *
 *     npm run lab -- ip link add tunnel0 type ipip local 192.0.2.1
 *     npm run lab -- --timeout 60 sh -c 'uname -r; node -p process.execArgv'
 *
 * In a guest the checkout (and each `--writable` directory) is the host's own, writes elsewhere are gone with it, and there is no network
 * but what the command makes. `node` is the one that runs this, with the flag that one CPU asks for.
 */
import { chooseLab, inLab } from '../test/lab/kernel-choice.mjs';
import { prepare, progress, requireNode, requireRoot } from './bootstrap.mjs';
import { ownedRun } from './owned-run.mjs';

const USAGE = `usage: npm run lab -- [--timeout SECONDS] [--memory MB] [--writable DIR]... COMMAND...

Runs a command in a kernel that has IPIP; its exit status is passed on (124: timed out, 125: the lab failed).
MARGAY_LAB=host or guest leaves no choice between the machine's own kernel and a guest's, MARGAY_LAB_KERNEL=FILE
names another User-Mode Linux than Debian's.
`;
const LAB_FAILED = 125;
/** For the guest to say by itself that its time is over. */
const GRACE_SECONDS = 10;

const { flags, command } = split(process.argv.slice(2));
if (command.length === 0) {
  process.stderr.write(USAGE);
  process.exit(LAB_FAILED);
}
requireNode();
requireRoot('the lab makes name spaces');
prepare();
const lab = chooseLab();
if (lab.kind === 'none') refuse(lab.reason);
const timeoutSeconds = number('timeout', flags.timeout.at(-1));
const words = inLab(lab, command, {
  timeoutSeconds,
  memory: number('memory', flags.memory.at(-1)),
  writable: flags.writable,
});
const timeoutMs = (timeoutSeconds + (lab.kind === 'guest' ? GRACE_SECONDS : 0)) * 1000;
process.exit(await ownedRun(words, { timeoutMs }));

/** Flags of our own end where the command begins. */
function split(args) {
  const flags = { timeout: ['3600'], memory: ['2048'], writable: [] };
  let at = 0;
  for (; args[at]?.startsWith('--'); at += 2) {
    const name = args[at].slice(2);
    if (name === '') return { flags, command: args.slice(at + 1) };
    if (name === 'help') return { flags, command: [] };
    if (!(name in flags) || args[at + 1] === undefined)
      refuse(`${args[at]}: one of --timeout SECONDS, --memory MB, --writable DIR`);
    flags[name].push(args[at + 1]);
  }
  return { flags, command: args.slice(at) };
}

function number(name, text) {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : refuse(`--${name} ${text}: a whole number above 0`);
}

function refuse(message) {
  progress(`lab: ${message}`);
  process.exit(LAB_FAILED);
}
