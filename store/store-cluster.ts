/**
 * SHELL: which cluster this host's store is, in a file of the state directory: a store that was emptied is told from one that is new, over
 * restarts, too. Another store (of another address) is another one's business.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ClusterMemory } from './redis/follower.js';

/** @param origin the store's address @param problem told what keeps it from being written */
export function clusterFile(path: string, origin: string, problem: (text: string) => void): ClusterMemory {
  let cluster = readCluster(path, origin);
  return {
    get cluster() {
      return cluster;
    },
    remember: found => {
      if (found === cluster) return;
      cluster = found;
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(`${path}.next`, `${JSON.stringify({ origin, cluster })}\n`, { flush: true });
        renameSync(`${path}.next`, path);
      } catch (error) {
        problem((error as Error).message);
      }
    },
  };
}

/** "" where there is none of this store. */
function readCluster(path: string, origin: string): string {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { origin?: unknown; cluster?: unknown };
    return found.origin === origin && typeof found.cluster === 'string' ? found.cluster : '';
  } catch {
    return '';
  }
}
