/**
 * SHELL: passwords that documents say are in a file or an environment variable of this host. Files are read again every few seconds, so
 * that a new password is in force without a restart. Nothing here logs what it reads.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Clock, Timer } from '../core/clock.js';
import { sameValue } from './calculators/calculator.js';
import {
  describeSource,
  type HostPasswordSource,
  hostSourceKey,
  type Password,
  usablePassword,
} from './calculators/passwords.js';

const LOOK_MS = 5000;
/** Far more than a password may have. */
const MOST_BYTES = 4096;

export type PasswordReader = (source: HostPasswordSource) => Password;

export class HostPasswords {
  readonly #clock: Clock;
  readonly #read: PasswordReader;
  readonly #changed: () => void;
  #found: ReadonlyMap<string, Password> = new Map();
  #sources: readonly HostPasswordSource[] = [];
  #timer: Timer | undefined;

  /** @param changed what {@link look} would find is something else now */
  constructor(clock: Clock, read: PasswordReader, changed: () => void) {
    this.#clock = clock;
    this.#read = read;
    this.#changed = changed;
  }

  /** What is found at these places, by their keys; undefined if it is what was found last. */
  look(sources: readonly HostPasswordSource[]): ReadonlyMap<string, Password> | undefined {
    this.#sources = sources;
    const found = this.read(sources);
    if (sources.length > 0) this.#timer ??= this.#clock.schedule(LOOK_MS, () => this.#lookAgain());
    if (sameValue([...found], [...this.#found])) return undefined;
    this.#found = found;
    return found;
  }

  /** By {@link hostSourceKey}; it is no look. */
  read(sources: readonly HostPasswordSource[]): ReadonlyMap<string, Password> {
    return new Map(sources.map(source => [hostSourceKey(source), this.#read(source)]));
  }

  close(): void {
    this.#timer?.cancel();
  }

  #lookAgain(): void {
    this.#timer = undefined;
    if (!sameValue([...this.read(this.#sources)], [...this.#found])) this.#changed();
    if (this.#sources.length > 0) this.#timer ??= this.#clock.schedule(LOOK_MS, () => this.#lookAgain());
  }
}

/** The first line of a file, or the whole of a variable. */
export function readPassword(source: HostPasswordSource): Password {
  const where = describeSource(source);
  if (source.kind === 'environment') {
    const text = process.env[source.name];
    return text === undefined
      ? { kind: 'missing', problem: `${where} is not set` }
      : usablePassword(text, where);
  }
  try {
    return usablePassword(firstLine(source.path), where);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem =
      code === 'ENOENT' ? `${where} does not exist` : `${where} cannot be read: ${code ?? message}`;
    return { kind: 'missing', problem };
  }
}

/** Undefined if it is no text. */
function firstLine(path: string): string | undefined {
  // Without O_NONBLOCK a FIFO would be waited for.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('it is no file');
    const bytes = Buffer.alloc(MOST_BYTES);
    const text = bytes.subarray(0, readSync(file, bytes, 0, MOST_BYTES, 0));
    return new TextDecoder('utf-8', { fatal: true }).decode(text).split(/\r?\n/)[0];
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  } finally {
    closeSync(file);
  }
}
