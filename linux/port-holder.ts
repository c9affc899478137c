/** SHELL: who listens on a TCP port of this network namespace, by /proc: the socket's inode, then the process that has it open. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  readonly pid: number;
  /** The process's name as the kernel has it, at most 15 characters. */
  readonly command: string;
}

/** TCP_LISTEN (net/tcp_states.h) as /proc/net/tcp writes it. */
const LISTEN = '0A';

/** Undefined if nobody does, or it is a process that we may not look into. */
export function portHolder(port: number): PortHolder | undefined {
  const inodes = new Set([
    ...listeningInodes('/proc/net/tcp', port),
    ...listeningInodes('/proc/net/tcp6', port),
  ]);
  if (inodes.size === 0) return undefined;
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name) && holdsOneOf(name, inodes)) {
      return { pid: Number(name), command: readFileSync(`/proc/${name}/comm`, 'utf8').trim() };
    }
  }
  return undefined;
}

function* listeningInodes(table: string, port: number): Generator<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix) && fields[3] === LISTEN && fields[9] !== undefined) yield fields[9];
  }
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
  } catch {
    // It has ended, or is not ours to look into.
    return false;
  }
}
