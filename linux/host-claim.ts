/**
 * SHELL: one writer of routes per network namespace. The lock is on the namespace itself (its file in nsfs), so it leaves nothing behind
 * and goes with the process that holds it, however that ends.
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { tryLock } from './flock.js';

export type HostClaim =
  | { readonly kind: 'ours'; release(): void }
  /** Somebody else's; `pid` where it can be told. */
  | { readonly kind: 'taken'; readonly pid: number | undefined };

/** @throws SystemError where there is no such file: no /proc */
export function claimHost(): HostClaim {
  const fd = openSync('/proc/self/ns/net', 'r');
  if (tryLock(fd)) return { kind: 'ours', release: () => closeSync(fd) };
  const pid = lockHolder(fstatSync(fd).ino);
  closeSync(fd);
  // Whoever may look at the namespace may lock it; only root can write its routes.
  if (pid !== undefined && !isRoots(pid)) return { kind: 'ours', release: () => {} };
  return { kind: 'taken', pid };
}

/** By /proc/locks, `1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF`; it shows no processes of other PID namespaces. */
function lockHolder(inode: number): number | undefined {
  for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
    const [, kind, , , pid, file] = line.split(/\s+/);
    if (kind === 'FLOCK' && file?.endsWith(`:${inode}`) && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

function isRoots(pid: number): boolean {
  try {
    return statSync(`/proc/${pid}`).uid === 0;
  } catch {
    // It has just ended.
    return false;
  }
}
