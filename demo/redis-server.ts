/** SHELL: Redis servers for the demo and for tests: from the cache folder, in the foreground, never outliving this process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';

export interface RedisServerOptions {
  /** Its working directory: made if it is not there. */
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  /** Beside what every one of them has; of `--name value` pairs. */
  readonly args?: readonly string[];
  /** How `redis-cli` reaches it, where that is not by its address and port alone. */
  readonly cli?: { readonly port: number; readonly args: readonly string[] };
  /** Watches others instead of keeping anything. */
  readonly sentinel?: boolean;
  /** In which it runs; by default in that of this process. */
  readonly networkNamespace?: string;
}

/** What `scripts/daemons.mjs` exports; plain JavaScript beside the compiled tree. */
interface DaemonScript {
  fetchDaemon(name: 'redis'): {
    readonly programs: Readonly<Record<'redis-server' | 'redis-cli', string>>;
    readonly env: Readonly<Record<string, string>>;
  };
}

const run = promisify(execFile);
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class RedisServerProcess {
  readonly options: RedisServerOptions;
  #child: ChildProcess | undefined;

  constructor(options: RedisServerOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it answers. @throws if it does not within 20 s */
  async start(): Promise<void> {
    const { directory, address, port, args = [], sentinel = false } = this.options;
    mkdirSync(directory, { recursive: true });
    // A title would overwrite its environment, by which what an interrupted run leaves behind is found.
    const untitled = ['--set-proc-title', 'no'];
    const alone = ['--daemonize', 'no', '--protected-mode', 'no'];
    const common = ['--bind', address, '--port', String(port), ...alone, ...untitled];
    const kept = sentinel ? [] : ['--dir', directory, '--save', ''];
    const words = sentinel ? [...args, '--sentinel', ...common] : [...args, ...common, ...kept];
    const { programs, env } = await daemon();
    const [command, ...rest] = this.#inside([programs['redis-server'], ...words]);
    const child = spawn(command!, rest, {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    this.#child = child;
    living.add(child);
    child.once('exit', () => living.delete(child));
    const deadline = Date.now() + 20_000;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`redis-server ${words.join(' ')} does not answer`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  /** What `redis-cli` prints. */
  async ask(...words: readonly string[]): Promise<string> {
    const { address, port, cli = { port, args: [] } } = this.options;
    const { programs, env } = await daemon();
    const [command, ...rest] = this.#inside([
      programs['redis-cli'],
      ...['-h', address, '-p', String(cli.port), ...cli.args],
      ...words,
    ]);
    const { stdout } = await run(command!, rest, { env: { ...process.env, ...env } });
    return stdout.trim();
  }

  /** Resolves when it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** As if its machine stood still, or went on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async #answers(): Promise<boolean> {
    const pong = await this.ask('ping').catch(error => String(error.stdout ?? ''));
    return /PONG|NOAUTH|NOPERM|LOADING/.test(pong);
  }

  #inside(words: readonly string[]): readonly string[] {
    const { networkNamespace } = this.options;
    return networkNamespace === undefined ? words : ['ip', 'netns', 'exec', networkNamespace, ...words];
  }
}

async function daemon() {
  const script = new URL('../../scripts/daemons.mjs', import.meta.url);
  const { fetchDaemon } = (await import(script.href)) as DaemonScript;
  return fetchDaemon('redis');
}
