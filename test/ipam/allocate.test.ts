import test from 'ava';
import { prefixContainsAddress } from '../../core/prefix.js';
import { MemoryStore } from '../../store/memory-store.js';
import { block, cidr, node, workload } from '../agent/documents.js';
import {
  address,
  addressesOf,
  affinities,
  configuration,
  ipPool,
  put,
  reservation,
  startHost,
  storedBlock,
} from './hosts.js';

const dual = { count: { ipv4: 1, ipv6: 1 } };
const settled = () => new Promise(resolve => setTimeout(resolve, 10));

test('the first address claims a block, the next ones are of the same', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const a = await startHost(t, store, 'a');
  t.deepEqual(await affinities(store), []);
  const given = await Promise.all(['h1', 'h2', 'h3'].map(async handle => addressesOf(await a.give(handle))));
  const [affinity = ''] = await affinities(store);
  const claimed = affinity.split(' ')[1] as string;
  t.regex(affinity, /^a 10\.244\.\d+\.\d+\/26 confirmed$/);
  t.is(new Set(given.flat()).size, 3);
  t.true(given.flat().every(each => prefixContainsAddress(cidr(claimed), address(each))));
  const found = await storedBlock(store, claimed);
  t.deepEqual(
    found?.allocations.map(({ handle }) => handle),
    ['h1', 'h2', 'h3'],
  );
  t.deepEqual([...a.durable.record.claims.keys()], [cidr(claimed)]);
  t.is(a.durable.record.allocations.size, 3);
});

test('asked again with the same handle, the answer is the same, and what is missing is added', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16'), ipPool('pods6', 'fd00:10:244::/64')]);
  const a = await startHost(t, store, 'a');
  const [ipv4] = addressesOf(await a.give('h'));
  const both = addressesOf(await a.give('h', dual));
  t.is(both[0], ipv4);
  t.regex(both[1] ?? '', /^fd00:10:244:/);
  t.deepEqual(addressesOf(await a.give('h', dual)), both);
});

test('dual stack is all or nothing', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const a = await startHost(t, store, 'a');
  const outcome = await a.give('h', dual);
  t.deepEqual(outcome, { kind: 'none', reasons: ['there is no IPv6 pool'] });
  const [affinity = ''] = await affinities(store);
  t.deepEqual((await storedBlock(store, affinity.split(' ')[1] ?? ''))?.allocations, []);
  t.deepEqual(await store.list('IPAMHandle'), { kind: 'ok', value: [] });
  t.is(a.durable.record.allocations.size, 0);
});

test('a released address is the last to be given out again, and not before its cooldown is over', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/29', { blockSize: 30 }),
    configuration({ ipCooldownSeconds: 60, maxBlocksPerHost: 1, strictAffinity: true }),
  ]);
  const a = await startHost(t, store, 'a');
  const first = addressesOf(await a.give('h1'))[0];
  await a.ipam.release({ handle: 'h1' });
  const rest = [];
  for (const handle of ['h2', 'h3', 'h4']) rest.push(...addressesOf(await a.give(handle)));
  t.false(rest.includes(first!));
  const refused = await a.give('h5');
  t.is(refused.kind, 'none');
  a.clock.nowMs += 60_000;
  t.deepEqual(addressesOf(await a.give('h5')), [first]);
});

test('what is said where there is none', async t => {
  const store = new MemoryStore([
    node('a', '10.0.0.1/24', { labels: { rack: '1' } }),
    ipPool('disabled', '10.1.0.0/16', { disabled: true }),
    ipPool('elsewhere', '10.2.0.0/16', { nodeSelector: 'rack == "2"' }),
    ipPool('manual', '10.3.0.0/16', { assignmentMode: 'Manual' }),
    ipPool('tunnels', '10.4.0.0/16', { allowedUses: ['Tunnel'] }),
    ipPool('of-shop', '10.5.0.0/16', { namespaceSelector: 'team == "shop"' }),
    ipPool('overlapping', '10.2.3.0/24'),
  ]);
  const a = await startHost(t, store, 'a');
  const outcome = await a.give('h');
  t.deepEqual(outcome.kind === 'none' ? outcome.reasons : [], [
    'pool disabled is disabled',
    'pool elsewhere does not select node a: nodeSelector rack == "2"',
    'pool manual gives addresses only where it is named: assignmentMode Manual',
    'pool of-shop is for namespaces: namespaceSelector team == "shop"',
    'pool overlapping (10.2.3.0/24) overlaps with pool elsewhere (10.2.0.0/16)',
    'pool tunnels is not for workloads: allowedUses Tunnel',
  ]);
  t.regex(addressesOf(await a.give('h', { pools: ['manual'] }))[0] ?? '', /^10\.3\./);
  t.regex(addressesOf(await a.give('t', { use: 'Tunnel' }))[0] ?? '', /^10\.4\./);
  const unknown = await a.give('u', { pools: ['nobody', 'disabled'] });
  t.deepEqual(unknown.kind === 'none' ? unknown.reasons : [], [
    'there is no pool nobody',
    'pool disabled is disabled',
  ]);
});

test('reserved addresses are given to who names them only', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/28', { blockSize: 28 }),
    reservation('low', '10.244.0.0/29', '10.244.0.9/32'),
  ]);
  const a = await startHost(t, store, 'a');
  t.deepEqual(addressesOf(await a.give('h1')), ['10.244.0.8']);
  t.deepEqual(addressesOf(await a.give('h2')), ['10.244.0.10']);
  t.deepEqual(addressesOf(await a.give('h3', { address: address('10.244.0.3') })), ['10.244.0.3']);
  const again = await a.give('h4', { address: address('10.244.0.3') });
  t.deepEqual(again, { kind: 'none', reasons: ['10.244.0.3 is in use by handle h3 on a'] });
});

test('a block that is reserved as a whole is not claimed for its addresses', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/24', { blockSize: 28 }),
    reservation('all', '10.244.0.0/25', '10.244.0.128/26', '10.244.0.192/27', '10.244.0.224/28'),
  ]);
  const a = await startHost(t, store, 'a');
  for (const handle of ['h1', 'h2'])
    t.regex(addressesOf(await a.give(handle))[0] ?? '', /^10\.244\.0\.24[01]$/);
  t.deepEqual(await affinities(store), ['a 10.244.0.240/28 confirmed']);
  await store.create(reservation('last', '10.244.0.240/28'));
  t.is((await a.give('h3')).kind, 'none');
  t.deepEqual(await affinities(store), ['a 10.244.0.240/28 confirmed']);
});

test('an exact address claims its block, is borrowed from another host, or refused', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const [a, b] = [await startHost(t, store, 'a'), await startHost(t, store, 'b')];
  t.deepEqual(addressesOf(await a.give('h1', { address: address('10.244.7.7') })), ['10.244.7.7']);
  t.deepEqual(await affinities(store), ['a 10.244.7.0/26 confirmed']);
  t.deepEqual(addressesOf(await b.give('h2', { address: address('10.244.7.8') })), ['10.244.7.8']);
  t.is((await storedBlock(store, '10.244.7.0/26'))?.allocations[1]?.node, 'b');
  await put(store, configuration({ strictAffinity: true }));
  await settled();
  t.is((await b.give('h3', { address: address('10.244.7.9') })).kind, 'none');
  const outside = await b.give('h4', { address: address('10.9.9.9') });
  t.deepEqual(
    outside.kind === 'none' ? outside.reasons[0] : '',
    'no IPv4 pool that gives addresses contains 10.9.9.9',
  );
});

test('who finds no block to claim borrows, unless strictAffinity forbids it', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/29', { blockSize: 30 })]);
  const hosts = [await startHost(t, store, 'a'), await startHost(t, store, 'b')] as const;
  for (const host of hosts) await host.give(`of-${hosts.indexOf(host)}`);
  const c = await startHost(t, store, 'c');
  const borrowed = addressesOf(await c.give('h'));
  t.is(borrowed.length, 1);
  t.is((await affinities(store)).length, 2);
  await put(store, configuration({ strictAffinity: true }));
  await settled();
  const refused = await c.give('h2');
  t.deepEqual(refused.kind === 'none' ? refused.reasons : [], [
    'no block of 10.244.0.0/29 is left to be claimed',
    'addresses of other hosts are not borrowed: strictAffinity is true',
  ]);
  t.deepEqual((await c.ipam.release({ handle: 'h' })).kind, 'released');
});

test('a block that a person gave to the host serves first, without what endpoints have of it', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/16'),
    block('a', '10.244.1.0/24'),
    workload('a', 'web', '10.244.1.0/32', '10.244.1.2/32'),
  ]);
  const a = await startHost(t, store, 'a');
  t.deepEqual(addressesOf(await a.give('h1')), ['10.244.1.1']);
  t.deepEqual(addressesOf(await a.give('h2')), ['10.244.1.3']);
  const found = await storedBlock(store, '10.244.1.0/24');
  t.is(found?.node, 'a');
  t.is(found?.claimedUnixMs, undefined);
  t.deepEqual(await affinities(store), ['a 10.244.1.0/24 confirmed']);
});

test('release asks for handle and sequence, and of what is not there nothing', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const a = await startHost(t, store, 'a');
  const outcome = await a.give('h');
  if (outcome.kind !== 'given') return t.fail();
  const [{ address: given, sequence }] = outcome.addresses as [(typeof outcome.addresses)[0]];
  t.is((await a.ipam.release({ handle: 'other', address: given })).kind, 'refused');
  t.is((await a.ipam.release({ address: given, sequence: sequence - 1 })).kind, 'refused');
  t.deepEqual(await a.ipam.release({ handle: 'h', address: given, sequence }), {
    kind: 'released',
    addresses: [given],
  });
  for (const request of [{ handle: 'h' }, { address: given }, { handle: 'never' }])
    t.deepEqual(await a.ipam.release(request), { kind: 'released', addresses: [] });
  t.deepEqual(await store.list('IPAMHandle'), { kind: 'ok', value: [] });
});

test('a workload whose handle nobody knows is released by what it is', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const a = await startHost(t, store, 'a');
  const [given] = addressesOf(await a.give('h', { attributes: { namespace: 'shop', pod: 'web-1' } }));
  await a.give('h2', { attributes: { namespace: 'shop', pod: 'web-2' } });
  const outcome = await a.ipam.release({ attributes: { namespace: 'shop', pod: 'web-1' } });
  t.deepEqual(outcome, { kind: 'released', addresses: [address(given!)] });
});

test('maxBlocksPerHost, and blocks that nobody may claim', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/24', { blockSize: 32 }),
    configuration({ maxBlocksPerHost: 2, strictAffinity: true }),
  ]);
  const a = await startHost(t, store, 'a');
  for (const handle of ['h1', 'h2']) t.is((await a.give(handle)).kind, 'given');
  t.deepEqual(await a.give('h3'), {
    kind: 'none',
    reasons: [
      "2 of a's own blocks have no free address",
      'a has 2 blocks: more are not allowed (maxBlocksPerHost)',
      'addresses of other hosts are not borrowed: strictAffinity is true',
    ],
  });
});

test('an exact address of a block that a person gave another host is borrowed, and the block stays that host’s', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16'), block('b', '10.244.1.0/24')]);
  const a = await startHost(t, store, 'a');
  t.deepEqual(addressesOf(await a.give('h', { address: address('10.244.1.7') })), ['10.244.1.7']);
  const found = await storedBlock(store, '10.244.1.0/24');
  t.is(found?.node, 'b');
  t.is(found?.claimedUnixMs, undefined);
  t.deepEqual(await affinities(store), ['b 10.244.1.0/24 confirmed']);
  await put(store, block('c', '10.244.2.0/24', 'pending'));
  await settled();
  const refused = await a.give('h2', { address: address('10.244.2.7') });
  t.deepEqual(refused.kind === 'none' ? refused.reasons : [], [
    "10.244.2.7: c's claim on its block 10.244.2.0/24 is pending",
  ]);
});

test('a handle has its addresses on one host', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16')]);
  const [a, b] = [await startHost(t, store, 'a'), await startHost(t, store, 'b')];
  const [given] = addressesOf(await a.give('h'));
  const refused = await b.give('h');
  t.deepEqual(refused.kind === 'none' ? refused.reasons : [], [
    `handle h has ${given} on a: release it first`,
  ]);
  await b.ipam.release({ handle: 'h' });
  t.is((await b.give('h')).kind, 'given');
});

test('blocks of a pool that is disabled or deleted give nothing more, and what they gave stays', async t => {
  const store = new MemoryStore([
    ipPool('old', '10.1.0.0/16'),
    ipPool('new', '10.2.0.0/16', { disabled: true }),
  ]);
  const a = await startHost(t, store, 'a');
  const [before] = addressesOf(await a.give('h1'));
  t.regex(before ?? '', /^10\.1\./);
  await store.delete({ kind: 'IPPool', name: 'old' });
  await settled();
  t.deepEqual(await a.give('h2'), { kind: 'none', reasons: ['pool new is disabled'] });
  t.deepEqual(addressesOf(await a.give('h1')), [before]);
});

test('out of a wide block by hand nothing is given that is in a block of another inside it', async t => {
  const store = new MemoryStore([
    ipPool('pods', '10.244.0.0/16'),
    block('a', '10.244.0.0/29'),
    block('b', '10.244.0.0/31'),
    block('c', '10.244.0.4/30'),
  ]);
  const a = await startHost(t, store, 'a');
  t.deepEqual(addressesOf(await a.give('h1', { count: { ipv4: 2, ipv6: 0 } })), ['10.244.0.2', '10.244.0.3']);
  const b = await startHost(t, store, 'b');
  const [other] = addressesOf(await b.give('h2'));
  t.false(['10.244.0.0', '10.244.0.1'].includes(other ?? ''));
});
