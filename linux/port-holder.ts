/** SHELL: who has a TCP or UDP port of this network namespace, by /proc: the socket's inode, then the process that has it open. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { findProcess, type ProcessName } from './process-files.js';

/** States of net/tcp_states.h as /proc/net writes them: TCP_LISTEN; a UDP socket that is bound and not connected is TCP_CLOSE. */
const boundState = { tcp: '0A', udp: '07' } as const;

/** Undefined if nobody does, or it is a process that we may not look into. */
export function portHolder(port: number, protocol: 'tcp' | 'udp' = 'tcp'): ProcessName | undefined {
  const inodes = new Set([
    ...boundInodes(`/proc/net/${protocol}`, port, boundState[protocol]),
    ...boundInodes(`/proc/net/${protocol}6`, port, boundState[protocol]),
  ]);
  if (inodes.size === 0) return undefined;
  return findProcess((directory, fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/fd/${fd}`))?.[1];
    return inode !== undefined && inodes.has(inode);
  });
}

function* boundInodes(table: string, port: number, state: string): Generator<string> {
  // A kernel without IPv6 has no such table.
  if (!existsSync(table)) return;
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix) && fields[3] === state && fields[9] !== undefined) yield fields[9];
  }
}
