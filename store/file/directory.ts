/**
 * SHELL: the store's directory: read, and written so that a crash at any moment leaves each file old or new, never half. Errors are the
 * system's own, with `code`.
 */
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDocumentFile } from './document-file.js';

/** Changes whenever a file's content may have. */
export type FileStamp = string;

/** `flock(2)`, tried and never waited for. */
export interface FileLock {
  /** False if somebody else holds it. */
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
}

const SECRET_MODE = 0o600;
const LOCK_FILE = '.lock';
const TEMPORARY = /^\.tmp-(\d+)-/;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

export class Directory {
  readonly path: string;
  readonly #lock: FileLock;
  #temporaries = 0;

  constructor(path: string, lock: FileLock) {
    this.path = path;
    this.#lock = lock;
  }

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o750 });
  }

  /** Every document file with its stamp, in the order of their names. */
  async list(): Promise<ReadonlyMap<string, FileStamp>> {
    const names = (await readdir(this.path)).filter(isDocumentFile).sort();
    const stamps = await Promise.all(names.map(name => this.stamp(name)));
    const found = new Map<string, FileStamp>();
    for (const [i, name] of names.entries()) {
      const stamp = stamps[i];
      if (stamp !== undefined) found.set(name, stamp);
    }
    return found;
  }

  /** Undefined if there is no such file (any more). One that only {@link read} can say what is wrong with has a stamp, too. */
  async stamp(name: string): Promise<FileStamp | undefined> {
    try {
      const found = await stat(join(this.path, name), { bigint: true });
      return found.isFile() ? `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}` : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isOfOneFile(error)) return (error as NodeJS.ErrnoException).code;
      throw error;
    }
  }

  /** Undefined if there is no such file (any more). */
  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Whole and durable: temporary file, fsync, rename, fsync of the directory. @param secret nobody but the owner may read it */
  async write(name: string, content: string, secret: boolean): Promise<void> {
    const temporary = join(this.path, `.tmp-${process.pid}-${++this.#temporaries}`);
    try {
      const file = await open(temporary, 'wx', secret ? SECRET_MODE : 0o640);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(this.path, name));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    await this.#syncDirectory();
  }

  /** A file with secrets that somebody else may read is shut to them. */
  async shut(name: string): Promise<void> {
    const path = join(this.path, name);
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) await chmod(path, SECRET_MODE);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true });
    await this.#syncDirectory();
  }

  /** Runs `work` while no other process writes. The lock of a process that dies goes with it. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const file = await open(join(this.path, LOCK_FILE), 'a', 0o640);
    try {
      await this.#locked(file);
      return await work();
    } finally {
      await file.close();
    }
  }

  /** Temporary files of processes that died in the middle of a write. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.path)) {
      const owner = TEMPORARY.exec(name)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) await rm(join(this.path, name), { force: true });
    }
  }

  async #locked(file: FileHandle): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !this.#lock.tryLock(file.fd); pause *= 2) {
      const jittered = Math.min(pause, LONGEST_PAUSE_MS) * (0.5 + Math.random());
      await new Promise(resolve => setTimeout(resolve, jittered));
    }
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** True if the error is about this file alone, and the others may well be read: unlike a disk that fails. */
export function isOfOneFile(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
