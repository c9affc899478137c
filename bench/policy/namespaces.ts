/**
 * SHELL: network namespaces of the bench, and what the packet filter's commands are run with in them. Named after the run (MARGAY_RUN_ID, set by
 * the runner in `scripts/`, which sweeps what a killed run left behind).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RUN_ID = process.env.MARGAY_RUN_ID ?? `bench${process.pid.toString(36)}`;
let count = 0;

export interface Places {
  readonly networkNamespaces: readonly string[];
  /** Of this run, in the temporary directory. */
  readonly directory: string;
  /** For processes in them: a lock of their own, and no command of the packages' in the way of the system's: one is called nft. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** All that are there now, to be removed on whatever way this process ends. */
const open = new Set<Places>();
process.on('exit', () => {
  for (const places of open) places.remove();
});

/** Synchronous, as its end must be. @throws if not root */
export function makePlaces(namespaces: number): Places {
  const names = Array.from({ length: namespaces }, () => `mgy-${RUN_ID}-p${count++}`);
  const directory = mkdtempSync(join(tmpdir(), `mgy-${RUN_ID}-`));
  const paths = (process.env.PATH ?? '').split(':').filter(path => !path.includes('node_modules'));
  const places: Places = {
    networkNamespaces: names,
    directory,
    env: { XTABLES_LOCKFILE: join(directory, 'xtables.lock'), PATH: paths.join(':') },
    remove() {
      open.delete(places);
      for (const name of names) if (existsSync(`/run/netns/${name}`)) ip('netns', 'delete', name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  open.add(places);
  for (const name of names) {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  return places;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** `ip -batch` inside. */
export function ipBatch(networkNamespace: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', networkNamespace, '-batch', '-'], {
    input: lines.join('\n'),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}
