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

/** @param keep asked to keep each other one, and asked again with the next look at the store where it could not */
export function clusterMemory(known = '', keep: (cluster: string) => boolean = () => true): ClusterMemory {
  let cluster = known;
  let kept = true;
  return {
    get cluster() {
      return cluster;
    },
    remember: found => {
      if (found === cluster && kept) return;
      cluster = found;
      kept = keep(found);
    },
  };
}

/** @param origin the store's address @param problem told what keeps it from being written, and undefined when it is written again */
export function clusterFile(
  path: string,
  origin: string,
  problem: (text: string | undefined) => void,
): ClusterMemory {
  let failed = false;
  return clusterMemory(readCluster(path, origin), cluster => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.next`, `${JSON.stringify({ origin, cluster })}\n`, { flush: true });
      renameSync(`${path}.next`, path);
      if (failed) problem(undefined);
      failed = false;
    } catch (error) {
      if (!failed) problem((error as Error).message);
      failed = true;
    }
    return !failed;
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
