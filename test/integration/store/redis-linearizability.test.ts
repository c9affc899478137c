/** Clients that read, swap and delete the same documents at the same time, over restarts of Redis. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { ResourceId } from '../../../core/resources/resource.js';
import type { StoreResult } from '../../../store/port.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { pool } from '../../agent/documents.js';
import { isLinearizable, type Operation } from '../../store/linearizability.js';
import { closing, standaloneRedis } from '../../support/redis-lab.js';

const KEYS = 3;
const CLIENTS = 8;
const LEAST_RESTARTS = 3;
/** A kill hits no write on its way now and then. */
const MOST_RESTARTS = 20;

/** What one client does to one document, and what it was answered. */
class Client {
  readonly history: (Operation & { readonly name: string })[] = [];
  readonly #store: RedisStore;
  readonly #number: number;
  #writes = 0;

  constructor(store: RedisStore, number: number) {
    this.#store = store;
    this.#number = number;
  }

  async run(ended: () => boolean): Promise<void> {
    while (!ended()) {
      await this.#once(`key-${Math.floor(Math.random() * KEYS)}`);
      await sleep(Math.random() * 20);
    }
  }

  async #once(name: string): Promise<void> {
    const id: ResourceId = { kind: 'IPPool', name };
    const found = await this.#note(name, { kind: 'read' }, () => this.#store.get(id));
    if (found.kind === 'error' && found.error.kind === 'unavailable') return;
    const mark = `${this.#number}-${++this.#writes}`;
    const plain = pool(name, '10.0.0.0/16');
    const document = { ...plain, metadata: { ...plain.metadata, labels: { mark } } };
    if (found.kind === 'error') {
      await this.#note(name, { kind: 'create', mark }, () => this.#store.create(document));
      return;
    }
    const expected = found.value.resource.metadata.labels.mark ?? '';
    const { revision } = found.value;
    if (Math.random() < 0.2)
      await this.#note(name, { kind: 'delete', expected }, () => this.#store.delete(id, revision));
    else
      await this.#note(name, { kind: 'update', expected, mark }, () =>
        this.#store.update(document, revision),
      );
  }

  async #note<
    T extends { readonly resource: { readonly metadata: { readonly labels: object } } } | undefined,
  >(
    name: string,
    what: Pick<Operation, 'kind' | 'expected' | 'mark'>,
    ask: () => Promise<StoreResult<T>>,
  ): Promise<StoreResult<T>> {
    const calledAt = performance.now();
    const result = await ask();
    const answer = answerOf(what.kind, result);
    const answeredAt = answer.kind === 'unknown' ? Number.POSITIVE_INFINITY : performance.now();
    // A read that was not answered says nothing.
    if (what.kind !== 'read' || answer.kind !== 'unknown')
      this.history.push({ name, ...what, answer, calledAt, answeredAt });
    return result;
  }
}

function answerOf(kind: Operation['kind'], result: StoreResult<unknown>): Operation['answer'] {
  if (result.kind === 'error')
    return result.error.kind === 'unavailable' ? { kind: 'unknown' } : { kind: result.error.kind };
  if (kind !== 'read') return { kind: 'ok' };
  const { resource } = result.value as { resource: { metadata: { labels: { mark?: string } } } };
  return { kind: 'held', held: resource.metadata.labels.mark };
}

test('histories of compare-and-swap are linearizable, over restarts of Redis', async t => {
  const lab = closing(t, await standaloneRedis());
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    const store = new RedisStore({ server: lab.server, keyPrefix: 'lin', name: 'lin', copies: 'auto' });
    t.teardown(() => store.close());
    return new Client(store, i);
  });
  const [server] = lab.servers;
  let ended = false;
  const running = Promise.all(clients.map(client => client.run(() => ended)));
  const isUnknown = ({ answer }: Operation) => answer.kind === 'unknown';
  const hit = () => clients.some(client => client.history.some(isUnknown));
  for (let i = 0; i < LEAST_RESTARTS || (i < MOST_RESTARTS && !hit()); i++) {
    await sleep(400);
    await server!.kill();
    await server!.start();
  }
  await sleep(400);
  ended = true;
  await running;
  const history = clients.flatMap(client => client.history);
  for (let i = 0; i < KEYS; i++) {
    const ofKey = history.filter(({ name }) => name === `key-${i}`);
    t.true(ofKey.filter(({ answer }) => answer.kind === 'ok').length > 20);
    t.true(isLinearizable(ofKey), `key-${i}`);
  }
  const kinds = new Set(history.map(({ answer }) => answer.kind));
  for (const kind of ['ok', 'held', 'conflict', 'unknown'] as const) t.true(kinds.has(kind), kind);
});
