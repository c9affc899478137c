/** SHELL: kernel parameters that are set and kept, and what they were before, for {@link undoSysctls}. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../core/clock.js';
import { readSysctl, writeSysctl } from '../linux/sysctl.js';
import type { HostProblem } from './host-problem.js';

export interface Sysctls {
  read(name: string): string;
  write(name: string, value: string): void;
}

/** By its place below /proc/sys: `net/ipv4/ip_forward`. */
export interface WantedSysctl {
  readonly name: string;
  readonly value: string;
  /** For people: "ip_forward". */
  readonly words: string;
  /** Of an interface that may go: one that is not there is no problem. */
  readonly mayBeGone?: boolean;
}

export interface KeptSysctlsOptions {
  /** Survives the process and the host's restart. */
  readonly stateFile: string;
  readonly clock: Clock;
  readonly sysctls?: Sysctls;
  readonly log: (level: 'info' | 'warn', message: string, detail: string) => void;
}

const LOOK_MS = 1000;
export const linuxSysctls: Sysctls = { read: readSysctl, write: writeSysctl };

export class KeptSysctls {
  readonly #options: KeptSysctlsOptions;
  readonly #sysctls: Sysctls;
  #wanted: readonly WantedSysctl[] = [];
  #problems: readonly HostProblem[] = [];
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: KeptSysctlsOptions) {
    this.#options = options;
    this.#sysctls = options.sysctls ?? linuxSysctls;
  }

  /** The whole list. Set at once; what could not be is in {@link problems}. */
  keep(wanted: readonly WantedSysctl[]): void {
    this.#wanted = wanted;
    this.#look();
  }

  get problems(): readonly HostProblem[] {
    return this.#problems;
  }

  /** Leaves everything as it is. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#problems = this.#wanted.flatMap(wanted => this.#set(wanted) ?? []);
    this.#timer = this.#options.clock.schedule(LOOK_MS, () => this.#look());
  }

  #set({ name, value, words, mayBeGone = false }: WantedSysctl): HostProblem | undefined {
    let found = '';
    try {
      found = this.#sysctls.read(name);
      if (found === value) return undefined;
      rememberSysctl(this.#options.stateFile, name, found);
      this.#sysctls.write(name, value);
      this.#options.log('info', `${words} set to ${value}`, `it was ${found}`);
      return undefined;
    } catch (error) {
      if (mayBeGone && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      const message = `${words} is ${found || 'unknown'} and cannot be set to ${value}: ${(error as Error).message}`;
      return { severity: 'error', message, object: `sysctl ${name}` };
    }
  }
}

/** The first value is the one that was there before us. Recorded before the change, so that no crash loses it. */
function rememberSysctl(stateFile: string, name: string, value: string): void {
  const known = readChanged(stateFile);
  if (known[name] !== undefined) return;
  mkdirSync(dirname(stateFile), { recursive: true, mode: 0o750 });
  const temporary = `${stateFile}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...known, [name]: value })}\n`);
  renameSync(temporary, stateFile);
}

function readChanged(stateFile: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8'));
  } catch {
    // Nothing was changed, or nobody knows from what.
    return {};
  }
}

/** Sets everything back; what was done and what could not be, in words. A parameter of an interface that is gone went with it. */
export function undoSysctls(stateFile: string, sysctls: Sysctls = linuxSysctls) {
  const done: string[] = [];
  const failed: string[] = [];
  for (const [name, value] of Object.entries(readChanged(stateFile))) {
    try {
      sysctls.write(name, value);
      done.push(`${name} set back to ${value}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        failed.push(`${name}: ${(error as Error).message}`);
    }
  }
  if (failed.length === 0 && existsSync(stateFile)) rmSync(stateFile, { force: true });
  return { done, failed } as const;
}
