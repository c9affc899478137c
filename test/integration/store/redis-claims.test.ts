/**
 * New claims wait for what a store may have forgotten: after another start, or with another primary, until all who claim have written back what
 * they hold, or for a while.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { IPAMHandleResource } from '../../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../../core/resources/resource.js';
import type { StoreError, WriteOptions } from '../../../store/port.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { eventually } from '../../support/eventually.js';
import {
  closing,
  holdCopies,
  type RedisLab,
  sentinelRedis,
  standaloneRedis,
} from '../../support/redis-lab.js';

const SETTLE_SECONDS = 3;

class Claimant {
  readonly name: string;
  readonly store: RedisStore;
  #claims = 0;

  constructor(t: ExecutionContext, lab: RedisLab, name: string) {
    this.name = name;
    const limits = { settleSeconds: SETTLE_SECONDS };
    this.store = new RedisStore({ server: lab.server, keyPrefix: 'claims', name, copies: 'auto', limits });
    t.teardown(() => this.store.close());
  }

  claim(): Promise<StoreError | undefined> {
    return this.put({ claimant: this.name });
  }

  async put(options?: WriteOptions): Promise<StoreError | undefined> {
    const name = `${this.name}-${++this.#claims}`;
    const spec = { handle: name, blocks: [] };
    const metadata = { name, labels: {}, annotations: {} };
    const record: IPAMHandleResource = { apiVersion: MARGAY_API, kind: 'IPAMHandle', metadata, spec };
    const written = await this.store.create(record, options);
    return written.kind === 'error' ? written.error : undefined;
  }

  remind(work: () => Promise<void> = async () => {}) {
    return this.store.remind(this.name, work);
  }
}

async function restart(lab: RedisLab): Promise<void> {
  const server = await lab.primary();
  await server.kill();
  await server.start();
}

const wantsReminder = (error: StoreError | undefined) =>
  error?.kind === 'unavailable' && error.reminder === true;
const settling = (error: StoreError | undefined) =>
  error?.kind === 'unavailable' && error.reminder !== true ? error.detail : undefined;

test('a claimant has written back what it holds before it claims anything', async t => {
  const lab = closing(t, await standaloneRedis());
  const [a, b] = [new Claimant(t, lab, 'a'), new Claimant(t, lab, 'b')];
  t.true(wantsReminder(await a.claim()));
  await t.throwsAsync(
    a.remind(async () => {
      throw new Error('not done');
    }),
    { message: 'not done' },
  );
  t.true(wantsReminder(await a.claim()));
  t.is((await a.remind()).kind, 'ok');
  t.is(await a.claim(), undefined);
  t.true(wantsReminder(await b.claim()));
  t.is((await b.remind()).kind, 'ok');
  t.is((await b.remind()).kind, 'ok');
  t.is(await b.claim(), undefined);
});

test('after a restart nobody claims anything until all are back; what is no new claim goes on', async t => {
  const lab = closing(t, await standaloneRedis());
  const claimants = ['a', 'b', 'c'].map(name => new Claimant(t, lab, name));
  const [a, b, c] = claimants as [Claimant, Claimant, Claimant];
  for (const one of claimants) t.is((await one.remind()).kind, 'ok');
  await restart(lab);
  t.true(await eventually(async () => wantsReminder(await a.claim())));
  t.is((await a.remind()).kind, 'ok');
  t.is(await a.put(), undefined);
  t.regex(settling(await a.claim()) ?? '', /2 hosts have not written back .* in [1-3] s$/);
  t.true(await eventually(async () => (await b.remind()).kind === 'ok'));
  t.regex(settling(await b.claim()) ?? '', /1 host has not written back/);
  t.is((await c.remind()).kind, 'ok');
  for (const one of claimants) t.is(await one.claim(), undefined);
});

test('who is not back is waited for a while, and after the next restart not at all', async t => {
  const lab = closing(t, await standaloneRedis());
  const claimants = ['a', 'b'].map(name => new Claimant(t, lab, name));
  const [a, b] = claimants as [Claimant, Claimant];
  for (const one of claimants) t.is((await one.remind()).kind, 'ok');
  await restart(lab);
  const began = performance.now();
  t.true(await eventually(async () => (await a.remind()).kind === 'ok'));
  t.regex(settling(await a.claim()) ?? '', /1 host has/);
  t.true(await eventually(async () => (await a.claim()) === undefined, 10_000));
  t.true(performance.now() - began > (SETTLE_SECONDS - 1) * 1000);
  // Late, and it has to write back all the same.
  t.true(wantsReminder(await b.claim()));
  await restart(lab);
  t.true(await eventually(async () => (await a.remind()).kind === 'ok'));
  t.is(await a.claim(), undefined);
});

test('restarted again before all are back it waits for as many as before', async t => {
  const lab = closing(t, await standaloneRedis());
  const claimants = ['a', 'b', 'c'].map(name => new Claimant(t, lab, name));
  const [a] = claimants as [Claimant];
  for (const one of claimants) t.is((await one.remind()).kind, 'ok');
  for (let i = 0; i < 2; i++) {
    await restart(lab);
    t.true(await eventually(async () => (await a.remind()).kind === 'ok'));
    t.regex(settling(await a.claim()) ?? '', /2 hosts have/);
  }
});

test('filled from elsewhere it waits for the hosts that are known there; one that is in use is left as it is', async t => {
  const lab = closing(t, await standaloneRedis());
  const [a, b] = [new Claimant(t, lab, 'a'), new Claimant(t, lab, 'b')];
  await a.store.expectClaimants(2);
  t.is((await a.remind()).kind, 'ok');
  t.regex(settling(await a.claim()) ?? '', /1 host has/);
  t.is((await b.remind()).kind, 'ok');
  await a.store.expectClaimants(5);
  t.is(await a.claim(), undefined);
});

test('what was written back to another primary does not count', async t => {
  const lab = closing(t, await standaloneRedis());
  const a = new Claimant(t, lab, 'a');
  const reminded = await a.remind(async () => {
    await restart(lab);
    await eventually(async () => (await a.store.get({ kind: 'IPAMHandle', name: 'x' })).kind === 'error');
    await sleep(500);
  });
  t.is(reminded.kind, 'error');
  t.true(await eventually(async () => wantsReminder(await a.claim())));
});

test('who claims waits for copies that only others have seen: those who wrote before, and those who read', async t => {
  t.timeout(60_000);
  const lab = closing(t, await sentinelRedis());
  const primary = await lab.primary();
  const copiesKnown = () => primary.ask('hget', '{claims}:head', 'copies');
  const [writer, reader] = [new Claimant(t, lab, 'writer'), new Claimant(t, lab, 'reader')];
  t.is(await writer.put(), undefined);
  t.is(await copiesKnown(), '2');
  await primary.ask('hdel', '{claims}:head', 'copies');
  t.is((await reader.store.list('IPPool')).kind, 'ok');
  t.is(await copiesKnown(), '2');

  const goOn = await holdCopies(lab);
  try {
    const newcomer = new Claimant(t, lab, 'newcomer');
    t.is((await newcomer.remind()).kind, 'ok');
    const claim = () => newcomer.put({ claimant: 'newcomer', replicated: true });
    t.regex(settling(await claim()) ?? '', /^0 of the 1 copies that a claim needs are there/);
    goOn();
    t.true(await eventually(async () => (await claim()) === undefined, 20_000, 100));
  } finally {
    goOn();
  }
});
