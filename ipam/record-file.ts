/**
 * SHELL: the host's record in a file of the state directory, a line for each entry, with the line's hash in front: a line that was cut off by a
 * crash or a full disk is recognised and skipped. What is kept is on the disk before it counts. The file is made anew where it has grown to a
 * multiple of what it holds.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DurableRecord, HostRecord, type RecordEntry } from './host-record.js';

/** Lines that are out of date: as many as are not, and these. */
const SPARE_LINES = 1000;
const MODE = 0o640;
const HASH_CHARACTERS = 12;

export class RecordFile implements DurableRecord {
  readonly record = new HostRecord();
  readonly #path: string;
  #lines = 0;
  /** Lines that cannot be read, of what was found. */
  #damaged = 0;
  /** Where it ends; undefined: it is made anew with the next entry. */
  #file: FileHandle | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws the system's error where there is one that cannot be read: what it says must not be forgotten */
  static async open(path: string): Promise<RecordFile> {
    const file = new RecordFile(path);
    await mkdir(dirname(path), { recursive: true });
    await rm(`${path}.next`, { force: true });
    file.#learn(await readIfThere(path));
    return file;
  }

  get damagedLines(): number {
    return this.#damaged;
  }

  keep(entries: readonly RecordEntry[]): Promise<void> {
    const kept = this.#turn.then(() => this.#keep(entries));
    this.#turn = kept.catch(() => {});
    return kept;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #keep(entries: readonly RecordEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const most = 2 * this.record.entries().length + SPARE_LINES;
    if (this.#lines > most) await this.#close();
    try {
      this.#file ??= await this.#makeAnew();
      // A line begins anew: the one before may have been cut off.
      await this.#file.appendFile(`\n${entries.map(lineOf).join('\n')}\n`);
      await this.#file.datasync();
    } catch (error) {
      // What is in the file now nobody knows: the next one writes all of it.
      await this.#close();
      throw error;
    }
    this.#lines += entries.length;
    for (const entry of entries) this.record.apply(entry);
  }

  async #makeAnew(): Promise<FileHandle> {
    const next = `${this.#path}.next`;
    const entries = this.record.entries();
    const file = await open(next, 'w', MODE);
    try {
      await file.writeFile(entries.map(lineOf).join('\n'));
      await file.sync();
      await rename(next, this.#path);
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#lines = entries.length;
    return file;
  }

  async #close(): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  #learn(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const entry = entryOf(line);
      if (entry === undefined) this.#damaged++;
      else this.record.apply(entry);
    }
  }
}

function lineOf(entry: RecordEntry): string {
  const text = JSON.stringify(entry);
  return `${hashOf(text)} ${text}`;
}

function entryOf(line: string): RecordEntry | undefined {
  const [hash, text] = [line.slice(0, HASH_CHARACTERS), line.slice(HASH_CHARACTERS + 1)];
  return hash === hashOf(text) ? (JSON.parse(text) as RecordEntry) : undefined;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
