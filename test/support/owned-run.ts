/** What an owned run (`scripts/owned-run.mjs`) that another process started is called, and what is left of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';

const RUNS = '/tmp/mgy-runs';

/** The id under which a runner has registered itself; other runs may go on beside it. Empty if it does not within 20 s. */
export async function runIdOf(runner: { readonly pid?: number | undefined }): Promise<string> {
  let found: string | undefined;
  await eventually(() => {
    found = readdirSync(RUNS).find(id => read(join(RUNS, id)).startsWith(`${runner.pid} `));
    return found !== undefined;
  }, 20_000);
  return found ?? '';
}

/** Namespaces, folders and processes that bear the mark of a run. */
export function leftovers(id: string): string[] {
  const names = (folder: string) =>
    existsSync(folder) ? readdirSync(folder).filter(name => name.startsWith(`mgy-${id}`)) : [];
  return [...names('/run/netns'), ...names('/tmp'), ...processes(id)];
}

/** By their environment; those of a guest kernel, which shows none, by the run directory in their command line. */
function processes(id: string): string[] {
  return readdirSync('/proc').filter(
    pid =>
      /^\d+$/.test(pid) &&
      (read(`/proc/${pid}/environ`).includes(`MARGAY_RUN_ID=${id}\0`) ||
        read(`/proc/${pid}/cmdline`).includes(`/mgy-${id}-guest`)),
  );
}

/** Empty where it is gone, or its process is. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
