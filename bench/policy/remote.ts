/**
 * Processes of a bench: one command, one answer, over Node's IPC channel; in a network namespace if wanted, so that what they run needs no
 * other way there. None outlives the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface RemoteOptions {
  /** Undefined: our own. */
  readonly networkNamespace?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node. */
  readonly flags?: readonly string[];
}

export interface Remote<Command, Answer> {
  readonly pid: number;
  /** Rejects if the process failed or ended. */
  ask(command: Command): Promise<Answer>;
  /** Lets it end by itself, so that a profile is written; kills it after two seconds. */
  stop(): Promise<void>;
}

type Reply<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly reason: string };

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** @param file beside this one, without its ending */
export function startRemote<Command, Answer>(
  file: string,
  { networkNamespace, env = {}, flags = [] }: RemoteOptions = {},
): Remote<Command, Answer> {
  const node = [process.execPath, ...flags, fileURLToPath(new URL(`./${file}.js`, import.meta.url))];
  const inside = networkNamespace === undefined ? [] : ['ip', 'netns', 'exec', networkNamespace];
  const [command, ...args] = [...inside, ...node];
  const child = spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return {
    pid: child.pid!,
    async ask(wanted) {
      const reply = await roundTrip<Answer>(child, file, wanted as object);
      if (reply.kind === 'failed') throw new Error(`${file}: ${reply.reason}`);
      return reply.answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function roundTrip<Answer>(child: ChildProcess, file: string, command: object): Promise<Reply<Answer>> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`${file}: it ended`));
    child.once('exit', ended);
    child.once('message', reply => {
      child.off('exit', ended);
      resolve(reply as Reply<Answer>);
    });
    child.send(command, error => {
      if (error) reject(error);
    });
  });
}

/** In such a process: answers one command after the other, and ends with whoever started it. */
export function serve<Command, Answer>(answer: (command: Command) => Answer | Promise<Answer>): void {
  process.on('message', async message => {
    let reply: Reply<Answer>;
    try {
      reply = { kind: 'answer', answer: await answer(message as Command) };
    } catch (error) {
      reply = { kind: 'failed', reason: (error as Error).message };
    }
    process.send?.(reply);
  });
  process.on('disconnect', () => process.exit(0));
}
