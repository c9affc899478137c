/**
 * A speaker that can be measured: how it is started with given peers, how its routes are counted afterwards, how it is ended.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

/** `ip-batch` is iproute2 fed with a file of routes: no speaker, the yardstick for writing to the kernel. */
export const contenderNames = ['margay', 'bird2', 'frr', 'gobgp', 'ip-batch'] as const;
export type ContenderName = (typeof contenderNames)[number];

export interface Setup {
  readonly networkNamespace: string;
  /** An empty directory for configuration and sockets. */
  readonly directory: string;
  readonly address: string;
  readonly asn: number;
  readonly peers: readonly { readonly address: string; readonly asn: number }[];
  /** Whether best routes go to the kernel of the namespace. */
  readonly kernelRoutes: boolean;
}

export interface Contender {
  readonly name: ContenderName;
  /** False: measured without `kernelRoutes` only. */
  readonly writesKernel: boolean;
  start(setup: Setup): Promise<RunningContender>;
}

export interface RunningContender {
  readonly pid: number;
  /** Routes in the table, by the speaker's own word: asked once, after the measurement. */
  countRoutes(): Promise<number>;
  /** Margay alone: takes a CPU profile of what runs in between. */
  readonly profiler: { start(): Promise<void>; stop(file: string): Promise<void> } | undefined;
  stop(): Promise<void>;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** Daemons that must not outlive this process, whatever ends it. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** `ip netns exec` replaces itself by the command, so the child's pid is the daemon's own. */
export function launch(setup: Setup, what: Launch, stdio: 'quiet' | 'ipc'): ChildProcess {
  const output = process.env.MARGAY_BENCH_DEBUG === undefined ? 'ignore' : 'inherit';
  const child = spawn('ip', ['netns', 'exec', setup.networkNamespace, what.command, ...what.args], {
    stdio: stdio === 'ipc' ? ['ignore', output, 'inherit', 'ipc'] : ['ignore', output, output],
    env: { ...process.env, ...what.env },
    cwd: setup.directory,
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

/** Runs a daemon's command-line client and returns what it prints. */
export async function ask(setup: Setup, what: Launch): Promise<string> {
  const args = ['netns', 'exec', setup.networkNamespace, what.command, ...what.args];
  const { stdout } = await run('ip', args, { env: { ...process.env, ...what.env }, maxBuffer: 1 << 26 });
  return stdout;
}

/** SIGTERM, then SIGKILL after two seconds. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await exited;
  clearTimeout(timer);
}

/** The first number that `pattern` captures; NaN if the text has none. */
export function capturedNumber(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}
