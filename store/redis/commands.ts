/** SHELL: what is asked of Redis, and how its answers read. Every method throws with the reason in words where there is no answer. */
import type { ChainableCommander } from 'ioredis';
import type { ResourceKind } from '../../core/resources/resource.js';
import type { StoredText } from '../stored-document.js';
import type { RedisConnection } from './connection.js';
import type { SeenHistory } from './history.js';
import type { Keys } from './keys.js';
import {
  CLAIMANT_SCRIPT,
  COPIES_SCRIPT,
  EXPECT_SCRIPT,
  HISTORY_SCRIPT,
  NOTE_COPIES_SCRIPT,
  RECORD_SCRIPT,
  WRITE_SCRIPT,
} from './scripts.js';

export type Operation = 'create' | 'update' | 'delete';

export interface Write {
  readonly operation: Operation;
  readonly id: string;
  /** Undefined: whatever is there. */
  readonly expected: string | undefined;
  /** "" for a deletion. */
  readonly document: string;
  /** This write's own. */
  readonly mark: string;
  /** Undefined: one of documents. */
  readonly records: ResourceKind | undefined;
  /** Who claims something new by a record. */
  readonly claimant: string | undefined;
}

export type Written =
  | { readonly kind: 'ok'; readonly revision: string; readonly copies: number | undefined }
  | { readonly kind: 'already-exists' | 'conflict'; readonly found: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'other-cluster'; readonly found: string }
  /** The claimant has to remind it first. */
  | { readonly kind: 'remind' }
  /** Others have to. */
  | { readonly kind: 'settling'; readonly awaited: number; readonly seconds: number };

export interface LogEntry extends StoredText {
  readonly number: number;
  readonly id: string;
  readonly chain: string;
}

export interface SeenStore extends SeenHistory {
  /** Of the client that looked. */
  readonly knownRevision: number;
  /** It takes writes. */
  readonly isPrimary: boolean;
  readonly copiesThere: number;
  /** The most that there ever were. */
  readonly copiesKnown: number;
}

const TIMEOUT_MS = 5000;
/** For which Redis waits for the copies of a write. */
const COPIES_TIMEOUT_MS = 1500;
/** Documents of one step of a scan. */
const SCAN_COUNT = 500;
const LOG_COUNT = 500;

export interface RedisLimits {
  /** Entries that the log keeps at least. */
  readonly logLength: number;
  /** After which new claims are taken although not all claimants are back. */
  readonly settleSeconds: number;
}

/** The log: of a client that was away this long a whole snapshot is spared: at ten changes a second a quarter of an hour. */
export const usualLimits: RedisLimits = { logLength: 10_000, settleSeconds: 30 };

export class RedisCommands {
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #limits: RedisLimits;

  constructor(connection: RedisConnection, keys: Keys, limits: RedisLimits) {
    this.#connection = connection;
    this.#keys = keys;
    this.#limits = limits;
  }

  get connection(): RedisConnection {
    return this.#connection;
  }

  /**
   * @param cluster the one that it must be; "": any
   * @param newCluster what an empty store is called from now on
   * @param copies that must have it, too; how many do is told with the revision
   */
  async write(write: Write, cluster: string, newCluster: string, copies: number): Promise<Written> {
    const { operation, id, expected = '', document, mark, records } = write;
    const words = [operation, id, expected, document, mark, cluster, newCluster];
    const { head, documents, log } = this.#keys;
    const [answer, there] = await this.#pipeline(pipeline => {
      if (records === undefined) {
        pipeline.eval(WRITE_SCRIPT, 3, head, documents, log, ...words, this.#limits.logLength);
      } else {
        const { claimants } = this.#keys;
        const claim = [write.claimant ?? '', this.#limits.settleSeconds];
        pipeline.eval(RECORD_SCRIPT, 3, head, this.#keys.records(records), claimants, ...words, ...claim);
      }
      if (copies > 0) pipeline.wait(copies, COPIES_TIMEOUT_MS);
    });
    return writtenOf(answer as [string, string], copies > 0 ? (there as number) : undefined);
  }

  /** That what was read is on that many copies, too: a write of nothing, waited for. */
  async copied(copies: number): Promise<number> {
    const [, there] = await this.#pipeline(pipeline => {
      pipeline.eval(COPIES_SCRIPT, 1, this.#keys.head, 0);
      pipeline.wait(copies, COPIES_TIMEOUT_MS);
    });
    return there as number;
  }

  /** Of the claimants, as it is now: another one with each primary. */
  async term(): Promise<string> {
    return await this.#claimants('', '');
  }

  /** False: another term has begun. */
  async isBack(claimant: string, term: string): Promise<boolean> {
    return (await this.#claimants(claimant, term)) === 'back';
  }

  /** Where nobody has claimed anything yet, so many are waited for. */
  async expectClaimants(count: number): Promise<void> {
    await this.#pipeline(pipeline => pipeline.eval(EXPECT_SCRIPT, 1, this.#keys.claimants, count));
  }

  /** Keeps how many copies there are, if that is more than ever. */
  async keepCopies(copies: number): Promise<void> {
    await this.#pipeline(pipeline => pipeline.eval(COPIES_SCRIPT, 1, this.#keys.head, copies));
  }

  async get(records: ResourceKind | undefined, id: string): Promise<StoredText | undefined> {
    const key = records === undefined ? this.#keys.documents : this.#keys.records(records);
    const [found] = await this.#pipeline(pipeline => pipeline.hget(key, id));
    return found === null ? undefined : storedText(found as string);
  }

  /** Everything of a hash, a part at a time; what changes meanwhile may be told as it was or as it is. */
  async *scan(records: ResourceKind | undefined): AsyncGenerator<readonly (readonly [string, StoredText])[]> {
    const key = records === undefined ? this.#keys.documents : this.#keys.records(records);
    for (let cursor = '0'; ; ) {
      const [reply] = await this.#pipeline(pipeline => pipeline.hscan(key, cursor, 'COUNT', SCAN_COUNT));
      const [next, flat] = reply as [string, string[]];
      const part: (readonly [string, StoredText])[] = [];
      for (let i = 0; i < flat.length; i += 2) part.push([flat[i]!, storedText(flat[i + 1]!)]);
      yield part;
      if (next === '0') return;
      cursor = next;
    }
  }

  /**
   * The store as it is, seen by a client that knows it up to a revision. How many copies it has is kept, where that is more than ever: whoever claims
   * something later must know of them, also while they are not there.
   */
  async look(knownRevision: number): Promise<SeenStore> {
    const { head, log } = this.#keys;
    const [history, role] = await this.#pipeline(pipeline => {
      pipeline.eval(HISTORY_SCRIPT, 2, head, log, knownRevision);
      pipeline.role();
    });
    const [revision, chain, cluster, copies, chainAtKnown] = history as [
      string,
      string,
      string,
      string,
      string,
    ];
    const [part, , replicas] = role as [string, unknown, unknown];
    const isPrimary = part === 'master';
    const copiesThere = isPrimary && Array.isArray(replicas) ? replicas.length : 0;
    // Nothing is written to a Redis that may be a stranger's.
    if (copiesThere > Number(copies) && cluster !== '')
      await this.#pipeline(pipeline => pipeline.eval(NOTE_COPIES_SCRIPT, 1, head, copiesThere));
    return {
      knownRevision,
      head: { revision: Number(revision), chain, cluster },
      chainAtKnown: chainAtKnown === '' ? undefined : chainAtKnown,
      isPrimary,
      copiesThere,
      copiesKnown: Number(copies),
    };
  }

  /** Entries behind a revision. @param blockMs how long to wait for the first one; 0: none is waited for */
  async log(after: number, blockMs: number): Promise<readonly LogEntry[]> {
    const { log } = this.#keys;
    const reply = await this.#connection.ask(TIMEOUT_MS + blockMs, client =>
      blockMs === 0
        ? client.xread('COUNT', LOG_COUNT, 'STREAMS', log, `${after}-0`)
        : client.xread('COUNT', LOG_COUNT, 'BLOCK', blockMs, 'STREAMS', log, `${after}-0`),
    );
    const entries = reply?.[0]?.[1] ?? [];
    return entries.map(([id, fields]) => logEntry(id, fields));
  }

  async #claimants(claimant: string, term: string): Promise<string> {
    const words = [this.#limits.settleSeconds, claimant, term];
    const [answer] = await this.#pipeline(pipeline =>
      pipeline.eval(CLAIMANT_SCRIPT, 1, this.#keys.claimants, ...words),
    );
    return answer as string;
  }

  async #pipeline(add: (pipeline: ChainableCommander) => unknown): Promise<readonly unknown[]> {
    const replies = await this.#connection.ask(TIMEOUT_MS, async client => {
      const pipeline = client.pipeline();
      add(pipeline);
      const results = (await pipeline.exec()) ?? [];
      const failed = results.find(([error]) => error !== null);
      if (failed !== undefined) throw failed[0]!;
      return results;
    });
    return replies.map(([, value]) => value);
  }
}

function writtenOf([kind, text]: [string, string], copies: number | undefined): Written {
  switch (kind) {
    case 'ok':
      return { kind, revision: text, copies };
    case 'not-found':
      return { kind };
    case 'already-exists':
    case 'conflict':
    case 'other-cluster':
      return { kind, found: text };
    case 'remind':
      return { kind };
    case 'settling': {
      const [awaited, seconds] = text.split(' ').map(Number);
      return { kind, awaited: awaited!, seconds: seconds! };
    }
    default:
      throw new Error(`Redis answered ${JSON.stringify(kind)} to a write`);
  }
}

/** What somebody else has put there may have no line feed: the script that compares takes all of it for the revision. */
function storedText(text: string): StoredText {
  const end = text.indexOf('\n');
  if (end < 0) return { revision: text, document: '' };
  return { revision: text.slice(0, end), document: text.slice(end + 1) };
}

/** The number in front of a revision. */
export function revisionNumber(revision: string): number {
  return Number.parseInt(revision, 10);
}

function logEntry(entryId: string, fields: readonly string[]): LogEntry {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  const text = (name: string) => values.get(name) ?? '';
  return {
    number: revisionNumber(entryId),
    id: text('id'),
    revision: text('revision'),
    document: text('document'),
    chain: text('chain'),
  };
}
