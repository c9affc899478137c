import test from 'ava';
import { ControlFailure } from '../../../agent/control/backend.js';
import { AgentBackend } from '../../../agent/control-backend.js';
import { agentStatus } from '../../../agent/status.js';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { passingRecord } from '../../../ipam/host-record.js';
import { tunnelHandle } from '../../../ipam/names.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { affinities, ipPool, startHost, storedBlock } from '../../ipam/hosts.js';
import { eventually } from '../../support/eventually.js';
import { node } from '../documents.js';
import { runAgent } from '../running-agent.js';

const pool = ipPool('pods', '10.244.0.0/24');

test('addresses by the control API: assigned, shown, checked, released', async t => {
  const running = await runAgent(t, [pool], { addressRecord: passingRecord() });
  const ipam = new AgentBackend(running.agent, () => {}).ipam();
  const attributes = { 'kept-by': 'test' };
  const { addresses, node } = await ipam.assign({ handle: 'h', attributes });
  t.is(node, 'a');
  const [given] = addresses;
  const [shown] = (await ipam.show()).pools;
  t.is(shown?.inUse, 1);
  t.is(shown?.blocks[0]?.node, 'a');
  t.is((await ipam.address(given!.address)).allocation?.handle, 'h');
  t.deepEqual((await ipam.check()).problems, []);
  const none = await t.throwsAsync(ipam.assign({ handle: 'h6', ipv6: 1 }), { instanceOf: ControlFailure });
  t.is(none?.status, 409);
  const [refused] = await ipam.release([{ handle: 'other', address: given!.address }]);
  t.not(refused?.refused, null);
  const [released] = await ipam.release([{ handle: 'h' }]);
  t.deepEqual(released?.released, [given!.address]);
});

test('what a host has inside its tunnels is not given back as long as there is the host', async t => {
  const running = await runAgent(t, [pool], { addressRecord: passingRecord() });
  const ipam = new AgentBackend(running.agent, () => {}).ipam();
  const handle = tunnelHandle('b');
  const { addresses } = await ipam.assign({ handle, attributes: { 'kept-by': 'test' } });
  const { address } = addresses[0]!;
  const b = node('b', '10.0.0.2/24');
  const spec = { bgp: { ...b.spec.bgp, ipv4IPIPTunnelAddr: address as Ipv4Address } };
  await running.store.create({ ...b, spec });
  t.true(
    await eventually(() => running.agent.documents('Node').some(({ metadata }) => metadata.name === 'b')),
  );
  for (const asked of [{ handle }, { address }, { handle, address }]) {
    const [result] = await ipam.release([asked]);
    t.deepEqual(result?.released, []);
    t.regex(result?.refused ?? '', /what node b has inside its tunnels/);
  }
  await running.store.delete({ kind: 'Node', name: 'b' });
  t.true(await eventually(async () => (await ipam.release([{ address }]))[0]?.released[0] === address));
});

test('for a node that does not exist nothing is claimed', async t => {
  const running = await runAgent(t, [pool], { addressRecord: passingRecord() });
  const ipam = new AgentBackend(running.agent, () => {}).ipam();
  const failed = await t.throwsAsync(ipam.assign({ handle: 'h', node: 'b' }), { instanceOf: ControlFailure });
  t.is(failed?.message, 'no address: there is no node b');
  t.deepEqual(await affinities(running.store), []);
  await running.store.create(node('b', '10.0.0.2/24'));
  t.true(
    await eventually(
      async () => (await ipam.assign({ handle: 'h', node: 'b' }).catch(() => {})) !== undefined,
    ),
  );
});

test('an agent without a record manages no addresses, and says so', async t => {
  const running = await runAgent(t, [pool]);
  t.is(running.agent.ipam, undefined);
  const backend = new AgentBackend(running.agent, () => {});
  t.is(t.throws(() => backend.ipam(), { instanceOf: ControlFailure })?.status, 409);
});

test('what an agent had before is back in a store that has forgotten it', async t => {
  const durable = passingRecord();
  const before = await startHost(t, new MemoryStore([pool]), 'a', durable, { nowMs: Date.now() });
  await before.give('h');
  const running = await runAgent(t, [pool], { addressRecord: durable });
  const [cidr] = [...durable.record.claims.keys()];
  t.true(await eventually(async () => (await storedBlock(running.store, cidr!))?.allocations.length === 1));
  t.true(await eventually(async () => (await affinities(running.store)).length === 1));
  t.true(await eventually(() => running.agent.cluster.blocksOf('a').length === 1));
});

test('a block and an address that are another’s by right are conditions, and the block is not announced', async t => {
  const durable = passingRecord();
  const lost = await startHost(t, new MemoryStore([pool]), 'a', durable, { nowMs: Date.now() });
  await lost.give('of-a', { address: '10.244.0.5' as never });
  const store = new MemoryStore([pool]);
  const older = await startHost(t, store, 'b', passingRecord(), { nowMs: Date.now() - 60_000 });
  await older.give('of-b', { address: '10.244.0.5' as never });
  const running = await runAgent(t, [], { store, addressRecord: durable });
  const conditions = () => agentStatus(running.agent).conditions.map(({ objects }) => objects[0]);
  t.true(await eventually(() => conditions().includes('10.244.0.5')));
  t.true(conditions().includes('10.244.0.0/26'));
  t.deepEqual(await affinities(store), ['b 10.244.0.0/26 confirmed']);
  t.deepEqual(running.agent.cluster.blocksOf('a'), []);
  await new AgentBackend(running.agent, () => {}).ipam().release([{ handle: 'of-a' }]);
  t.false(conditions().includes('10.244.0.5'));
});

test('a store that is away keeps what is known, and says that nothing is certain', async t => {
  const store = new MemoryStore([pool]);
  const running = await runAgent(t, [], { store, addressRecord: passingRecord() });
  const away = { kind: 'error', error: { kind: 'unavailable', operation: 'get', detail: 'gone' } } as const;
  store.get = async () => away;
  const ipam = new AgentBackend(running.agent, () => {}).ipam();
  const failed = await t.throwsAsync(ipam.assign({ handle: 'h' }), { instanceOf: ControlFailure });
  t.is(failed?.status, 503);
  store.list = async () => away;
  const unread = await t.throwsAsync(ipam.show(), { instanceOf: ControlFailure });
  t.regex(unread?.message ?? '', /^the records of addresses cannot be read: .*gone/);
});

test('where the record cannot be written nothing is given out', async t => {
  const broken = { ...passingRecord(), keep: () => Promise.reject(new Error('disk full')) };
  const running = await runAgent(t, [pool], { addressRecord: broken });
  const ipam = new AgentBackend(running.agent, () => {}).ipam();
  const failed = await t.throwsAsync(ipam.assign({ handle: 'h' }), { instanceOf: ControlFailure });
  t.is(failed?.status, 503);
  t.regex(failed?.message ?? '', /disk full/);
});
