/**
 * The primary killed under load, with copies that have everything and with copies that lag: what was acknowledged as a claim is never lost, and
 * everybody who watches ends with what the store holds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { IPAMHandleResource } from '../../../core/resources/cluster-documents.js';
import { formatResourceId, MARGAY_API, resourceIdOf } from '../../../core/resources/resource.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { pool } from '../../agent/documents.js';
import { eventually } from '../../support/eventually.js';
import {
  closing,
  clusterRedis,
  copiesOf,
  holdCopies,
  type RedisLab,
  sentinelRedis,
} from '../../support/redis-lab.js';
import { StoreWatcher } from '../../support/store-watcher.js';

const PREFIX = 'failover';
const WRITERS = 3;
const WATCHERS = 4;

const kinds: Readonly<Record<string, () => Promise<RedisLab>>> = {
  Sentinels: sentinelRedis,
  'a Redis Cluster': () => clusterRedis(PREFIX),
};

function openStore(t: ExecutionContext, lab: RedisLab): RedisStore {
  const store = new RedisStore({ server: lab.server, keyPrefix: PREFIX, name: 'failover', copies: 'auto' });
  t.teardown(() => store.close());
  return store;
}

/** Writes a document and a record of its own again and again, each with the number of the write in it. */
class Writer {
  readonly name: string;
  /** The last write that was acknowledged as being on copies. */
  claimed = 0;
  writes = 0;
  #ended = false;
  readonly #running: Promise<void>;
  readonly #store: RedisStore;

  constructor(store: RedisStore, name: string) {
    this.#store = store;
    this.name = name;
    this.#running = this.#run();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const number = ++this.writes;
      const document = { ...pool(this.name, '10.0.0.0/16'), metadata: metadata(this.name, number) };
      await this.#put(document, false);
      if (await this.#put(record(this.name, number), true)) this.claimed = number;
      await sleep(2);
    }
  }

  async #put(resource: Parameters<RedisStore['create']>[0], replicated: boolean): Promise<boolean> {
    const found = await this.#store.get(resourceIdOf(resource));
    const written =
      found.kind === 'ok'
        ? await this.#store.update(resource, found.value.revision, { replicated })
        : await this.#store.create(resource, { replicated });
    return written.kind === 'ok';
  }
}

const metadata = (name: string, number: number) => ({
  name,
  labels: { number: String(number) },
  annotations: {},
});

function record(name: string, number: number): IPAMHandleResource {
  const spec = { handle: String(number), blocks: [] };
  return { apiVersion: MARGAY_API, kind: 'IPAMHandle', metadata: metadata(name, number), spec };
}

async function claimsIn(store: RedisStore, name: string): Promise<number> {
  const found = await store.get({ kind: 'IPAMHandle', name });
  if (found.kind === 'error') throw new Error(JSON.stringify(found.error));
  return Number(found.value.resource.metadata.labels.number);
}

/** By id: the revision. */
async function held(store: RedisStore): Promise<string> {
  const listed = await store.list();
  if (listed.kind === 'error') return JSON.stringify(listed.error);
  return [...listed.value.map(one => `${formatResourceId(resourceIdOf(one.resource))} ${one.revision}`)]
    .sort()
    .join();
}

const stateOf = (watcher: StoreWatcher) =>
  [...watcher.state]
    .map(([key, revision]) => `${key} ${revision}`)
    .sort()
    .join();

for (const [kind, start] of Object.entries(kinds)) {
  for (const lagging of [false, true]) {
    const how = lagging ? 'whose copies lag by a second' : 'under load';
    test(`${kind}: a primary ${how} is killed; no claim is lost, and all see what the store holds`, async t => {
      const lab = closing(t, await start());
      const watchers = Array.from({ length: WATCHERS }, () => new StoreWatcher(openStore(t, lab)));
      for (const watcher of watchers) t.teardown(() => watcher.close());
      const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(openStore(t, lab), `writer-${i}`));
      for (const writer of writers) t.teardown(() => writer.end());
      t.true(await eventually(() => writers.every(({ claimed }) => claimed > 20), 20_000));
      const primary = await lab.primary();
      t.true((await copiesOf(lab, primary)).length > 0);
      const goOnWithCopies = lagging ? await holdCopies(lab) : () => {};
      if (lagging) {
        await sleep(50);
        const claimed = writers.map(writer => writer.claimed);
        await sleep(1000);
        t.deepEqual(
          writers.map(writer => writer.claimed),
          claimed,
        );
        const lost = pool('lost', '10.1.0.0/16');
        t.is((await openStore(t, lab).create(lost)).kind, 'ok');
        t.true(await eventually(() => watchers.every(({ state }) => state.has('IPPool/lost'))));
      }
      await primary.kill();
      goOnWithCopies();
      const before = writers.map(({ claimed }) => claimed);
      const isReplaced = async () => (await lab.primary().catch(() => primary)) !== primary;
      t.true(await eventually(isReplaced, 60_000, 100));
      // Where it had one copy there is none left but itself.
      await primary.start();
      const goOn = () => writers.every(({ claimed }, i) => claimed > before[i]! + 20);
      t.true(await eventually(goOn, 60_000, 50), JSON.stringify(writers.map(({ claimed }) => claimed)));
      for (const writer of writers) await writer.end();
      const fresh = openStore(t, lab);
      for (const { name, claimed } of writers) {
        const found = await claimsIn(fresh, name);
        t.true(found >= claimed, `${name}: ${found} < ${claimed}`);
      }
      for (const watcher of watchers) {
        const agrees = async () => watcher.isInSync && stateOf(watcher) === (await held(fresh));
        t.true(await eventually(agrees, 30_000, 100), `${stateOf(watcher)} instead of ${await held(fresh)}`);
      }
      const forked = watchers.filter(({ events }) =>
        events.some(event => event.kind === 'snapshot-begin' && event.forked === true),
      );
      t.is(forked.length, lagging ? WATCHERS : 0);
    });
  }
}

test('Sentinels: without copies no claim is made, and everything else goes on', async t => {
  const lab = closing(t, await sentinelRedis());
  const store = openStore(t, lab);
  t.is((await store.create(record('a', 1), { replicated: true })).kind, 'ok');
  const primary = await lab.primary();
  for (const server of lab.servers) if (server !== primary) await server.kill();
  const refused = await store.create(record('b', 1), { replicated: true });
  t.is(refused.kind === 'error' ? refused.error.kind : '', 'unavailable');
  t.is((await store.create(pool('c', '10.0.0.0/16'))).kind, 'ok');
  const read = await store.get({ kind: 'IPAMHandle', name: 'a' }, { replicated: true });
  t.is(read.kind === 'error' ? read.error.kind : '', 'unavailable');
  t.is((await store.get({ kind: 'IPAMHandle', name: 'a' })).kind, 'ok');
  for (const server of lab.servers) if (server !== primary) await server.start();
  const claim = async () => (await store.create(record('d', 1), { replicated: true })).kind === 'ok';
  t.true(await eventually(claim, 30_000, 200));
});
