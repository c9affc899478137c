/**
 * SHELL: which cluster a store is: an empty Redis is told from one that was emptied, and another cluster's from this one. For the life of a
 * process, or over restarts in a file of the state directory; another store (of another address) is another one's business there.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ClusterMemory {
  /** "": none is known. */
  readonly cluster: string;
  remember(cluster: string): void;
}

/** @param kept told of each other one */
export function clusterMemory(known = '', kept: (cluster: string) => void = () => {}): ClusterMemory {
  let cluster = known;
  return {
    get cluster() {
      return cluster;
    },
    remember: found => {
      if (found === cluster) return;
      cluster = found;
      kept(found);
    },
  };
}

/** @param origin the store's address @param problem told what keeps it from being written */
export function clusterFile(path: string, origin: string, problem: (text: string) => void): ClusterMemory {
  return clusterMemory(readCluster(path, origin), cluster => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.next`, `${JSON.stringify({ origin, cluster })}\n`, { flush: true });
      renameSync(`${path}.next`, path);
    } catch (error) {
      problem((error as Error).message);
    }
  });
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
