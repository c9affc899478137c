import test, { type ExecutionContext } from 'ava';
import { TunnelAddresses } from '../../../agent/ipam/tunnel-addresses.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { AddressFamily, IpAddress, PerFamily } from '../../../core/ip-address.js';
import { passingRecord } from '../../../ipam/host-record.js';
import { MemoryStore } from '../../../store/memory-store.js';
import type { Store } from '../../../store/port.js';
import { address, affinities, ipPool, startHost, storedBlock } from '../../ipam/hosts.js';
import { eventually } from '../../support/eventually.js';
import { block, workload } from '../documents.js';

interface Asked {
  readonly tunnels: TunnelAddresses;
  readonly clock: FakeClock;
  readonly assigned: PerFamily<IpAddress>[];
  wanted: AddressFamily[];
  written: IpAddress | undefined;
  /** Resolves when nothing is being asked for any more. */
  settled(): Promise<void>;
}

async function ask(t: ExecutionContext, store: Store, durable = passingRecord()): Promise<Asked> {
  const host = await startHost(t, store, 'a', durable);
  const clock = new FakeClock();
  const assigned: PerFamily<IpAddress>[] = [];
  const asked: Omit<Asked, 'tunnels'> = {
    ...{ clock, assigned, wanted: ['ipv4'], written: undefined },
    settled: async () => {
      await new Promise(resolve => setTimeout(resolve, 30));
      await host.ipam.tidy();
    },
  };
  const tunnels = new TunnelAddresses({
    ...{ ipam: host.ipam, clock, changed: () => {} },
    wanted: () => result.wanted,
    written: () => result.written,
    assigned: addresses => assigned.push(addresses),
  });
  t.teardown(() => tunnels.close());
  const result: Asked = Object.assign(asked, { tunnels });
  return result;
}

const pool = ipPool('pods', '10.244.0.0/16', { ipipMode: 'Always' });

test('out of a block that a person gave the host, at once, and what a workload has is left to it', async t => {
  const store = new MemoryStore([pool, block('a', '10.244.1.0/24'), workload('a', 'w', '10.244.1.0/32')]);
  const asked = await ask(t, store);
  asked.tunnels.begin();
  t.true(await eventually(() => asked.assigned.length > 0));
  t.deepEqual(asked.assigned, [{ ipv4: address('10.244.1.1'), ipv6: undefined }]);
  const [allocation] = (await storedBlock(store, '10.244.1.0/24'))?.allocations ?? [];
  t.is(allocation?.handle, 'tunnel-a');
});

test('without a block it claims one, after it has waited for somebody to give it one', async t => {
  const store = new MemoryStore([pool]);
  const asked = await ask(t, store);
  asked.tunnels.begin();
  await asked.settled();
  t.deepEqual(await affinities(store), []);
  asked.clock.advance(4999);
  await asked.settled();
  t.deepEqual(await affinities(store), []);
  asked.clock.advance(1);
  t.true(await eventually(() => asked.assigned.length > 0));
  t.is((await affinities(store)).length, 1);
});

test('what the Node says stays, and is no workload’s from then on', async t => {
  const store = new MemoryStore([pool, block('a', '10.244.1.0/24')]);
  const asked = await ask(t, store);
  asked.written = address('10.244.1.77');
  asked.tunnels.begin();
  t.true(await eventually(() => asked.assigned.length > 0));
  t.is(asked.assigned[0]?.ipv4, address('10.244.1.77'));
  asked.written = address('10.244.1.78');
  asked.tunnels.review();
  t.true(await eventually(() => asked.tunnels.addresses.ipv4 === '10.244.1.78'));
  await asked.settled();
  const found = await storedBlock(store, '10.244.1.0/24');
  t.deepEqual(
    found?.allocations.map(each => each.address),
    [address('10.244.1.78')],
  );
  // Not out of a block of this host: nobody would come by it.
  asked.written = address('10.9.9.9');
  asked.tunnels.review();
  await asked.settled();
  t.is(asked.tunnels.addresses.ipv4, address('10.244.1.78'));
});

test('it is known at the start without the store, and the same as before', async t => {
  const store = new MemoryStore([pool, block('a', '10.244.1.0/24')]);
  const durable = passingRecord();
  const before = await ask(t, store, durable);
  before.tunnels.begin();
  t.true(await eventually(() => before.assigned.length > 0));
  const again = await ask(t, store, durable);
  t.is(again.tunnels.addresses.ipv4, before.tunnels.addresses.ipv4);
  again.tunnels.begin();
  await again.settled();
  t.deepEqual(again.assigned, []);
});

test('why there is none is said, and asked again until there is one', async t => {
  const store = new MemoryStore([ipPool('pods', '10.244.0.0/16', { allowedUses: ['Workload'] })]);
  const asked = await ask(t, store);
  asked.tunnels.begin();
  await asked.settled();
  asked.clock.advance(5000);
  t.true(await eventually(() => asked.tunnels.problems.has('ipv4')));
  t.is(asked.tunnels.problems.get('ipv4'), 'pool pods is not for tunnels: allowedUses Workload');
  await store.create(ipPool('tunnels', '10.3.0.0/16'));
  await asked.settled();
  asked.clock.advance(10_000);
  t.true(await eventually(() => asked.tunnels.addresses.ipv4 !== undefined));
  t.is(asked.tunnels.problems.size, 0);
  asked.wanted = [];
  asked.tunnels.review();
  await asked.settled();
  t.not(asked.tunnels.addresses.ipv4, undefined);
});
