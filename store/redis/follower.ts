/**
 * SHELL: follows a Redis store's log into a table: a snapshot first, then every change in its order. Whatever comes between (a lost
 * connection, a new primary, a log that was trimmed, a reader that was too slow) it finds its place again or reads all of it anew, and the
 * table changes by the difference alone. What is decided is decided in `history.ts`.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type ResourceId, resourceIdOf } from '../../core/resources/resource.js';
import type { InvalidDocument } from '../port.js';
import type { ResourceTable } from '../resource-table.js';
import { readDocument, type StoredText } from '../stored-document.js';
import type { ClusterMemory } from './cluster-memory.js';
import { type LogEntry, type RedisCommands, revisionNumber, type SeenStore } from './commands.js';
import type { RedisConnection } from './connection.js';
import { chained, ORIGIN, type Position, resume } from './history.js';

/** How long a quiet log is waited for before the store is looked at: half of it to the whole. */
const BLOCK_MS = 10_000;
/** Between tries of what the connection itself does not try again. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const CONNECT_PATIENCE_MS = 2000;
/** Over which those who must read everything again spread. */
const SPREAD_MS = 5000;
/** Documents between which others have their turn. */
const AT_ONCE = 500;

/** What it asks of Redis. */
export type FollowedRedis = Pick<RedisCommands, 'look' | 'log' | 'scan'> & {
  readonly connection: Pick<RedisConnection, 'ready' | 'problem' | 'unknown' | 'again' | 'close'>;
};

export class RedisFollower {
  readonly #commands: FollowedRedis;
  readonly #table: ResourceTable;
  readonly #memory: ClusterMemory;
  readonly #ending = new AbortController();
  readonly #invalid = new Map<string, InvalidDocument>();
  /** By field: its revision, and what is in the table of it. */
  readonly #known = new Map<string, { readonly revision: string; readonly id: ResourceId | undefined }>();
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  #invalidChanged = false;
  #position: Position | undefined;
  #inSync = false;
  /** What the log says cannot be what led here. */
  #strayed = false;
  /** An entry that comes next is not in the log, although those around it are. */
  #gap = false;
  #running: Promise<void> | undefined;

  constructor(commands: FollowedRedis, table: ResourceTable, memory: ClusterMemory) {
    this.#commands = commands;
    this.#table = table;
    this.#memory = memory;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#commands.connection.close();
    await this.#running;
  }

  /** "": none is known. */
  get cluster(): string {
    return this.#position?.cluster || this.#memory.cluster;
  }

  /** Up to which revision the table is. */
  get revision(): number {
    return this.#position?.revision ?? 0;
  }

  /** Looks for the place anew where the store, seen with {@link revision} as it still is, went on from elsewhere. */
  doubt(seen: SeenStore): void {
    const known = this.#position;
    if (known === undefined || known.revision !== seen.knownRevision) return;
    const found = resume(known, this.#memory.cluster, seen);
    if (found.kind === 'continue' || (found.kind === 'snapshot' && !found.forked)) return;
    this.#inSync = false;
    this.#commands.connection.again();
  }

  /** Resolves to true once everything up to a revision is in the table, to false after the time. */
  async reached(revision: number, patienceMs: number): Promise<boolean> {
    const isThere = () => this.#inSync && (this.#position?.revision ?? -1) >= revision;
    if (isThere()) return true;
    await new Promise<void>(resolve => {
      const waiter = { revision, resolve: () => done() };
      const timer = globalThis.setTimeout(() => done(), patienceMs);
      const done = () => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter(other => other !== waiter);
        resolve();
      };
      this.#waiting.push(waiter);
    });
    return isThere();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#connected();
        await this.#findPlace();
        failures = 0;
        await this.#follow();
      } catch (error) {
        if (signal.aborted) return;
        this.#inSync = false;
        this.#table.unavailable((error as Error).message);
        const pause = Math.min(RETRY_MS * 2 ** failures++, LONGEST_RETRY_MS) * (0.5 + Math.random());
        await this.#pause(pause);
      }
    }
  }

  async #connected(): Promise<void> {
    const { connection } = this.#commands;
    while (!this.#ending.signal.aborted && !(await connection.ready(CONNECT_PATIENCE_MS))) {
      this.#inSync = false;
      this.#table.unavailable(connection.problem ?? connection.unknown);
    }
  }

  async #findPlace(): Promise<void> {
    const seen = await this.#commands.look(this.#position?.revision ?? 0);
    if (!seen.isPrimary) {
      this.#commands.connection.again();
      throw new Error('connected to a replica: there is no primary, or it is not known yet');
    }
    const found = resume(this.#position, this.#memory.cluster, seen);
    switch (found.kind) {
      case 'emptied':
        throw new Error(
          `it is empty, and held cluster ${this.cluster} before: what was read from it stays in force`,
        );
      case 'other-cluster':
        throw new Error(`it holds cluster ${found.cluster}, not ${this.cluster} as before`);
      case 'snapshot':
        await this.#readAll(seen.head, found.forked || this.#strayed);
        return;
      case 'continue':
        if (this.#strayed || this.#gap) await this.#readAll(seen.head, this.#strayed);
        else this.#isAt({ ...(this.#position ?? seen.head), cluster: seen.head.cluster }, false);
    }
  }

  /** Until the place is lost, or is to be looked for: nothing was heard for long. */
  async #follow(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const block = Math.round(BLOCK_MS * (0.5 + Math.random() / 2));
      const entries = await this.#commands.log(this.#position?.revision ?? 0, block);
      if (entries.length === 0 || !(await this.#knowsCluster())) return;
      for (const entry of entries) if (!this.#apply(entry)) return;
      this.#tellInvalid();
      this.#wake();
    }
  }

  /** A store that was empty has its name with the first write: nothing is taken from one whose loss would not be noticed. */
  async #knowsCluster(): Promise<boolean> {
    if (this.#position?.cluster !== '') return true;
    const { head } = await this.#commands.look(0);
    this.#position = { ...this.#position, cluster: head.cluster };
    if (head.cluster !== '') this.#memory.remember(head.cluster);
    return head.cluster !== '';
  }

  /** False if it does not follow from where we are. */
  #apply(entry: LogEntry): boolean {
    const { revision, chain, cluster } = this.#position ?? ORIGIN;
    if (entry.number !== revision + 1) {
      this.#gap = true;
      return false;
    }
    if (chained(chain, entry) !== entry.chain) {
      this.#strayed = true;
      return false;
    }
    if (entry.document === '') this.#forget(entry.id);
    else this.#learn(entry.id, entry);
    this.#position = { revision: entry.number, chain: entry.chain, cluster };
    return true;
  }

  /** What stands in the log behind the head may be in the scan already: the newer revision counts. */
  async #readAll(head: Position, forked: boolean): Promise<void> {
    // Others begin anew at the same time; what is known here stays in force meanwhile.
    if (this.#position !== undefined) await this.#pause(Math.random() * SPREAD_MS);
    const found = new Map<string, StoredText>();
    for await (const part of this.#commands.scan(undefined))
      for (const [id, text] of part) found.set(id, text);
    let position = head;
    for (;;) {
      const entries = await this.#commands.log(position.revision, 0);
      if (entries.length === 0) break;
      for (const entry of entries) {
        if (entry.number !== position.revision + 1) throw new Error(gapWords(entry, position.revision + 1));
        const known = found.get(entry.id);
        if (known === undefined || revisionNumber(known.revision) < entry.number) {
          if (entry.document === '') found.delete(entry.id);
          else found.set(entry.id, entry);
        }
        position = { ...position, revision: entry.number, chain: entry.chain };
      }
    }
    const { cluster } = await this.#confirmed(position);
    await this.#replaceAll(found);
    this.#isAt({ ...position, cluster }, forked);
  }

  /**
   * What was read is one history's, and that of the store as it still is; its cluster, which has no name before the first write.
   * @throws where it was emptied, or another one came, while it was read
   */
  async #confirmed(read: Position): Promise<Position> {
    if (read.revision === 0) return read;
    const seen = await this.#commands.look(read.revision);
    const cluster = read.cluster === '' ? seen.head.cluster : read.cluster;
    if (cluster === '' || resume({ ...read, cluster }, this.#memory.cluster, seen).kind !== 'continue')
      throw new Error('it was emptied, or went back, or became another one while it was read');
    return { ...read, cluster };
  }

  #isAt(position: Position, forked: boolean): void {
    if (position.cluster !== '') this.#memory.remember(position.cluster);
    this.#position = position;
    this.#strayed = false;
    this.#gap = false;
    this.#inSync = true;
    this.#table.loaded(forked);
    this.#wake();
  }

  async #replaceAll(found: ReadonlyMap<string, StoredText>): Promise<void> {
    for (const field of [...this.#known.keys()]) if (!found.has(field)) this.#forget(field);
    let looked = 0;
    for (const [field, text] of found) {
      if (++looked % AT_ONCE === 0) await setImmediate();
      if (this.#known.get(field)?.revision !== text.revision) this.#learn(field, text);
    }
    this.#tellInvalid();
  }

  /** What cannot be used leaves in force what was there before it. */
  #learn(field: string, text: StoredText): void {
    const read = readDocument(field, text);
    if (read.kind === 'invalid') {
      const id = this.#known.get(field)?.id;
      this.#known.set(field, { revision: text.revision, id });
      this.#invalid.set(field, { ...read.invalid, id: read.invalid.id ?? id });
      this.#invalidChanged = true;
      return;
    }
    this.#known.set(field, { revision: text.revision, id: resourceIdOf(read.stored.resource) });
    if (this.#invalid.delete(field)) this.#invalidChanged = true;
    this.#table.set(read.stored);
  }

  #forget(field: string): void {
    const id = this.#known.get(field)?.id;
    this.#known.delete(field);
    if (this.#invalid.delete(field)) this.#invalidChanged = true;
    if (id !== undefined) this.#table.delete(id);
  }

  #tellInvalid(): void {
    if (this.#invalidChanged) this.#table.setInvalid([...this.#invalid.values()]);
    this.#invalidChanged = false;
  }

  #wake(): void {
    const { revision } = this.#position ?? ORIGIN;
    for (const waiter of this.#waiting.filter(one => one.revision <= revision)) waiter.resolve();
  }

  async #pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: this.#ending.signal }).catch(() => {});
  }
}

function gapWords({ number, chain }: LogEntry, expected: number): string {
  return chain === ''
    ? `its log has an entry ${number} of somebody else's: it goes with the next write of a document`
    : `its log goes on with ${number}, not ${expected}: it was trimmed while the documents were read`;
}
