/** Blocks claimed by several at a time, and by hosts that die in the middle of it. */
import test, { type ExecutionContext } from 'ava';
import type { IPAMBlockResource } from '../../core/resources/cluster-documents.js';
import { passingRecord } from '../../ipam/host-record.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { Store } from '../../store/port.js';
import { Random } from '../support/random.js';
import { addressesOf, affinities, configuration, ipPool, startHost, storedBlock } from './hosts.js';
import { CarelessStore, FatalStore, TroubledStore } from './troubled-store.js';

const settled = () => new Promise(resolve => setTimeout(resolve, 20));

async function blocks(store: Store): Promise<readonly IPAMBlockResource['spec'][]> {
  const found = await store.list('IPAMBlock');
  return found.kind === 'ok' ? found.value.map(({ resource }) => (resource as IPAMBlockResource).spec) : [];
}

/** Every confirmed affinity has its block, every block that is somebody's its affinity. */
async function agree(t: ExecutionContext, store: Store, message: string): Promise<void> {
  const owned = (await blocks(store)).flatMap(({ node, cidr }) =>
    node === undefined ? [] : [`${node} ${cidr} confirmed`],
  );
  t.deepEqual(await affinities(store), owned.sort(), message);
}

/** How many addresses two hosts were both given, of a pool with few blocks, by stores that are late, stale and unreliable. */
async function race(t: ExecutionContext, seed: number, newStore: (inner: Store) => Store): Promise<number> {
  const inner = new MemoryStore([
    ipPool('pods', '10.244.0.0/27', { blockSize: 29 }),
    configuration({ maxBlocksPerHost: 4 }),
  ]);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const hosts = await Promise.all(names.map(name => startHost(t, newStore(inner), name)));
  const given = await Promise.all(
    hosts.flatMap((host, i) => [1, 2, 3, 4].map(n => host.give(`${seed}-${i}-${n}`))),
  );
  for (const host of hosts) while ((await host.ipam.reassert()) !== undefined) await settled();
  // As from time to time: what a host did by an old answer, or before it had heard of its own claim, is put right by the next round.
  for (let round = 0; round < 3; round++) {
    await settled();
    for (const host of hosts) while ((await host.ipam.tidy()) !== undefined) await settled();
  }
  const addresses = given.flatMap(outcome => (outcome.kind === 'given' ? addressesOf(outcome) : []));
  t.true(addresses.length > 0);
  return addresses.length - new Set(addresses).size;
}

test('six hosts that race for four blocks: one has each, and nobody gets an address twice', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    let shared: Store | undefined;
    const twice = await race(t, seed, inner => {
      shared = inner;
      return new TroubledStore(inner, random);
    });
    t.is(twice, 0, `seed ${seed}`);
    await agree(t, shared!, `seed ${seed}`);
  }
});

test('where compare-and-swap is left out, it shows', async t => {
  let twice = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    twice += await race(t, seed, inner => new TroubledStore(new CarelessStore(inner), random));
  }
  t.true(twice > 0);
});

test('a host that dies at any write is put right by its next start', async t => {
  let deaths = 0;
  for (const moment of ['before', 'after'] as const) {
    for (let write = 1; ; write++) {
      const inner = new MemoryStore([ipPool('pods', '10.244.0.0/24')]);
      const durable = passingRecord();
      const store = new FatalStore(inner, write, moment);
      const dying = await startHost(t, store, 'a', durable);
      const work = (async () => {
        await dying.give('h1');
        await dying.give('h2');
        await dying.ipam.release({ handle: 'h1' });
        await dying.ipam.release({ handle: 'h2' });
        await dying.ipam.tidy();
        dying.clock.nowMs += 60_000;
        // A block that serves nobody need not be kept.
        dying.documents.deleted({ kind: 'IPPool', name: 'pods' });
        await dying.ipam.tidy();
        return 'alive';
      })();
      if ((await Promise.race([work, store.died])) === 'alive') break;
      deaths++;
      const again = await startHost(t, inner, 'a', durable);
      t.is(await again.ipam.reassert(), undefined);
      await agree(t, inner, `${moment} write ${write}`);
      const first = addressesOf(await again.give('h1'));
      t.regex(first[0] ?? '', /^10\./, `${moment} write ${write}`);
      t.deepEqual(addressesOf(await again.give('h1')), first);
      for (const handle of ['h1', 'h2']) await again.ipam.release({ handle });
      t.deepEqual(
        (await blocks(inner)).flatMap(({ allocations }) => allocations),
        [],
      );
      t.is(durable.record.allocations.size, 0);
    }
  }
  t.true(deaths >= 20, `${deaths} deaths`);
});

test('a claim that the store refused half-way is withdrawn when the host tidies', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/28', { blockSize: 28 })]);
  const a = await startHost(t, store, 'a');
  const { create } = store;
  store.create = async resource =>
    resource.kind === 'IPAMBlock'
      ? { kind: 'error', error: { kind: 'unavailable', operation: 'claim', detail: 'not now' } }
      : create.call(store, resource);
  t.deepEqual(addressesOf(await a.give('h')), ['unavailable']);
  t.deepEqual(await affinities(store), ['a 10.244.0.0/28 pending']);
  await settled();
  t.is(await a.ipam.tidy(), undefined);
  t.deepEqual(await affinities(store), []);
  store.create = create;
  t.not(addressesOf(await a.give('h'))[0], 'unavailable');
});

test('an empty block goes back after two looks and a minute, the last one stays', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/24', { blockSize: 30 })]);
  const a = await startHost(t, store, 'a');
  for (const handle of ['h1', 'h2', 'h3', 'h4', 'h5']) await a.give(handle);
  await settled();
  t.is((await affinities(store)).length, 2);
  await a.ipam.release({ handle: 'h5' });
  await a.ipam.tidy();
  a.clock.nowMs += 59_000;
  await a.ipam.tidy();
  t.is((await affinities(store)).length, 2);
  a.clock.nowMs += 1_000;
  await a.ipam.tidy();
  await settled();
  t.is((await affinities(store)).length, 1);
  t.is((await blocks(store)).filter(({ node }) => node === undefined).length, 1);
  await agree(t, store, '');
  for (const handle of ['h1', 'h2', 'h3', 'h4']) await a.ipam.release({ handle });
  for (let minute = 0; minute < 3; minute++) {
    a.clock.nowMs += 60_000;
    await a.ipam.tidy();
  }
  t.is((await affinities(store)).length, 1);
});

test('a person takes back what a person gave: the block is nobody’s, with what is in use in it', async t => {
  const given = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BlockAffinity',
    metadata: { name: 'mine', labels: {}, annotations: {} },
    spec: { node: 'a', cidr: '10.244.1.0/24', state: 'confirmed' },
  } as const;
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16'), given as never]);
  const a = await startHost(t, store, 'a');
  await a.give('h1');
  await a.ipam.reassert();
  t.deepEqual(await affinities(store), ['a 10.244.1.0/24 confirmed']);
  await store.delete({ kind: 'BlockAffinity', name: 'mine' });
  await settled();
  await a.ipam.tidy();
  t.deepEqual(await affinities(store), []);
  const found = await storedBlock(store, '10.244.1.0/24');
  t.is(found?.node, undefined);
  t.is(found?.allocations.length, 1);
  t.deepEqual(a.ipam.context.durable.record.claims.size, 0);
});
