/** flock(2) as the file store wants it: tried, never waited for. The lock goes with the descriptor, also when its process dies. */
import { lockExclusively, unlock as unlockDescriptor } from './libc.js';

/** False if somebody else holds the lock of this file. @throws SystemError */
export function tryLock(fd: number): boolean {
  return lockExclusively(fd);
}

/** @throws SystemError */
export function unlock(fd: number): void {
  unlockDescriptor(fd);
}
