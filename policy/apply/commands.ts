/** SHELL: iptables-save, iptables-restore and ipset, run as children with a bounded wait for their lock. */
import type { AddressFamily } from '../../core/ip-address.js';
import { type Outcome, runCommand } from '../../linux/command.js';
import { type Implementation, usageOf } from '../../linux/iptables-choice.js';
import { refusedLine, refusedReason, saysBusy } from './command-output.js';
import { type FilterKernel, MissingCommandError, NoSetsError, type WriteOutcome } from './kernel.js';

/** Seconds that a command waits for another program's lock; then it is said, and tried again. */
const LOCK_WAIT = '10';
/** A restore of everything on a busy host; it has its lock by then. */
const TIMEOUT_MS = 60_000;
const CHILDREN_REMEMBERED = 64;
const commandOf = (backend: Implementation, family: AddressFamily) =>
  `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}`;

/** @param prefix a command to run the commands with, e.g. `['ip', 'netns', 'exec', 'X']`; it must become them */
export function filterCommands(prefix: readonly string[] = []): FilterKernel {
  const children: number[] = [];
  const started = (pid: number) => {
    children.push(pid);
    if (children.length > CHILDREN_REMEMBERED) children.shift();
  };
  const read = (command: string, ...args: readonly string[]) =>
    runCommand([...prefix, command, ...args], '', { timeoutMs: TIMEOUT_MS });
  const write = async (input: string | Iterable<string>, ...command: readonly string[]) =>
    outcomeOf(
      command[0]!,
      await runCommand([...prefix, ...command], input, { timeoutMs: TIMEOUT_MS, started }),
    );
  const readOrThrow = async (command: string, ...args: readonly string[]) => {
    const { status, stdout, stderr, missing } = await read(command, ...args);
    if (missing) throw new MissingCommandError(missingText(command));
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
    return stdout;
  };
  /** Asking the legacy variant for a table would make it. */
  const legacyTables = async (family: AddressFamily) => {
    const path = `/proc/net/${family === 'ipv4' ? 'ip' : 'ip6'}_tables_names`;
    return (await read('cat', path)).stdout.split('\n').filter(name => name !== '');
  };
  const save = async (
    backend: Implementation,
    family: AddressFamily,
    tables: readonly string[] | undefined,
    ...options: readonly string[]
  ) => {
    const command = `${commandOf(backend, family)}-save`;
    if (backend === 'nft' && tables === undefined) return await readOrThrow(command, ...options);
    const there = backend === 'nft' ? undefined : await legacyTables(family);
    const wanted = (tables ?? there ?? []).filter(table => there?.includes(table) ?? true);
    const texts: string[] = [];
    for (const table of wanted) texts.push(await readOrThrow(command, ...options, '-t', table));
    return texts.join('');
  };
  return {
    saveTables: (backend, family, tables) => save(backend, family, tables),
    saveCounters: (backend, family) => save(backend, family, undefined, '-c'),
    restoreTable: (backend, family, input) =>
      write(input, `${commandOf(backend, family)}-restore`, '-w', LOCK_WAIT, '--noflush'),
    async saveSets() {
      const { status, stdout, stderr, missing } = await read('ipset', 'save');
      if (status === 0) return stdout;
      if (missing) throw new NoSetsError(missingText('ipset'));
      if (status < 0 || saysBusy(stderr)) throw new Error(`ipset: ${stderr}`);
      throw new NoSetsError(`ipset cannot be used (modprobe ip_set): ${refusedReason(stderr)}`);
    },
    restoreSets: input => write(input, 'ipset', '-exist', 'restore'),
    destroySet: name => write('', 'ipset', 'destroy', name),
    async usage(backend, family) {
      const { status, stdout, missing } = await read(`${commandOf(backend, family)}-save`);
      if (missing) return 'missing';
      if (status === 0) return usageOf(stdout);
      // Of the legacy variant the kernel knows nothing until it is used.
      return backend === 'legacy' ? 'empty' : 'unusable';
    },
    async preferred() {
      const { stdout } = await read('iptables', '--version');
      if (stdout.includes('nf_tables')) return 'nft';
      return stdout.includes('legacy') ? 'legacy' : undefined;
    },
    isOwnChild: pid => children.includes(pid),
  };
}

function outcomeOf(command: string, { status, stderr, missing }: Outcome): WriteOutcome {
  if (status === 0) return { kind: 'done' };
  // Without sets there is something to be enforced; without iptables there is not.
  if (missing && command === 'ipset')
    return { kind: 'refused', reason: missingText(command), line: undefined };
  if (missing) return { kind: 'busy', reason: missingText(command) };
  if (status < 0 || saysBusy(stderr)) return { kind: 'busy', reason: refusedReason(stderr) };
  return { kind: 'refused', reason: refusedReason(stderr), line: refusedLine(stderr) };
}

function missingText(command: string): string {
  return `${command} is not installed: apt-get install ${command === 'ipset' ? 'ipset' : 'iptables'}`;
}
