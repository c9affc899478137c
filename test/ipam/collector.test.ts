/** What is left over goes, after two looks and a while; what anybody may still want stays. */
import test, { type ExecutionContext } from 'ava';
import type { IPAMHandleResource } from '../../core/resources/cluster-documents.js';
import { collect, readRecords } from '../../ipam/collect.js';
import { Collector, USUAL_GRACE_MS } from '../../ipam/collector.js';
import { inconsistencies } from '../../ipam/inconsistencies.js';
import { blockId, handleId, tunnelHandle } from '../../ipam/names.js';
import { releaseHost } from '../../ipam/release-host.js';
import { KEPT_BY } from '../../ipam/request.js';
import { MemoryStore } from '../../store/memory-store.js';
import type { Store } from '../../store/port.js';
import { block, node, workload } from '../agent/documents.js';
import { address, addressesOf, affinities, ipPool, put, startHost, type TestHost } from './hosts.js';

const MINUTE = 60_000;
const pod = (name: string) => ({ attributes: { namespace: 'shop', pod: name } });

interface Looks {
  /** @param minutes after the look before */
  look(minutes: number): Promise<readonly string[]>;
}

function looks(host: TestHost, store: Store): Looks {
  const collector = new Collector({ graceMs: USUAL_GRACE_MS });
  let nowMs = 0;
  return {
    look: async minutes => {
      nowMs += minutes * MINUTE;
      const { documents } = await readRecords(store);
      return await collect(host.ipam.context, collector, nowMs, name => !documents.hasNode(name));
    },
  };
}

async function allocated(store: Store): Promise<readonly string[]> {
  const { blocks } = await readRecords(store);
  return blocks.flatMap(({ allocations }) => allocations.map(({ handle }) => handle)).sort();
}

async function names(store: Store): Promise<readonly string[]> {
  return inconsistencies(await readRecords(store)).map(({ name }) => name);
}

async function cluster(t: ExecutionContext) {
  const store = new MemoryStore([
    node('a', '10.0.0.1/24'),
    node('b', '10.0.0.2/24'),
    ipPool('pods', '10.244.0.0/16'),
  ]);
  const [a, b] = [await startHost(t, store, 'a'), await startHost(t, store, 'b')];
  return { store, a, b, ...looks(a, store) };
}

test('an address without its endpoint goes after the grace period and not before', async t => {
  const { store, a, look } = await cluster(t);
  await a.give('leaked', pod('web'));
  t.deepEqual(await names(store), ['leaked-address']);
  t.deepEqual(await look(0), []);
  t.deepEqual(await look(14), []);
  t.is((await look(1)).length, 1);
  t.deepEqual(await allocated(store), []);
  t.deepEqual(await names(store), []);
  t.is(a.durable.record.allocations.size, 0);
});

test('one look is none, however late it is', async t => {
  const { store, a, look } = await cluster(t);
  await a.give('leaked', pod('web'));
  t.deepEqual(await look(600), []);
  t.deepEqual(await allocated(store), ['leaked']);
});

test('what is used, kept or of unknown use stays', async t => {
  const { store, a, look } = await cluster(t);
  const [used = ''] = addressesOf(await a.give('used', pod('web')));
  await put(store, workload('a', 'web', `${used}/32`));
  await a.give('kept', { attributes: { ...pod('x').attributes, [KEPT_BY]: 'bgpctl' } });
  await a.give('unknown');
  await a.give(tunnelHandle('b'), { use: 'Tunnel' });
  for (const minutes of [0, 20, 20]) t.deepEqual(await look(minutes), []);
  t.is((await allocated(store)).length, 4);
  t.deepEqual(await names(store), []);
});

test('an endpoint that comes in time, or at the last moment, keeps its address', async t => {
  const { store, a, look } = await cluster(t);
  const [late = ''] = addressesOf(await a.give('late', pod('web')));
  await look(0);
  await look(14);
  await put(store, workload('b', 'web', `${late}/32`));
  t.deepEqual(await look(2), []);
  await store.delete({ kind: 'WorkloadEndpoint', namespace: 'default', name: 'web' });
  // From the beginning.
  t.deepEqual(await look(1), []);
  t.deepEqual(await look(14), []);
  t.is((await look(1)).length, 1);
});

test('of a handle all goes, or nothing', async t => {
  const { store, a, look } = await cluster(t);
  await put(store, ipPool('pods6', 'fd00:10:244::/64'));
  await new Promise(resolve => setTimeout(resolve, 10));
  const both = addressesOf(await a.give('dual', { ...pod('web'), count: { ipv4: 1, ipv6: 1 } }));
  await put(store, workload('a', 'web', `${both[1]}/128`));
  for (const minutes of [0, 20, 20]) t.deepEqual(await look(minutes), []);
  t.is((await allocated(store)).length, 2);
  await store.delete({ kind: 'WorkloadEndpoint', namespace: 'default', name: 'web' });
  await look(1);
  await look(15);
  t.deepEqual(await allocated(store), []);
});

test('of a host that is gone everything goes but what somebody keeps, its blocks are nobody’s', async t => {
  const { store, b, look } = await cluster(t);
  const [used = ''] = addressesOf(await b.give('pod', pod('web')));
  await put(store, workload('b', 'web', `${used}/32`));
  await b.give('unknown');
  await b.give(tunnelHandle('b'), { use: 'Tunnel' });
  await store.delete({ kind: 'Node', name: 'b' });
  t.deepEqual(new Set(await names(store)), new Set(['address-of-gone-host']));
  await look(0);
  await look(15);
  t.deepEqual(await allocated(store), []);
  await look(1);
  await look(15);
  t.deepEqual(await affinities(store), []);
  const { blocks } = await readRecords(store);
  t.deepEqual(
    blocks.map(({ node: owner }) => owner),
    [undefined],
  );
});

test('what somebody keeps on a host that is gone stays, and is named', async t => {
  const { store, b, look } = await cluster(t);
  await b.give('vm', { attributes: { 'kept-by': 'me' } });
  t.deepEqual(await names(store), []);
  await store.delete({ kind: 'Node', name: 'b' });
  await look(0);
  await look(15);
  t.deepEqual(await allocated(store), ['vm']);
  t.true((await names(store)).includes('kept-on-gone-host'));
});

test('a handle without an address goes, one that was forgotten is written again', async t => {
  const { store, a, look } = await cluster(t);
  await a.give('h');
  await store.delete(handleId('h'));
  const idle: IPAMHandleResource = {
    apiVersion: 'margay.io/v1',
    kind: 'IPAMHandle',
    metadata: { name: 'idle', labels: {}, annotations: {} },
    spec: { handle: 'idle', blocks: [{ cidr: '10.244.0.0/26' as never }] },
  };
  await put(store, idle);
  t.deepEqual([...(await names(store))].sort(), ['address-without-handle', 'handle-without-address']);
  await look(0);
  await look(1);
  t.deepEqual(await names(store), ['handle-without-address']);
  await look(14);
  t.deepEqual(await names(store), []);
  t.is((await store.get(handleId('h'))).kind, 'ok');
});

test('claims that a host left unfinished go when it is gone', async t => {
  const { store, look } = await cluster(t);
  await put(store, block('gone', '10.244.9.0/26', 'pending'));
  await put(store, block('a', '10.244.8.0/26', 'pending'));
  await look(0);
  await look(15);
  t.deepEqual(await affinities(store), ['a 10.244.8.0/26 pending']);
});

test('a block whose affinity is gone has it again, one that a person took back is nobody’s', async t => {
  const { store, a, look } = await cluster(t);
  await a.give('h');
  const before = await affinities(store);
  for (const { name } of a.documents.affinitiesOf('a').map(({ metadata }) => metadata))
    await store.delete({ kind: 'BlockAffinity', name });
  t.deepEqual(await names(store), ['block-without-affinity']);
  await look(0);
  await look(1);
  t.deepEqual(await affinities(store), before);
  await put(store, block('b', '10.244.77.0/26'));
  const given = await startHost(t, store, 'b');
  t.deepEqual(addressesOf(await given.give('of-b')), ['10.244.77.0']);
  await store.delete({ kind: 'BlockAffinity', name: 'b-10-244-77-0-26' });
  await look(0);
  await look(1);
  t.deepEqual(await names(store), []);
  t.deepEqual(await affinities(store), before);
});

test('an empty record of a block in no pool is removed', async t => {
  const { store, b, look } = await cluster(t);
  await b.give('h', { address: address('10.244.5.5') });
  await b.ipam.release({ handle: 'h' });
  await store.delete({ kind: 'Node', name: 'b' });
  await store.delete({ kind: 'IPPool', name: 'pods' });
  for (const minutes of [0, 15, 1, 15]) await look(minutes);
  t.is((await store.get(blockId('10.244.5.0/26' as never))).kind, 'error');
  t.deepEqual(await affinities(store), []);
});

test('a host that is deleted leaves nothing but what somebody keeps, and does not claim it back', async t => {
  const { store, a, b } = await cluster(t);
  await b.give('pod', pod('web'));
  await b.give('kept', { attributes: { [KEPT_BY]: 'me' } });
  await b.give(tunnelHandle('b'), { use: 'Tunnel' });
  await a.give('of-a');
  t.is(await releaseHost(store, 'b', () => b.clock.nowMs + 1), 2);
  t.deepEqual(await allocated(store), ['kept', 'of-a']);
  t.deepEqual(
    (await affinities(store)).map(each => each.split(' ')[0]),
    ['a'],
  );
  const back = await startHost(t, store, 'b', b.durable);
  t.is(await back.ipam.reassert(), undefined);
  t.deepEqual(await allocated(store), ['kept', 'of-a']);
  t.is((await affinities(store)).length, 1);
  t.is(b.durable.record.lost.size, 0);
});
