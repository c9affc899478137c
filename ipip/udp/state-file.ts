/**
 * SHELL: the two files between the agent and the UDP data path. Both are replaced whole, by rename; neither process waits for the other.
 */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock, Timer } from '../../core/clock.js';
import { type DecodedUdpState, decodeUdpState, encodeUdpState, type UdpState } from './state.js';
import { decodeUdpStatus, encodeUdpStatus, type UdpStatus } from './status.js';

/** @param stateDirectory the agent's setting of that name */
export function udpStatePath(stateDirectory: string): string {
  return join(stateDirectory, 'udp-routes.json');
}

/** @param stateDirectory the agent's setting of that name */
export function udpStatusPath(stateDirectory: string): string {
  return join(stateDirectory, 'udp-status.json');
}

/** Whole and durable, or not at all; left alone where it says the same already: false then. @throws with the system's code */
export function writeUdpState(path: string, state: UdpState): Promise<boolean> {
  const text = encodeUdpState(state);
  return afterOthers(path, async () => {
    if ((await readIfThere(path)) === text) return false;
    await replaceFile(path, text, 'durable');
    return true;
  });
}

/** @throws with the system's code */
export function writeUdpStatus(path: string, status: UdpStatus): Promise<void> {
  return afterOthers(path, () => replaceFile(path, encodeUdpStatus(status), 'for now'));
}

/** Of the process that runs; undefined if none does. */
export async function readUdpStatus(path: string): Promise<UdpStatus | undefined> {
  const text = await readIfThere(path).catch(() => undefined);
  const status = text === undefined ? undefined : decodeUdpStatus(text);
  return status !== undefined && isAlive(status.pid) ? status : undefined;
}

export function removeUdpStatus(path: string): Promise<void> {
  return rm(path, { force: true });
}

/** What a look at the state file found. */
export type FoundState =
  | DecodedUdpState
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly message: string };

/** Once, now. */
export async function readUdpState(path: string): Promise<FoundState> {
  try {
    const text = await readIfThere(path);
    return text === undefined ? { kind: 'absent' } : decodeUdpState(text);
  } catch (error) {
    return { kind: 'unreadable', message: (error as Error).message };
  }
}

/** Events say at once that the directory has changed; they may be missed, so the file is looked at anyway. */
const LOOK_MS = 2000;
/** One write is several events. */
const SETTLE_MS = 10;

/** Tells what the file says, once at the beginning and then whenever the file is another. */
export class UdpStateWatch {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #found: (found: FoundState) => void;
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #stamp: string | undefined;
  #looking = false;
  #changedMeanwhile = false;
  #closed = false;

  constructor(path: string, clock: Clock, found: (found: FoundState) => void) {
    this.#path = path;
    this.#clock = clock;
    this.#found = found;
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#watcher?.close();
  }

  async #look(): Promise<void> {
    if (this.#closed || this.#looking) return;
    this.#looking = true;
    this.#changedMeanwhile = false;
    this.#watchDirectory();
    // Before it is read: what is written meanwhile is read once more.
    const stamp = await this.#stampNow();
    if (stamp !== this.#stamp) {
      const found = await readUdpState(this.#path);
      this.#stamp = stamp;
      if (!this.#closed) this.#found(found);
    }
    this.#looking = false;
    this.#lookIn(this.#changedMeanwhile ? SETTLE_MS : LOOK_MS);
  }

  #lookIn(milliseconds: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.schedule(milliseconds, () => void this.#look());
  }

  async #stampNow(): Promise<string> {
    try {
      const { ino, size, mtimeNs } = await stat(this.#path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    }
  }

  /** Without a directory there is nothing to be watched; the next look tries again. */
  #watchDirectory(): void {
    if (this.#watcher !== undefined) return;
    try {
      const watcher = watch(dirname(this.#path), (_, name) => {
        if (name !== null && name !== basename(this.#path)) return;
        if (this.#looking) this.#changedMeanwhile = true;
        else this.#lookIn(SETTLE_MS);
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // Looking every other second does, too.
    }
  }
}

/** Each file has one writer, and within it one write at a time: the temporary file has one name, so a crash leaves no litter behind. */
const lastWrites = new Map<string, Promise<unknown>>();

function afterOthers<T>(path: string, write: () => Promise<T>): Promise<T> {
  const before = lastWrites.get(path) ?? Promise.resolve();
  const now = before.catch(() => {}).then(write);
  lastWrites.set(path, now);
  return now;
}

async function replaceFile(path: string, text: string, lasting: 'durable' | 'for now'): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  try {
    const file = await open(temporary, 'w', 0o640);
    try {
      await file.writeFile(text);
      if (lasting === 'durable') await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
