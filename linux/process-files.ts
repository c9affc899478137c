/** SHELL: processes by /proc: which has something open, and the name of this one. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

export interface ProcessName {
  readonly pid: number;
  /** The process's name as the kernel has it, at most 15 characters. */
  readonly command: string;
}

/**
 * The first process with a descriptor that `matches` takes; undefined if there is none, or it is one that we may not look into.
 *
 * @param matches is given "/proc/PID" and the descriptor's number; what it throws means no
 */
export function findProcess(matches: (directory: string, fd: string) => boolean): ProcessName | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const directory = `/proc/${name}`;
    const found = unlessGone(() =>
      readdirSync(`${directory}/fd`).some(fd => unlessGone(() => matches(directory, fd)) === true),
    );
    if (found !== true) continue;
    const command = unlessGone(() => readFileSync(`${directory}/comm`, 'utf8').trim());
    if (command !== undefined) return { pid: Number(name), command };
  }
  return undefined;
}

/** What this process is called from now on where others ask who has a port, and in `ps -o comm`; its arguments stay. */
export function nameProcess(name: string): void {
  unlessGone(() => writeFileSync('/proc/self/comm', name));
}

/** How many files this process may have open, by /proc/self/limits; infinity where that cannot be told. */
export function descriptorLimit(): number {
  const limits = unlessGone(() => readFileSync('/proc/self/limits', 'utf8')) ?? '';
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

/** Processes and descriptors end while we look, and some are not ours to look into. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
