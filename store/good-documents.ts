/**
 * SHELL: good documents in a file of the state directory, for the next start of the agent (`good-lines.ts`). It is written at once after a
 * change, for all that come together, and made anew where it has grown to a multiple of what it holds. What cannot be written is tried again.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Clock, Timer } from '../core/clock.js';
import { parseResource } from '../core/resources/parse.js';
import { formatResourceId, type Resource, resourceIdOf } from '../core/resources/resource.js';
import {
  documentOfLine,
  forgottenLineOf,
  type GoodLines,
  goodLineOf,
  headOf,
  noteGoodLine,
  readGoodLines,
} from './good-lines.js';
import type { GoodMemory } from './last-good.js';

export interface GoodDocumentsOptions {
  readonly path: string;
  /** Which store they are of: those of another are nobody's here. */
  readonly origin: string;
  readonly clock: Clock;
  /** Told once what keeps the file from being read or written, and undefined when it is written again. */
  readonly problem: (text: string | undefined) => void;
  /** A document that was wanted cannot be had: its line was damaged, or is of a version that knew it otherwise. */
  readonly damaged: (key: string) => void;
}

/** Of changes that come together: what is lost with a killed process is as much as this. */
const WRITE_DELAY_MS = 50;
/** After which what could not be written is tried again. */
const RETRY_MS = 5000;
/** Passwords may be among them. */
const MODE = 0o600;
/** Lines that are out of date: as many as documents, and these. */
const SPARE_LINES = 1000;
/** Documents between which others have their turn. */
const AT_ONCE = 500;

export class GoodDocuments implements GoodMemory {
  readonly #options: GoodDocumentsOptions;
  /** Lines of the file as it was found. */
  readonly #before: Map<string, string>;
  /** Of the line of each document, as it is in the file. */
  readonly #digests: Map<string, string>;
  /** Undefined: to be forgotten. */
  readonly #pending = new Map<string, Resource | undefined>();
  #lineCount: number;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;
  #closed = false;

  private constructor(options: GoodDocumentsOptions, { newest, count }: GoodLines) {
    this.#options = options;
    this.#before = newest;
    this.#digests = new Map([...newest].map(([key, line]) => [key, digestOf(line)]));
    this.#lineCount = count;
  }

  /** What cannot be read, or is of another store, counts as nothing. */
  static async open(options: GoodDocumentsOptions): Promise<GoodDocuments> {
    const found = await readLines(options).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') options.problem(error.message);
      return nothing();
    });
    return new GoodDocuments(options, found);
  }

  keysBefore(): readonly string[] {
    return [...this.#before.keys()];
  }

  before(key: string): Resource | undefined {
    const line = this.#before.get(key);
    if (line === undefined) return undefined;
    const resource = resourceOf(line);
    if (resource === undefined) this.#options.damaged(key);
    return resource;
  }

  remember(resource: Resource): void {
    this.#note(formatResourceId(resourceIdOf(resource)), resource);
  }

  forget(key: string): void {
    this.#note(key, undefined);
  }

  settled(needed: ReadonlySet<string>): void {
    for (const key of this.#before.keys()) if (!needed.has(key)) this.#before.delete(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#begin();
    await this.#writing;
  }

  #note(key: string, resource: Resource | undefined): void {
    this.#before.delete(key);
    this.#pending.set(key, resource);
    this.#later();
  }

  #later(delayMs = WRITE_DELAY_MS): void {
    if (this.#closed) return;
    this.#timer ??= this.#options.clock.schedule(delayMs, () => this.#begin());
  }

  #begin(): void {
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const pending = new Map(this.#pending);
    this.#pending.clear();
    const changed = await this.#changedLines(pending);
    if (changed.size === 0) return;
    try {
      await mkdir(dirname(this.#options.path), { recursive: true });
      const count = this.#lineCount + changed.size;
      if (count > 2 * (this.#digests.size + changed.size) + SPARE_LINES) await this.#writeAnew(changed);
      else await this.#append(changed);
    } catch (error) {
      if (!this.#failed) this.#options.problem((error as Error).message);
      this.#failed = true;
      for (const [key, resource] of pending) if (!this.#pending.has(key)) this.#pending.set(key, resource);
      this.#later(RETRY_MS);
      return;
    }
    for (const [key, line] of changed) {
      if (line.startsWith('+')) this.#digests.set(key, digestOf(line));
      else this.#digests.delete(key);
    }
    if (this.#failed) this.#options.problem(undefined);
    this.#failed = false;
  }

  async #changedLines(
    pending: ReadonlyMap<string, Resource | undefined>,
  ): Promise<ReadonlyMap<string, string>> {
    const changed = new Map<string, string>();
    let looked = 0;
    for (const [key, resource] of pending) {
      if (++looked % AT_ONCE === 0) await setImmediate();
      const digest = this.#digests.get(key);
      if (resource === undefined && digest === undefined) continue;
      const line = resource === undefined ? forgottenLineOf(key) : goodLineOf(resource);
      if (resource === undefined || digest !== digestOf(line)) changed.set(key, line);
    }
    return changed;
  }

  /** Each line begins anew: the last one may have been cut off. */
  async #append(changed: ReadonlyMap<string, string>): Promise<void> {
    const lines = [...changed.values()];
    await appendFile(this.#options.path, `\n${lines.join('\n')}`, { mode: MODE });
    this.#lineCount += lines.length;
  }

  async #writeAnew(changed: ReadonlyMap<string, string>): Promise<void> {
    const { path, origin } = this.#options;
    const { newest } = await readLines(this.#options).catch(nothing);
    for (const line of changed.values()) noteGoodLine(newest, line);
    const next = `${path}.next`;
    await writeFile(next, [headOf(origin), ...newest.values()].join('\n'), { mode: MODE, flush: true });
    await rename(next, path);
    this.#lineCount = newest.size;
  }
}

/** Its count is infinite: the file is to be made anew. */
function nothing(): GoodLines {
  return { newest: new Map(), count: Number.POSITIVE_INFINITY };
}

/** @throws where the file cannot be read */
async function readLines({ path, origin }: GoodDocumentsOptions): Promise<GoodLines> {
  const content = await readFile(path, 'utf8');
  return content.split('\n', 1)[0] === headOf(origin) ? readGoodLines(content) : nothing();
}

function digestOf(line: string): string {
  return createHash('sha1').update(line).digest('base64url');
}

function resourceOf(line: string): Resource | undefined {
  try {
    const parsed = parseResource(documentOfLine(line));
    return parsed.kind === 'ok' ? parsed.resource : undefined;
  } catch {
    return undefined;
  }
}
