/** A Redis that goes, comes back, forgets and is emptied: what those who follow it make of it. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { RedisServer } from '../../../store/redis/connection.js';
import { RedisStore } from '../../../store/redis/redis-store.js';
import { pool } from '../../agent/documents.js';
import { eventually } from '../../support/eventually.js';
import {
  closing,
  clusterRedis,
  type RedisLab,
  sentinelRedis,
  standaloneRedis,
} from '../../support/redis-lab.js';
import { StoreWatcher } from '../../support/store-watcher.js';

const PREFIX = 'away';

function openStore(t: ExecutionContext, lab: RedisLab): RedisStore {
  const store = new RedisStore({ server: lab.server, keyPrefix: PREFIX, name: 'away', copies: 'auto' });
  t.teardown(() => store.close());
  return store;
}

function watch(t: ExecutionContext, store: RedisStore): StoreWatcher {
  const watcher = new StoreWatcher(store);
  t.teardown(() => watcher.close());
  return watcher;
}

async function create(t: ExecutionContext, store: RedisStore, ...names: string[]): Promise<void> {
  for (const name of names) {
    const result = await store.create(pool(name, '10.0.0.0/16'));
    t.is(result.kind, 'ok', JSON.stringify(result));
  }
}

const names = (watcher: StoreWatcher) =>
  [...watcher.state.keys()].map(key => key.slice('IPPool/'.length)).sort();

/** Until it knows these and nothing else. */
async function knows(t: ExecutionContext, watcher: StoreWatcher, ...wanted: string[]): Promise<void> {
  const isSo = () => watcher.isInSync && names(watcher).join() === wanted.join();
  t.true(
    await eventually(isSo, 20_000),
    `${names(watcher)} instead of ${wanted}; ${JSON.stringify(watcher.events.slice(-3))}`,
  );
}

/** What is on its disk, put aside: the directory of the append-only file. */
const files = (lab: RedisLab, name: string) => join(lab.directory, name);

function keepOlder(lab: RedisLab): void {
  cpSync(files(lab, 'appendonlydir'), files(lab, 'older'), { recursive: true });
}

/** It is not started again yet. */
async function restoreOlder(lab: RedisLab): Promise<void> {
  await lab.servers[0]!.kill();
  rmSync(files(lab, 'appendonlydir'), { recursive: true });
  cpSync(files(lab, 'older'), files(lab, 'appendonlydir'), { recursive: true });
}

test('killed and started again: what was told stays told, what was missed is told, and no more', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b');
  await knows(t, watcher, 'a', 'b');
  const [server] = lab.servers;
  await server!.kill();
  t.true(await eventually(() => !watcher.isInSync));
  const refused = await store.create(pool('c', '10.0.0.0/16'));
  t.is(refused.kind === 'error' ? refused.error.kind : '', 'unavailable');
  const before = watcher.told;
  await server!.start();
  const other = openStore(t, lab);
  await create(t, other, 'd');
  await knows(t, watcher, 'a', 'b', 'd');
  t.is(watcher.told - before, 1);
  // It went on where it was.
  t.is(watcher.count('snapshot-begin'), 1);
});

test('what was missed is not in the log any more: all is read anew, and the difference is told', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b', 'c');
  await knows(t, watcher, 'a', 'b', 'c');
  const [server] = lab.servers;
  const before = watcher.told;
  await server!.kill();
  // It tries again after longer and longer pauses: others are there before it.
  await sleep(4000);
  await server!.start();
  const early = openStore(t, lab);
  await create(t, early, 'd', 'e');
  await early.delete({ kind: 'IPPool', name: 'a' });
  await early.delete({ kind: 'IPPool', name: 'd' });
  await server!.ask('xtrim', `{${PREFIX}}:log`, 'MAXLEN', '0');
  t.false(watcher.isInSync);
  await knows(t, watcher, 'b', 'c', 'e');
  t.is(watcher.told - before, 2);
});

test('the next change is not in the log, and the one after it is: all is read anew, once', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b');
  await knows(t, watcher, 'a', 'b');
  const before = watcher.told;
  const [server] = lab.servers;
  await server!.kill();
  await sleep(4000);
  await server!.start();
  await create(t, openStore(t, lab), 'c', 'd');
  await server!.ask('xdel', `{${PREFIX}}:log`, '3-0');
  t.false(watcher.isInSync);
  await knows(t, watcher, 'a', 'b', 'c', 'd');
  t.is(watcher.told - before, 2);
  // Nothing was forgotten.
  t.false(watcher.events.some(event => event.kind === 'snapshot-begin' && event.forked === true));
});

/** Of what a watcher was told it forgets `lost`; it is down then. */
async function forgetting(t: ExecutionContext, ...kept: readonly string[]) {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, ...kept);
  await knows(t, watcher, ...kept);
  keepOlder(lab);
  await create(t, store, 'lost');
  await knows(t, watcher, ...kept, 'lost');
  await restoreOlder(lab);
  return { lab, server: lab.servers[0]!, watcher };
}

test('it comes back with less than was told: everybody begins anew and is told that it forgot', async t => {
  const { server, watcher } = await forgetting(t, 'a', 'b');
  await server.start();
  await knows(t, watcher, 'a', 'b');
  t.true(watcher.events.some(event => event.kind === 'snapshot-begin' && event.forked === true));
});

for (const [what, others] of [
  ['the same length', ['x']],
  ['a greater one', ['x', 'y', 'z']],
] as const) {
  test(`it comes back with another history of ${what}`, async t => {
    const { lab, server, watcher } = await forgetting(t, 'a');
    await sleep(4000);
    await server.start();
    await create(t, openStore(t, lab), ...others);
    t.false(watcher.isInSync);
    await knows(t, watcher, 'a', ...others);
    t.true(watcher.events.some(event => event.kind === 'snapshot-begin' && event.forked === true));
  });
}

test('what it forgot is written again as it was: the revision that is told is the new one', async t => {
  const { lab, server, watcher } = await forgetting(t, 'a');
  await sleep(4000);
  await server.start();
  const again = await openStore(t, lab).create(pool('lost', '10.0.0.0/16'));
  t.false(watcher.isInSync);
  const revision = again.kind === 'ok' ? again.value.revision : '';
  t.true(
    await eventually(() => watcher.isInSync && watcher.state.get('IPPool/lost') === revision, 20_000),
    `${watcher.state.get('IPPool/lost')} instead of ${revision}`,
  );
});

test('what somebody else put in the place of a document is replaced, with a line feed in it or without', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const [server] = lab.servers;
  for (const [name, text] of [
    ['a', 'rubbish'],
    ['b', 'rubbish\n{}'],
  ] as const) {
    await server!.ask('hset', `{${PREFIX}}:documents`, `IPPool/${name}`, text);
    await create(t, store, name);
    t.is((await store.get({ kind: 'IPPool', name })).kind, 'ok');
  }
});

test('who knew a document that somebody has ruined sees what it was, is told so, and can put it back', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a');
  await knows(t, watcher, 'a');
  const [server] = lab.servers;
  await server!.ask('hset', `{${PREFIX}}:documents`, 'IPPool/a', 'rubbish');
  const id = { kind: 'IPPool', name: 'a' } as const;
  const found = await store.get(id);
  t.true(found.kind === 'ok' && found.value.lastGood);
  if (found.kind !== 'ok') return;
  t.is((await store.update(found.value.resource, found.value.revision)).kind, 'ok');
  const again = await openStore(t, lab).get(id);
  t.deepEqual(again.kind === 'ok' && [again.value.resource, again.value.lastGood], [
    found.value.resource,
    undefined,
  ]);
});

test('a list is not of what the store has forgotten, although nothing has broken off', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b');
  await knows(t, watcher, 'a', 'b');
  const [server] = lab.servers;
  const key = (name: string) => `{${PREFIX}}:${name}`;
  const first = await server!.ask('xrange', key('log'), '1-0', '1-0');
  await server!.ask('xdel', key('log'), '2-0');
  await server!.ask('xsetid', key('log'), '1-0');
  await server!.ask('hdel', key('documents'), 'IPPool/b');
  await server!.ask('hset', key('head'), 'revision', '1', 'chain', first.split('\n').at(-1)!);
  const listed = async () => {
    const result = await store.list('IPPool');
    return result.kind === 'ok' ? result.value.map(({ resource }) => resource.metadata.name).join() : 'away';
  };
  const began = performance.now();
  t.not(await listed(), 'a,b');
  t.true(await eventually(async () => (await listed()) === 'a', 20_000));
  // It did not wait until a quiet log was looked at.
  t.true(performance.now() - began < 9000);
  await knows(t, watcher, 'a');
});

test('emptied, it is away: nothing that was told is taken back, and nothing is written to it', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b');
  await knows(t, watcher, 'a', 'b');
  const [server] = lab.servers;
  await server!.ask('flushall');
  await server!.ask('client', 'kill', 'type', 'normal');
  t.true(
    await eventually(
      () => watcher.events.some(event => event.kind === 'unavailable' && /empty/.test(event.detail)),
      20_000,
    ),
    JSON.stringify(watcher.events.slice(-3)),
  );
  t.deepEqual(names(watcher), ['a', 'b']);
  const written = await store.create(pool('c', '10.0.0.0/16'));
  t.is(written.kind === 'error' ? written.error.kind : '', 'unavailable');
  t.is(await server!.ask('keys', '*'), '');
});

test('a write that lacks a right leaves nothing half done: with the right it is made', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  const [server] = lab.servers;
  const lacking = async (right: string, write: () => Promise<{ readonly kind: string }>) => {
    await server!.ask('ACL', 'SETUSER', 'default', `-${right}`);
    t.regex(JSON.stringify(await write()), /lacks a right that docs\/redis.md lists/, right);
    await server!.ask('ACL', 'SETUSER', 'default', `+${right}`);
    t.is((await write()).kind, 'ok', right);
  };
  await create(t, store, 'a');
  await lacking('hset', () => store.create(pool('b', '10.0.0.0/16')));
  await lacking('hdel', () => store.delete({ kind: 'IPPool', name: 'a' }));
  await knows(t, watcher, 'b');
  t.deepEqual((await store.check()).problems, []);
});

for (const [kind, start] of [
  ['alone', standaloneRedis],
  ['behind Sentinels', sentinelRedis],
  ['as a Cluster', () => clusterRedis(PREFIX)],
] as const) {
  test(`${kind}: a password that is replaced is read with the next try, and a file that cannot be read is said`, async t => {
    const lab = closing(t, await start());
    const everywhere = (...words: string[]) => Promise.all(lab.servers.map(server => server.ask(...words)));
    await everywhere('ACL', 'SETUSER', 'rotated', 'on', '>one', '~*', '+@all');
    let password: string | undefined = 'one';
    const current = (): RedisServer => {
      if (password === undefined) throw new Error('store.redis.passwordFile: it is not there');
      return { ...lab.server, username: 'rotated', password, renew: current };
    };
    const store = openStore(t, { ...lab, server: current() });
    const watcher = watch(t, store);
    await create(t, store, 'a');
    await knows(t, watcher, 'a');
    const isAway = (why: RegExp) => () => {
      const last = watcher.events.at(-1);
      return last?.kind === 'unavailable' && why.test(last.detail);
    };
    const cut = () => everywhere('CLIENT', 'KILL', 'USER', 'rotated');
    await everywhere('ACL', 'SETUSER', 'rotated', 'resetpass', '>two');
    await cut();
    t.true(await eventually(isAway(/WRONGPASS/), 20_000), JSON.stringify(watcher.events.slice(-2)));
    password = undefined;
    t.true(await eventually(isAway(/it is not there/), 20_000), JSON.stringify(watcher.events.slice(-2)));
    password = 'two';
    t.true(await eventually(() => watcher.isInSync, 20_000), JSON.stringify(watcher.events.slice(-2)));
    await eventually(async () => (await store.list('IPPool')).kind === 'ok', 20_000);
    await create(t, store, 'b');
    await knows(t, watcher, 'a', 'b');
  });
}

test('an entry that somebody else put into the log is said, and gone with the next write', async t => {
  const lab = closing(t, await standaloneRedis());
  const store = openStore(t, lab);
  const watcher = watch(t, store);
  await create(t, store, 'a', 'b');
  await knows(t, watcher, 'a', 'b');
  await lab.servers[0]!.ask('xadd', `{${PREFIX}}:log`, '99999999-0', 'foo', 'bar');
  const isSaid = () =>
    watcher.events.some(event => event.kind === 'unavailable' && /99999999/.test(event.detail));
  t.true(await eventually(isSaid, 20_000), JSON.stringify(watcher.events.slice(-2)));
  await create(t, store, 'c');
  await knows(t, watcher, 'a', 'b', 'c');
  t.is(watcher.told, 3);
  await create(t, store, 'd');
  await knows(t, watcher, 'a', 'b', 'c', 'd');
  t.deepEqual((await store.check()).problems, []);
});
