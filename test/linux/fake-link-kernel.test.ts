import test from 'ava';
import { FakeLinkKernel } from '../support/fake-link-kernel.js';
import { linkContract, vxlan } from './link-contract.js';

linkContract(test, 'VXLAN in memory', 'vxlan', () => new FakeLinkKernel());
linkContract(test, 'IPIP in memory', 'ipip', () => new FakeLinkKernel());

const newLink = (name: string, vni: number) => ({ name, alias: '', mtu: 1400, tunnel: { ...vxlan, vni } });

test('the kernel in memory counts, refuses and loses its socket as it is told', async t => {
  const kernel = new FakeLinkKernel();
  kernel.refuse('b', 12, 'no');
  const refusals = await kernel.createLinks([newLink('a', 1), newLink('b', 2), newLink('c', 3)]);
  t.deepEqual([...refusals], [[1, { errno: 12, text: 'no' }]]);
  t.like(kernel.calls, { batches: 1, createLinks: 3, dumps: 0 });
  kernel.accept('b');
  kernel.failNext();
  await t.throwsAsync(kernel.createLinks([newLink('b', 2), newLink('d', 4)]));
  await kernel.links();
  t.deepEqual([kernel.writes, kernel.calls.dumps], [4, 1]);
  t.truthy(kernel.link('b'), 'the first half was done');
  t.is(kernel.link('d'), undefined);
  kernel.failNext();
  await t.throwsAsync(kernel.fdb());
  t.is((await kernel.createLinks([])).size, 0);
  t.is(kernel.calls.batches, 2);
});

test('somebody else puts and removes links of the kernel in memory', async t => {
  const kernel = new FakeLinkKernel();
  const ifindex = kernel.put({ name: 'eth0', kind: 'veth' });
  const address = { ifindex, address: '10.0.0.1' as never, prefixLength: 24, scope: 0, flags: 0 };
  await kernel.addAddresses([address]);
  t.deepEqual(
    (await kernel.links()).map(({ name }) => name),
    ['lo', 'eth0'],
  );
  kernel.remove('eth0');
  kernel.remove('eth9');
  t.deepEqual(await kernel.addresses(), []);
  t.is((await kernel.links()).length, 1);
});
