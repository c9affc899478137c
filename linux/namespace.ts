/** SHELL: sockets of another network namespace. A socket stays in the namespace it was made in, wherever its process is. */
import { closeSync, openSync } from 'node:fs';
import { setNetworkNamespace } from './libc.js';

/**
 * Runs `make` with this thread inside the namespace at `path` (e.g. `/run/netns/X`). Synchronous: what `make` starts and does not
 * finish would run outside. Needs CAP_SYS_ADMIN.
 *
 * @throws SystemError, or what `make` throws; a thread that cannot come back ends the process
 */
export function insideNamespace<T>(path: string, make: () => T): T {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const other = openSync(path, 'r');
    try {
      setNetworkNamespace(other);
    } finally {
      closeSync(other);
    }
    try {
      return make();
    } finally {
      try {
        setNetworkNamespace(own);
      } catch {
        // Whatever this thread did next would be done to the wrong host.
        process.abort();
      }
    }
  } finally {
    closeSync(own);
  }
}
