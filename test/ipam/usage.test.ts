import test from 'ava';
import { readRecords } from '../../ipam/collect.js';
import { addressView, givenAddresses, poolUsages } from '../../ipam/usage.js';
import { MemoryStore } from '../../store/memory-store.js';
import { block, node, workload } from '../agent/documents.js';
import { address, ipPool, reservation, startHost } from './hosts.js';

test('how much of pools and blocks is in use, and by whom an address', async t => {
  const store = new MemoryStore([
    node('a', '10.0.0.1/24'),
    ipPool('pods', '10.244.0.0/24', { blockSize: 28 }),
    ipPool('pods6', 'fd00:10:244::/64'),
    reservation('low', '10.244.0.0/31'),
    block('a', '10.244.0.0/28'),
    block('a', '10.9.0.0/28'),
    workload('a', 'web', '10.244.0.9/32'),
  ]);
  const [a, b] = [await startHost(t, store, 'a'), await startHost(t, store, 'b')];
  await a.give('h1', { attributes: { pod: 'x' } });
  await b.give('h2', { address: address('10.244.0.1') });
  await a.give('h3');
  await a.ipam.release({ handle: 'h3' });
  await a.give('t', { use: 'Tunnel', pools: ['none'] });
  const { documents, blocks } = await readRecords(store);
  const usages = poolUsages(documents, blocks);
  const [pods, pods6] = usages;
  t.deepEqual(pods, {
    pool: 'pods',
    cidr: '10.244.0.0/24' as never,
    disabled: false,
    total: 256,
    inUse: 3,
    reserved: 1,
    free: 252,
    blocks: [
      {
        cidr: '10.244.0.0/28' as never,
        node: 'a',
        byHand: true,
        total: 16,
        inUse: 3,
        reserved: 1,
        free: 12,
        borrowed: 1,
      },
    ],
  });
  t.is(pods6?.total, 2 ** 64);
  t.deepEqual(pods6?.blocks, []);
  t.is(usages.length, 2);
  const view = (text: string) => addressView(documents, blocks, address(text));
  t.is(view('10.244.0.2').state, 'in-use');
  t.deepEqual(view('10.244.0.2').allocation?.attributes, { pod: 'x' });
  t.is(view('10.244.0.2').owner, 'a');
  t.is(view('10.244.0.1').allocation?.node, 'b');
  t.is(view('10.244.0.0').state, 'reserved');
  t.is(view('10.244.0.9').state, 'used-without-allocation');
  t.deepEqual(view('10.244.0.9').users, ['WorkloadEndpoint/default/web']);
  t.is(view('10.244.0.77').state, 'free');
  t.is(view('10.244.0.77').pool, 'pods');
  t.is(view('192.0.2.1').state, 'outside-pools');
  const given = givenAddresses(documents, blocks);
  t.deepEqual(
    given.map(each => each.address),
    given.map(each => each.address).toSorted(),
  );
  t.deepEqual(
    given.find(each => each.address === '10.244.0.1'),
    view('10.244.0.1'),
  );
  t.is(given.length, 3);
});
