/** Daemons as processes: started inside a network namespace, asked through their command-line clients, never outliving this process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Place {
  readonly networkNamespace: string;
  /** For configuration and sockets; the process's working directory. */
  readonly directory: string;
}

const run = promisify(execFile);

/** Daemons that must not outlive this process, whatever ends it. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** `ip netns exec` replaces itself by the command, so the child's pid is the daemon's own. */
export function launch(place: Place, what: Launch, stdio: 'quiet' | 'ipc'): ChildProcess {
  const output = process.env.MARGAY_BENCH_DEBUG === undefined ? 'ignore' : 'inherit';
  const child = spawn('ip', ['netns', 'exec', place.networkNamespace, what.command, ...what.args], {
    stdio: stdio === 'ipc' ? ['ignore', output, 'inherit', 'ipc'] : ['ignore', output, output],
    env: { ...process.env, ...what.env },
    cwd: place.directory,
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

/** Runs a daemon's command-line client and returns what it prints. */
export async function ask(place: Place, what: Launch): Promise<string> {
  const args = ['netns', 'exec', place.networkNamespace, what.command, ...what.args];
  const { stdout } = await run('ip', args, { env: { ...process.env, ...what.env }, maxBuffer: 1 << 26 });
  return stdout;
}

/** SIGTERM, then SIGKILL after two seconds. */
export async function end(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await kill(child, 'SIGTERM');
  clearTimeout(timer);
}

/** Resolves when it has ended. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await exited(child);
}

/** Resolves when it has ended, at once if it has already. */
export async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** The first number that `pattern` captures; NaN if the text has none. */
export function capturedNumber(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}
