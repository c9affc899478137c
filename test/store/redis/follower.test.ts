/** Moments that a real Redis seldom meets: what happens between two questions of a follower. */
import test, { type ExecutionContext } from 'ava';
import { resourceIdOf } from '../../../core/resources/resource.js';
import { type ClusterMemory, clusterMemory } from '../../../store/redis/cluster-memory.js';
import type { LogEntry, SeenStore } from '../../../store/redis/commands.js';
import { type FollowedRedis, RedisFollower } from '../../../store/redis/follower.js';
import { chained, ORIGIN, type Position } from '../../../store/redis/history.js';
import { ResourceTable } from '../../../store/resource-table.js';
import { jsonText, type StoredText } from '../../../store/stored-document.js';
import { pool } from '../../agent/documents.js';
import { eventually } from '../../support/eventually.js';

type Question = 'look' | 'scan' | 'log';

/** A store that somebody else writes to just before a question is answered. */
class MomentousRedis implements FollowedRedis {
  /** One after the other, each once, before the answer to the next question of that kind. */
  readonly before: { readonly question: Question; readonly happens: () => void }[] = [];
  readonly asked: Question[] = [];
  readonly connection = {
    problem: undefined,
    unknown: 'no connection yet',
    ready: async () => true,
    again: () => {},
    close: () => {
      this.#closed = true;
    },
  };
  #head: Position = ORIGIN;
  #documents = new Map<string, StoredText>();
  #log: LogEntry[] = [];
  #closed = false;

  write(...names: readonly string[]): void {
    for (const name of names) {
      const resource = pool(name, '10.0.0.0/16');
      const { kind } = resourceIdOf(resource);
      const number = this.#head.revision + 1;
      const entry = { id: `${kind}/${name}`, revision: `${number}-mark`, document: jsonText(resource) };
      const chain = chained(this.#head.chain, entry);
      this.#log.push({ ...entry, number, chain });
      this.#documents.set(entry.id, entry);
      this.#head = { revision: number, chain, cluster: 'first' };
    }
  }

  empty(): void {
    this.#head = ORIGIN;
    this.#documents = new Map();
    this.#log = [];
  }

  trim(): void {
    this.#log = [];
  }

  async look(knownRevision: number): Promise<SeenStore> {
    await this.#happens('look');
    const chainAtKnown = this.#log.find(({ number }) => number === knownRevision)?.chain;
    const head = this.#head;
    return { knownRevision, head, chainAtKnown, isPrimary: true, copiesThere: 0, copiesKnown: 0 };
  }

  async *scan(): AsyncGenerator<readonly (readonly [string, StoredText])[]> {
    await this.#happens('scan');
    yield [...this.#documents];
  }

  async log(after: number): Promise<readonly LogEntry[]> {
    await this.#happens('log');
    return this.#log.filter(({ number }) => number > after);
  }

  async #happens(question: Question): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, 1));
    if (this.#closed) throw new Error('closed');
    this.asked.push(question);
    if (this.before[0]?.question === question) this.before.shift()!.happens();
  }
}

function follow(t: ExecutionContext, redis: MomentousRedis, memory: ClusterMemory = clusterMemory()) {
  const table = new ResourceTable();
  const follower = new RedisFollower(redis, table, memory);
  const told = new Set<string>();
  const taken = new Set<string>();
  const watching = new AbortController();
  let away: string | undefined;
  const watched = (async () => {
    for await (const events of table.watch(watching.signal)) {
      for (const event of events) {
        if (event.kind === 'changed') told.add(event.stored.resource.metadata.name);
        if (event.kind === 'deleted') taken.add(event.id.name);
        if (event.kind === 'unavailable') away = event.detail;
      }
    }
  })();
  follower.start();
  t.teardown(async () => {
    await follower.close();
    watching.abort();
    await watched;
  });
  const names = () => table.list().map(({ resource }) => resource.metadata.name);
  return {
    told,
    taken,
    memory,
    away: () => away,
    knows: async (...wanted: readonly string[]) => {
      const isSo = () => names().toSorted().join() === wanted.join();
      t.true(await eventually(isSo, 20_000), `${names()} instead of ${wanted}`);
    },
  };
}

test('first writes that come while an empty store is read: it is known by its name, and emptied it is away', async t => {
  const redis = new MomentousRedis();
  redis.before.push(
    { question: 'scan', happens: () => redis.write('a', 'b') },
    { question: 'log', happens: () => {} },
    { question: 'log', happens: () => {} },
    // The first one of those who wait for changes.
    { question: 'log', happens: () => redis.empty() },
  );
  const { knows, memory, away, taken } = follow(t, redis);
  await knows('a', 'b');
  t.is(memory.cluster, 'first');
  t.true(await eventually(() => /it is empty, and held cluster first/.test(away() ?? ''), 20_000), away());
  await knows('a', 'b');
  t.deepEqual([...taken], []);
});

test('first writes that come to a follower of an empty store, emptied before it asked for the name: nothing is told', async t => {
  const redis = new MomentousRedis();
  const { memory, knows, told } = follow(t, redis);
  t.true(await eventually(() => redis.asked.length > 10));
  redis.before.push(
    { question: 'log', happens: () => redis.write('a') },
    { question: 'look', happens: () => redis.empty() },
  );
  t.true(await eventually(() => redis.before.length === 0));
  redis.asked.splice(0);
  t.true(await eventually(() => redis.asked.length > 20));
  t.deepEqual([...told], []);
  t.is(memory.cluster, '');
  redis.write('c');
  await knows('c');
});

test('emptied while all of it is read anew, it is away: nothing is taken back', async t => {
  const redis = new MomentousRedis();
  redis.write('a', 'b', 'c');
  const { knows, away, taken } = follow(t, redis);
  await knows('a', 'b', 'c');
  redis.before.push({ question: 'scan', happens: () => redis.empty() });
  redis.write('d');
  redis.trim();
  t.true(await eventually(() => redis.before.length === 0, 20_000), 'it is read anew');
  t.true(await eventually(() => /it is empty, and held/.test(away() ?? ''), 20_000), away());
  await knows('a', 'b', 'c');
  t.deepEqual([...taken], []);
});
