/** A store that has forgotten, and hosts whose records have not. */
import test, { type ExecutionContext } from 'ava';
import type { Resource, ResourceKind } from '../../core/resources/resource.js';
import { passingRecord } from '../../ipam/host-record.js';
import { precedence } from '../../ipam/precedence.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { Store } from '../../store/port.js';
import { address, addressesOf, affinities, ipPool, type SetClock, startHost, storedBlock } from './hosts.js';

const kinds: readonly ResourceKind[] = ['IPAMBlock', 'IPAMHandle', 'BlockAffinity', 'IPPool'];

/** As it is now, in another store: a copy that lagged, or a backup. */
async function copyOf(store: Store): Promise<MemoryStore> {
  const all: Resource[] = [];
  for (const kind of kinds) {
    const found = await store.list(kind);
    if (found.kind === 'ok') all.push(...found.value.map(({ resource }) => resource));
  }
  return new MemoryStore(all);
}

const pool = ipPool('pods', '10.244.0.0/24');
const settled = () => new Promise(resolve => setTimeout(resolve, 10));

interface Actor {
  readonly durable: ReturnType<typeof passingRecord>;
  readonly clock: SetClock;
}

const actor = (nowMs = 1_000_000): Actor => ({ durable: passingRecord(), clock: { nowMs } });

const start = (t: ExecutionContext, store: Store, name: string, { durable, clock }: Actor) =>
  startHost(t, store, name, durable, clock);

test('a store that is empty again is told all that it has forgotten, with the claims as they were', async t => {
  const store = new MemoryStore([pool]);
  const me = actor();
  const a = await start(t, store, 'a', me);
  const given = addressesOf(await a.give('h1', { attributes: { pod: 'web' } }));
  const prefix = (await affinities(store))[0]!.split(' ')[1]!;
  const before = await storedBlock(store, prefix);
  const emptied = new MemoryStore([pool]);
  me.clock.nowMs += 5000;
  const again = await start(t, emptied, 'a', me);
  t.is(await again.ipam.reassert(), undefined);
  const after = await storedBlock(emptied, prefix);
  t.deepEqual({ ...after, sequence: 0 }, { ...before, sequence: 0 });
  t.deepEqual(await affinities(emptied), [`a ${prefix} confirmed`]);
  t.deepEqual(addressesOf(await again.give('h1')), given);
  t.is((await emptied.list('IPAMHandle')).kind, 'ok');
});

test('before it is written back, too, an address that the store has forgotten is given to nobody else on its host', async t => {
  const few = ipPool('pods', '10.244.0.0/30', { blockSize: 30 });
  const me = actor();
  const a = await start(t, new MemoryStore([few]), 'a', me);
  const [kept = ''] = addressesOf(await a.give('h1'));
  const again = await start(t, new MemoryStore([few]), 'a', me);
  const exact = await again.give('h2', { address: address(kept) });
  t.deepEqual(exact, { kind: 'none', reasons: [`${kept} is in use by handle h1 on a`] });
  const given: string[] = [];
  for (const handle of ['h2', 'h3', 'h4', 'h5']) given.push(...addressesOf(await again.give(handle)));
  t.is(given.at(-1), 'none');
  t.deepEqual([kept, ...given.slice(0, 3)].sort(), ['10.244.0.0', '10.244.0.1', '10.244.0.2', '10.244.0.3']);
});

test('of two claims on one block after a fork the older stays; the younger host says what it has lost', async t => {
  const old = new MemoryStore([pool]);
  const [first, second] = [actor(), actor(2_000_000)];
  const a = await start(t, old, 'a', first);
  const exact = { address: address('10.244.0.5') };
  t.deepEqual(addressesOf(await a.give('of-a', exact)), ['10.244.0.5']);
  // The copy knows nothing of it.
  const store = new MemoryStore([pool]);
  const b = await start(t, store, 'b', second);
  t.deepEqual(addressesOf(await b.give('of-b', exact)), ['10.244.0.5']);
  t.deepEqual(addressesOf(await b.give('of-b2', { address: address('10.244.0.6') })), ['10.244.0.6']);
  const back = await start(t, store, 'a', first);
  t.is(await back.ipam.reassert(), undefined);
  t.deepEqual(await affinities(store), ['a 10.244.0.0/26 confirmed']);
  const found = await storedBlock(store, '10.244.0.0/26');
  t.deepEqual(
    found?.allocations.map(allocation => `${allocation.address} ${allocation.handle}`),
    ['10.244.0.5 of-a', '10.244.0.6 of-b2'],
  );
  await settled();
  t.is(await b.ipam.reassert(), undefined);
  t.deepEqual([...second.durable.record.lost.values()].map(({ what, to }) => `${what} ${to}`).sort(), [
    '10.244.0.0/26 a',
    '10.244.0.5 a',
  ]);
  t.deepEqual(await affinities(store), ['a 10.244.0.0/26 confirmed']);
  // Who is told gives it up, and then it is no matter any more.
  await b.ipam.release({ handle: 'of-b' });
  t.deepEqual([...second.durable.record.lost.keys()], ['10.244.0.0/26']);
  t.is((await storedBlock(store, '10.244.0.0/26'))?.allocations.length, 2);
});

test('the younger host that comes back yields, and borrows what it has in use', async t => {
  const old = new MemoryStore([pool]);
  const [late, early] = [actor(2_000_000), actor(1_000_000)];
  const a = await start(t, old, 'a', late);
  await a.give('of-a', { address: address('10.244.0.5') });
  await a.give('of-a2', { address: address('10.244.0.7') });
  const store = new MemoryStore([pool]);
  const b = await start(t, store, 'b', early);
  await b.give('of-b', { address: address('10.244.0.5') });
  const back = await start(t, store, 'a', late);
  t.is(await back.ipam.reassert(), undefined);
  t.deepEqual(await affinities(store), ['b 10.244.0.0/26 confirmed']);
  const found = await storedBlock(store, '10.244.0.0/26');
  t.deepEqual(
    found?.allocations.map(each => `${each.address} ${each.handle} ${each.node}`),
    ['10.244.0.5 of-b b', '10.244.0.7 of-a2 a'],
  );
  t.deepEqual([...late.durable.record.lost.keys()].sort(), ['10.244.0.0/26', '10.244.0.5']);
});

test('what was taken away by right while the host was away is not claimed back', async t => {
  const store = new MemoryStore([pool]);
  const [away, other] = [actor(), actor(1_500_000)];
  const a = await start(t, store, 'a', away);
  const exact = { address: address('10.244.0.5') };
  await a.give('of-a', exact);
  await a.give('of-a2', { address: address('10.244.0.6') });
  const b = await start(t, store, 'b', other);
  await settled();
  // Released in its name, and given to another.
  await b.ipam.release({ handle: 'of-a' });
  t.deepEqual(addressesOf(await b.give('of-b', exact)), ['10.244.0.5']);
  await b.ipam.release({ handle: 'of-a2' });
  const back = await start(t, store, 'a', away);
  t.is(await back.ipam.reassert(), undefined);
  const found = await storedBlock(store, '10.244.0.0/26');
  t.deepEqual(
    found?.allocations.map(each => each.handle),
    ['of-b'],
  );
  t.is(away.durable.record.lost.size, 0);
  t.is(away.durable.record.allocations.size, 0);
});

test('a release that the store has forgotten gives way to what was given out after it', async t => {
  const store = new MemoryStore([pool]);
  const me = actor();
  const a = await start(t, store, 'a', me);
  const exact = { address: address('10.244.0.5') };
  await a.give('old', exact);
  const copy = await copyOf(store);
  await a.ipam.release({ handle: 'old' });
  me.clock.nowMs += 1000;
  await a.give('new', exact);
  const back = await start(t, copy, 'a', me);
  t.is(await back.ipam.reassert(), undefined);
  const found = await storedBlock(copy, '10.244.0.0/26');
  t.deepEqual(
    found?.allocations.map(each => each.handle),
    ['new'],
  );
});

test('a host whose state directory is new learns from the store what it has', async t => {
  const store = new MemoryStore([pool]);
  const a = await startHost(t, store, 'a');
  await a.give('h1');
  const again = await startHost(t, store, 'a');
  t.is(await again.ipam.reassert(), undefined);
  t.deepEqual([...again.durable.record.claims.keys()], [...a.durable.record.claims.keys()]);
  t.deepEqual([...again.durable.record.allocations.keys()], [...a.durable.record.allocations.keys()]);
});

test('a second look writes nothing', async t => {
  const store = new MemoryStore([pool]);
  const a = await startHost(t, store, 'a');
  await a.give('h1');
  await settled();
  const before = await Promise.all(kinds.map(kind => store.list(kind)));
  t.is(await a.ipam.reassert(), undefined);
  t.is(await a.ipam.reassert(), undefined);
  t.is(await a.ipam.tidy(), undefined);
  t.deepEqual(await Promise.all(kinds.map(kind => store.list(kind))), before);
});

test('of any two claims both sides come to the same', t => {
  const claims = [1, 2, 3].flatMap(sequence =>
    [0, 1, 2].flatMap(after =>
      [1, 2].flatMap(unixMs =>
        ['a', 'b'].map(name => ({ sequence: sequence * 10, after: after * 10, unixMs, name })),
      ),
    ),
  );
  const opposite = {
    same: 'same',
    'theirs-follows': 'ours-follows',
    'ours-follows': 'theirs-follows',
    'ours-older': 'theirs-older',
    'theirs-older': 'ours-older',
  } as const;
  let pairs = 0;
  for (const ours of claims) {
    for (const theirs of claims) {
      // Nothing is given up before it is claimed.
      if (ours.after >= ours.sequence || theirs.after >= theirs.sequence) continue;
      if (ours.sequence === theirs.sequence && ours.name === theirs.name) continue;
      const found = precedence(ours, theirs);
      if (ours.unixMs === theirs.unixMs && ours.name === theirs.name && !found.endsWith('follows')) continue;
      t.is(precedence(theirs, ours), opposite[found], JSON.stringify({ ours, theirs }));
      pairs++;
    }
  }
  t.true(pairs > 300);
});
