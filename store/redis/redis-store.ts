/**
 * SHELL: the cluster's store: documents and records in a Redis, one script for each write, a log that every agent follows. One connection
 * follows the log, another one carries everything else.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  formatResourceId,
  isRecord,
  type Resource,
  type ResourceId,
  type ResourceKind,
  resourceIdOf,
} from '../../core/resources/resource.js';
import type { Revision, Store, StoredResource, StoreResult, WatchEvent, WriteOptions } from '../port.js';
import { ResourceTable } from '../resource-table.js';
import { failure, type StoreFailure, unavailable } from '../results.js';
import { jsonText, readDocument, type StoredText } from '../stored-document.js';
import { checkRedis, type StoreCheck } from './check.js';
import { type ClusterMemory, clusterMemory } from './cluster-memory.js';
import {
  type Operation,
  RedisCommands,
  type RedisLimits,
  type SeenStore,
  usualLimits,
  type Write,
  type Written,
} from './commands.js';
import { RedisConnection, type RedisServer } from './connection.js';
import { neededCopies } from './copies.js';
import { RedisFollower } from './follower.js';
import { keysOf } from './keys.js';

export interface RedisStoreOptions {
  readonly server: RedisServer;
  readonly keyPrefix: string;
  /** What its connections are called in `CLIENT LIST`. */
  readonly name: string;
  /** Which must have a claim beside the primary. */
  readonly copies: number | 'auto';
  readonly limits?: Partial<RedisLimits>;
  readonly memory?: ClusterMemory;
  /** What a store that is empty is called with the first write; by default a new name. */
  readonly newCluster?: string;
}

/** At the start, and for a list: until the table has what the store had when it was asked. */
const PATIENCE_MS = 3000;
/** For which what was seen of the copies counts. */
const LOOK_AGE_MS = 1000;

export class RedisStore implements Store {
  readonly #options: RedisStoreOptions;
  readonly #commands: RedisCommands;
  readonly #table = new ResourceTable();
  readonly #follower: RedisFollower;
  readonly #newCluster: string;
  #looked: { readonly seen: SeenStore; readonly atMs: number } | undefined;
  /** The copies that are there were seen after a write: before the first one there is nothing to keep their number in. */
  #sawCopies = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    const { server, keyPrefix, name, memory = clusterMemory() } = options;
    const limits = { ...usualLimits, ...options.limits };
    this.#newCluster = options.newCluster ?? randomUUID();
    const keys = keysOf(keyPrefix);
    this.#commands = new RedisCommands(new RedisConnection(server, name), keys, limits);
    const following = new RedisCommands(new RedisConnection(server, `${name}-watch`), keys, limits);
    this.#follower = new RedisFollower(following, this.#table, memory);
  }

  async list(kind?: ResourceKind): Promise<StoreResult<readonly StoredResource[]>> {
    return this.#answer('list', async () => {
      if (kind !== undefined && isRecord(kind)) return { kind: 'ok', value: await this.#records(kind) };
      this.#follower.start();
      const seen = await this.#look();
      this.#follower.doubt(seen);
      if (!(await this.#follower.reached(seen.head.revision, PATIENCE_MS)))
        throw new Error(`its changes were not read within ${PATIENCE_MS / 1000} s`);
      return { kind: 'ok', value: this.#table.list(kind) };
    });
  }

  async get(id: ResourceId, options: WriteOptions = {}): Promise<StoreResult<StoredResource>> {
    return this.#answer('get', async () => {
      const copies = options.replicated === true ? await this.#copies() : 0;
      const text = await this.#commands.get(recordKind(id), formatResourceId(id));
      if (copies > 0) enough(await this.#commands.copied(copies), copies);
      const found = text === undefined ? undefined : this.#usable(id, text);
      return found === undefined ? failure({ kind: 'not-found', id }) : { kind: 'ok', value: found };
    });
  }

  create(resource: Resource, options?: WriteOptions): Promise<StoreResult<StoredResource>> {
    return this.#put('create', resource, undefined, options);
  }

  update(
    resource: Resource,
    expected: Revision,
    options?: WriteOptions,
  ): Promise<StoreResult<StoredResource>> {
    return this.#put('update', resource, expected, options);
  }

  async delete(id: ResourceId, expected?: Revision, options?: WriteOptions): Promise<StoreResult<undefined>> {
    const result = await this.#write('delete', id, '', expected, options);
    return typeof result === 'string' ? { kind: 'ok', value: undefined } : result;
  }

  async remind(claimant: string, work: () => Promise<void>): Promise<StoreResult<undefined>> {
    const term = await this.#answer('write back', async () => ({
      kind: 'ok',
      value: await this.#commands.term(),
    }));
    if (term.kind === 'error') return term;
    await work();
    return await this.#answer('write back', async () => {
      if (await this.#commands.isBack(claimant, term.value)) return { kind: 'ok', value: undefined };
      throw new Error('another primary took over meanwhile');
    });
  }

  /**
   * Before it is filled from elsewhere: what it is given may be older than what so many hosts hold, and who comes first is not to claim what others
   * have.
   * @throws where it cannot be written
   */
  async expectClaimants(count: number): Promise<void> {
    await this.#commands.connection.ready(PATIENCE_MS);
    await this.#commands.expectClaimants(count);
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly WatchEvent[]> {
    this.#follower.start();
    return this.#table.watch(signal);
  }

  /** What does not fit together in it, each in words; it is being written to meanwhile, or not. @throws where it cannot be read */
  async check(): Promise<StoreCheck> {
    await this.#commands.connection.ready(PATIENCE_MS);
    return await checkRedis(this.#commands);
  }

  async close(): Promise<void> {
    this.#commands.connection.close();
    await this.#follower.close();
  }

  // ---------------------------------------------------------------- reading

  async #records(kind: ResourceKind): Promise<readonly StoredResource[]> {
    const found = new Map<string, StoredResource>();
    for await (const part of this.#commands.scan(kind)) {
      for (const [field, text] of part) {
        const read = readDocument(field, text);
        if (read.kind === 'ok') found.set(field, read.stored);
      }
    }
    return [...found.values()];
  }

  /** One that cannot be used is what it was before, or nothing. */
  #usable(id: ResourceId, text: StoredText): StoredResource | undefined {
    const read = readDocument(formatResourceId(id), text);
    if (read.kind === 'ok') return read.stored;
    const before = isRecord(id.kind) ? undefined : this.#table.get(id);
    return before === undefined ? undefined : { ...before, lastGood: true };
  }

  async #look(): Promise<SeenStore> {
    const seen = await this.#commands.look(this.#follower.revision);
    this.#looked = { seen, atMs: performance.now() };
    return seen;
  }

  // ---------------------------------------------------------------- writing

  async #put(
    operation: 'create' | 'update',
    resource: Resource,
    expected: Revision | undefined,
    options: WriteOptions | undefined,
  ): Promise<StoreResult<StoredResource>> {
    const id = resourceIdOf(resource);
    const result = await this.#write(operation, id, jsonText(resource), expected, options);
    if (typeof result !== 'string') return result;
    return { kind: 'ok', value: { resource, revision: result } };
  }

  /** The new revision. */
  async #write(
    operation: Operation,
    id: ResourceId,
    document: string,
    expected: Revision | undefined,
    { replicated = false, claimant }: WriteOptions = {},
  ): Promise<Revision | StoreFailure> {
    try {
      await this.#commands.connection.ready(PATIENCE_MS);
      const mark = randomBytes(6).toString('hex');
      const write = {
        operation,
        id: formatResourceId(id),
        expected,
        document,
        mark,
        records: recordKind(id),
        claimant,
      };
      const copies = replicated ? await this.#copies() : 0;
      const written = await this.#send(write, copies);
      await this.#seeCopies();
      const ruined = await this.#ruined(id, written, expected);
      if (ruined === undefined) return refusal(id, expected, written, copies);
      const again = await this.#send({ ...write, operation: replacing(operation), expected: ruined }, copies);
      return refusal(id, expected, again, copies);
    } catch (error) {
      return unavailable(operation, error);
    }
  }

  async #seeCopies(): Promise<void> {
    if (this.#sawCopies) return;
    this.#sawCopies = true;
    // What was written stays written.
    await this.#look().catch(() => (this.#sawCopies = false));
  }

  #send(write: Write, copies: number): Promise<Written> {
    return this.#commands.write(write, this.#follower.cluster, this.#newCluster, copies);
  }

  /**
   * The revision of what stands in the way, if nobody can use it: it may be replaced by who knows what it was before, or by anybody where
   * nobody does.
   */
  async #ruined(
    id: ResourceId,
    written: Written,
    expected: Revision | undefined,
  ): Promise<Revision | undefined> {
    if (written.kind !== 'already-exists' && written.kind !== 'conflict') return undefined;
    const text = await this.#commands.get(recordKind(id), formatResourceId(id));
    if (text === undefined || readDocument(formatResourceId(id), text).kind === 'ok') return undefined;
    return this.#table.get(id)?.revision === expected ? text.revision : undefined;
  }

  /** That a claim needs. @throws where fewer are there */
  async #copies(): Promise<number> {
    await this.#commands.connection.ready(PATIENCE_MS);
    const fresh = this.#looked !== undefined && performance.now() - this.#looked.atMs < LOOK_AGE_MS;
    const seen = fresh ? this.#looked!.seen : await this.#look();
    if (seen.copiesThere > seen.copiesKnown) {
      await this.#commands.keepCopies(seen.copiesThere);
      this.#looked = undefined;
    }
    const needed = neededCopies(this.#options.copies, Math.max(seen.copiesKnown, seen.copiesThere));
    if (!seen.isPrimary) {
      this.#commands.connection.again();
      throw new Error('connected to a replica: there is no primary, or it is not known yet');
    }
    if (seen.copiesThere < needed) {
      this.#looked = undefined;
      throw new Error(
        `${seen.copiesThere} of the ${needed} copies that a claim needs are there: none is made`,
      );
    }
    return needed;
  }

  async #answer<T>(operation: string, ask: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
    try {
      await this.#commands.connection.ready(PATIENCE_MS);
      return await ask();
    } catch (error) {
      return unavailable(operation, error);
    }
  }
}

function recordKind({ kind }: ResourceId): ResourceKind | undefined {
  return isRecord(kind) ? kind : undefined;
}

function replacing(operation: Operation): Operation {
  return operation === 'create' ? 'update' : operation;
}

/** @throws where it is not known to be on enough copies */
function refusal(
  id: ResourceId,
  expected: Revision | undefined,
  written: Written,
  copies: number,
): Revision | StoreFailure {
  switch (written.kind) {
    case 'ok':
      if (copies > 0) enough(written.copies ?? 0, copies);
      return written.revision;
    case 'already-exists':
      return failure({ kind: 'already-exists', id });
    case 'not-found':
      return failure({ kind: 'not-found', id });
    case 'conflict':
      return failure({ kind: 'conflict', id, expected: expected ?? '', found: written.found });
    case 'remind': {
      const detail = 'it takes no new claim of a host that has not written back what it holds';
      return failure({ kind: 'unavailable', operation: 'claim', detail, reminder: true });
    }
    case 'settling':
      throw new Error(settlingWords(written));
    case 'other-cluster':
      throw new Error(
        written.found === ''
          ? 'it is empty, and was not: nothing is written to it'
          : `it holds cluster ${written.found}, another one than before: nothing is written to it`,
      );
  }
}

function settlingWords({ awaited, seconds }: Extract<Written, { readonly kind: 'settling' }>): string {
  const who =
    awaited === 1
      ? '1 host has not written back yet what it holds'
      : `${awaited} hosts have not written back yet what they hold`;
  return `it may have forgotten something, and ${who}: new claims are taken when that is done, or in ${seconds} s`;
}

function enough(there: number, needed: number): void {
  if (there < needed) throw new Error(`on ${there} of the ${needed} copies that a claim needs`);
}
