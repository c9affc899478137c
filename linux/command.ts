/** SHELL: commands run as children: what they print, and how they ended. */
import { type Child, spawnChild } from './child.js';

export interface Outcome {
  /** The exit status; negative: the command did not come to an end by itself. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** There is no such command. */
  readonly missing: boolean;
}

export type Run = (command: string, args: readonly string[], input?: string) => Promise<Outcome>;

const TIMEOUT_MS = 10_000;
/** A set of a million addresses, or as many rules as a kernel takes. */
const MOST_OUTPUT_BYTES = 1 << 28;
/** What `env` and `ip netns exec` say of a command that is not there. */
const STATUS_MISSING = 127;

export interface CommandOptions {
  /** The command is ended after this, and has failed. */
  readonly timeoutMs?: number;
  /** Told of the child's number as soon as there is one. */
  readonly started?: (pid: number) => void;
}

/**
 * Never throws but what the input throws: a command that cannot be run has failed too.
 *
 * @param input pieces are asked for when the command has read most of those before
 */
export async function runCommand(
  command: readonly string[],
  input: string | Iterable<string> = '',
  { timeoutMs = TIMEOUT_MS, started }: CommandOptions = {},
): Promise<Outcome> {
  let child: Child;
  try {
    child = spawnChild(command);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { status: -1, stdout: '', stderr: message, missing: code === 'ENOENT' };
  }
  started?.(child.pid);
  let ended: string | undefined;
  const kill = (reason: string) => {
    ended ??= reason;
    process.kill(child.pid, 'SIGTERM');
    // Its own children may hold them open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(() => kill(`ended after ${timeoutMs / 1000} s`), timeoutMs);
  const tooMuch = () => kill(`ended after ${MOST_OUTPUT_BYTES} bytes of output`);
  const [stdout, stderr] = [collect(child.stdout, tooMuch), collect(child.stderr, tooMuch)];
  // Whoever does not read to the end says why in other ways.
  child.stdin.on('error', () => {});
  try {
    const [end] = await Promise.all([child.ended, feed(child.stdin.resume(), input)]);
    return outcomeOf(end, stdout(), stderr().trim(), ended);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when all has been handed over, or nobody takes it any more. */
async function feed(stdin: Child['stdin'], input: string | Iterable<string>): Promise<void> {
  if (typeof input === 'string') {
    stdin.end(input);
    return;
  }
  try {
    for (const piece of input) {
      if (stdin.destroyed || stdin.writableEnded) return;
      if (!stdin.write(piece)) await drained(stdin);
    }
  } finally {
    stdin.end();
  }
}

function drained(stdin: Child['stdin']): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      stdin.off('drain', done).off('close', done);
      resolve();
    };
    stdin.on('drain', done).on('close', done);
  });
}

function outcomeOf(
  end: Awaited<Child['ended']>,
  stdout: string,
  said: string,
  ended: string | undefined,
): Outcome {
  if (ended === undefined && end.kind === 'exited')
    return { status: end.status, stdout, stderr: said, missing: end.status === STATUS_MISSING };
  const reason = ended ?? (end.kind === 'killed' ? `killed by signal ${end.signal}` : '');
  return { status: -1, stdout, stderr: said === '' ? reason : `${said} (${reason})`, missing: false };
}

/** @returns what has come so far */
function collect(stream: Child['stdout'], tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_OUTPUT_BYTES) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
