/**
 * Starts the generator's process, in a network namespace if wanted, and talks to it: one command, one answer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadAnswer, LoadCommand, LoadPlan } from './plan.js';

const PROCESS_FILE = fileURLToPath(new URL('./process.js', import.meta.url));

export interface RemoteGenerator {
  readonly pid: number;
  /** Rejects if the generator failed or its process ended. */
  execute<K extends AnswerKind>(command: LoadCommand, expected: K): Promise<Extract<LoadAnswer, { kind: K }>>;
  connect(plan: LoadPlan): Promise<number>;
  stop(): Promise<void>;
}

type AnswerKind = Exclude<LoadAnswer['kind'], 'failed'>;

/** `networkNamespace` undefined: in our own. @param ownSession one that the kernel's scheduler can tell from ours (setsid(2)) */
export function startGenerator(
  networkNamespace: string | undefined,
  { ownSession = false }: { readonly ownSession?: boolean } = {},
): RemoteGenerator {
  const node = [process.execPath, PROCESS_FILE];
  const [command, ...args] =
    networkNamespace === undefined ? node : ['ip', 'netns', 'exec', networkNamespace, ...node];
  const child = spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: ownSession,
  });
  const execute: RemoteGenerator['execute'] = async (wanted, expected) => {
    const answer = await ask(child, wanted);
    if (answer.kind === 'failed') throw new Error(`load generator: ${answer.reason}`);
    if (answer.kind !== expected) throw new Error(`load generator: ${answer.kind} instead of ${expected}`);
    return answer as never;
  };
  return {
    pid: child.pid!,
    execute,
    connect: async plan => (await execute({ kind: 'connect', plan }, 'connected')).seconds,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      if (child.connected) child.send({ kind: 'close' } satisfies LoadCommand);
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function ask(child: ChildProcess, command: LoadCommand): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the load generator ended'));
    child.once('exit', ended);
    child.once('message', (answer: LoadAnswer) => {
      child.off('exit', ended);
      resolve(answer);
    });
    child.send(command, error => {
      if (error) reject(error);
    });
  });
}
