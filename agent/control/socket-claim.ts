/** SHELL: takes the control socket's path. A dead agent's socket file is replaced; a live agent is named with its pid. */
import { chmod, mkdir, stat, unlink } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { dirname } from 'node:path';
import type { Hello } from './types.js';

/** Someone answers, or at least listens, on the path. */
export class SocketTakenError extends Error {
  /** Undefined if what listens there does not say. */
  readonly pid: number | undefined;

  constructor(socketPath: string, { pid, isSocket }: Pick<Holder, 'pid' | 'isSocket'>) {
    const who = pid === undefined ? 'another process' : `margay-agent with pid ${pid}`;
    super(
      isSocket
        ? `${who} has the control socket ${socketPath}; stop it first, or give this agent its own (--control-socket)`
        : `${socketPath} is there and no socket; remove it, or give another control socket (--control-socket)`,
    );
    this.pid = pid;
  }
}

interface Holder {
  /** What is dead may be replaced. */
  readonly alive: boolean;
  readonly pid: number | undefined;
  readonly isSocket: boolean;
}

/** Listens in a directory of mode 0750, created if need be. */
export async function claimSocket(server: Server, socketPath: string): Promise<void> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o750 });
  try {
    await listen(server, socketPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const holder = await probe(socketPath);
    if (holder.alive) throw new SocketTakenError(socketPath, holder);
    await unlink(socketPath);
    await listen(server, socketPath);
  }
  await chmod(socketPath, 0o660);
}

export async function releaseSocket(socketPath: string): Promise<void> {
  await unlink(socketPath).catch(() => {});
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A file that is no socket counts as alive: it is not ours to remove. */
async function probe(socketPath: string): Promise<Holder> {
  const isSocket = await stat(socketPath).then(
    found => found.isSocket(),
    () => true,
  );
  if (!isSocket) return { alive: true, pid: undefined, isSocket };
  return new Promise(resolve => {
    const asked = request({ socketPath, path: '/v1/hello', timeout: 2000 }, async response => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      try {
        resolve({ alive: true, pid: (JSON.parse(Buffer.concat(chunks).toString()) as Hello).pid, isSocket });
      } catch {
        resolve({ alive: true, pid: undefined, isSocket });
      }
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const dead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      resolve({ alive: !dead, pid: undefined, isSocket });
    });
    asked.end();
  });
}
