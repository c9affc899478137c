/**
 * SHELL: children that are started without a copy of this process (posix_spawn(3)). Node forks, and what a fork copies grows with the memory in
 * use: at 200 MB this process stands still for several milliseconds, on a busy machine for twenty, with each command that an apply runs.
 *
 * libuv knows nothing of these children: they are reaped here, once their output has ended.
 */
import { Socket } from 'node:net';
import {
  type ChildEnd,
  close,
  reapChild,
  SocketDomain,
  SocketType,
  socketPair,
  spawnProgram,
} from './libc.js';

export interface Child {
  readonly pid: number;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** It has closed its output and ended. */
  readonly ended: Promise<ChildEnd>;
}

const FIRST_LOOK_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** With this process's environment and working directory. @throws SystemError, ENOENT where there is no such command */
export function spawnChild(command: readonly string[]): Child {
  const pairs: (readonly [number, number])[] = [];
  let pid: number;
  try {
    for (let fd = 0; fd < 3; fd++) pairs.push(socketPair(SocketDomain.unix, SocketType.stream));
    pid = spawnProgram(
      command,
      environment(),
      pairs.map(([, theirs]) => theirs),
    );
  } catch (error) {
    for (const [ours] of pairs) close(ours);
    throw error;
  } finally {
    for (const [, theirs] of pairs) close(theirs);
  }
  const [stdin, stdout, stderr] = pairs.map(([ours]) => new Socket({ fd: ours })) as [Socket, Socket, Socket];
  const ended = Promise.all([closed(stdout), closed(stderr)]).then(() => {
    stdin.destroy();
    return reaped(pid, FIRST_LOOK_MS);
  });
  return { pid, stdin, stdout, stderr, ended };
}

function environment(): readonly string[] {
  return Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
}

function closed(stream: Socket): Promise<void> {
  return new Promise(resolve => stream.once('close', () => resolve()));
}

/** A process that has closed its output is about to end, or has. */
async function reaped(pid: number, pauseMs: number): Promise<ChildEnd> {
  const end = reapChild(pid);
  if (end !== undefined) return end;
  await new Promise(resolve => setTimeout(resolve, pauseMs));
  return await reaped(pid, Math.min(LONGEST_PAUSE_MS, 2 * pauseMs));
}
