import test from 'ava';
import { vtepMacOf } from '../../agent/calculators/tunnel-identity.js';
import { agentStatus } from '../../agent/status.js';
import type { NodeResource } from '../../core/resources/resource.js';
import { MemoryStore } from '../../store/memory-store.js';
import { eventually } from '../support/eventually.js';
import { peerStatus } from './control/fake-backend.js';
import { asn, node, pool } from './documents.js';
import { type RunningAgent, runAgent } from './running-agent.js';

const OWN = { kind: 'Node', name: 'a' } as const;

async function stored({ store }: RunningAgent): Promise<NodeResource | undefined> {
  const found = await store.get(OWN);
  return found.kind === 'ok' ? (found.value.resource as NodeResource) : undefined;
}

/** Time for everything that has been written to come round. */
const settled = () => new Promise(resolve => setTimeout(resolve, 50));

test('a host without a Node document makes it', async t => {
  const running = await runAgent(t, []);
  t.is((await stored(running))?.spec.bgp?.ipv4Address, '10.0.0.1/24');
  t.is(running.agent.cluster.speaker?.routerId as string, '10.0.0.1');
});

test('the own Node deleted under a running agent is made again, and its speaker goes on', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')]);
  const told = running.commands.length;
  await running.store.delete(OWN);
  t.true(await eventually(async () => (await stored(running)) !== undefined));
  await settled();
  t.is((await stored(running))?.spec.bgp?.ipv4Address, '10.0.0.1/24');
  t.deepEqual(running.restarts, []);
  t.deepEqual(running.commands.slice(told), []);
});

test('what its author wrote into it goes with the deletion', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24', { asNumber: 65001 })]);
  t.is(running.agent.cluster.speaker?.asn as number, 65001);
  await running.store.delete(OWN);
  t.true(await eventually(() => running.restarts.length > 0));
  await settled();
  t.is(running.agent.cluster.speaker?.asn as number, 64512);
  t.is(running.restarts.length, 1);
});

test('an address that was taken out of it is put back beside the rest', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24')]);
  const found = await running.store.get(OWN);
  if (found.kind !== 'ok') return t.fail();
  await running.store.update(node('a', undefined, { labels: { rack: '1' } }), found.value.revision);
  t.true(await eventually(async () => (await stored(running))?.spec.bgp?.ipv4Address === '10.0.0.1/24'));
  t.deepEqual((await stored(running))?.metadata.labels, { rack: '1' });
  t.deepEqual(running.restarts, []);
});

test('a host that cannot tell its address leaves its Node alone', async t => {
  const refused = { kind: 'refused', reason: 'two candidates' } as const;
  const running = await runAgent(t, [node('a', '10.0.0.1/24')], { nodeAddress: () => refused });
  await running.store.delete(OWN);
  await settled();
  t.is(await stored(running), undefined);
  t.true(agentStatus(running.agent).conditions.some(({ message }) => message === 'two candidates'));
});

test('a store that refuses the Node is asked again until it takes it', async t => {
  const store = new MemoryStore();
  const { create } = store;
  let full = true;
  store.create = async resource =>
    full
      ? { kind: 'error', error: { kind: 'unavailable', operation: 'write', detail: 'disk full' } }
      : create.call(store, resource);
  const running = await runAgent(t, [], { store });
  t.true(agentStatus(running.agent).conditions.some(({ message }) => message === 'write: disk full'));
  full = false;
  running.clock.advance(5000);
  t.true(await eventually(async () => (await stored(running)) !== undefined));
  t.true(await eventually(() => agentStatus(running.agent).conditions.length === 0));
});

test('a dead speaker: said in status, its peers down, and the table asked for only once its successor is in sync', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')]);
  const { agent, handler, commands } = running;
  const peer = peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2', state: 'Established' });
  handler.event({ kind: 'ready', listening: [] });
  handler.event({ kind: 'peer-status', peer });
  handler.event({ kind: 'rib-in-sync', family: 'ipv4-unicast', timedOut: false });
  const pulls = () => commands.filter(({ kind }) => kind === 'pull-best-routes').length;
  const before = pulls();

  handler.restarted('boom', 1000);
  const status = agentStatus(agent);
  t.like(status.speaker, { state: 'restarting', restarts: 1 });
  t.is(status.peers.established, 0);
  t.false(status.rib.inSync);
  t.is(pulls(), before);

  handler.event({ kind: 'ready', listening: [] });
  t.is(pulls(), before);
  handler.event({ kind: 'rib-in-sync', family: 'ipv4-unicast', timedOut: false });
  t.is(pulls(), before + 1);
  t.is(agentStatus(agent).speaker.state, 'running');
});

test('another AS number restarts the speaker; another listening port does not', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24')]);
  const found = await running.store.get(OWN);
  if (found.kind !== 'ok') return t.fail();
  await running.store.update(node('a', '10.0.0.1/24', { asNumber: 65001 }), found.value.revision);
  t.true(await eventually(() => running.restarts.length === 1));
  t.is(running.agent.cluster.speaker?.asn, asn(65001));
  await running.store.create({
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPConfiguration',
    metadata: { name: 'default', labels: {}, annotations: {} },
    spec: { listenPort: 1179 },
  });
  t.true(await eventually(() => running.agent.cluster.speaker?.listen[0]?.port === 1179));
  t.is(running.restarts.length, 1);
});

test('a peer removed while the speaker is away is gone', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')]);
  const peer = peerStatus({ key: 'Mesh_10_0_0_2', address: '10.0.0.2' });
  running.handler.event({ kind: 'peer-status', peer });
  running.handler.restarted('boom', 1000);
  await running.store.delete({ kind: 'Node', name: 'b' });
  t.true(await eventually(() => running.agent.speaker.peers.size === 0));
});

test('a port that cannot be had names who holds it, once', async t => {
  const portHolder = () => ({ pid: 42, command: 'bird' });
  const running = await runAgent(t, [], { portHolder });
  const endpoint = { address: '10.0.0.1' as never, port: 179 };
  for (let i = 0; i < 2; i++) {
    running.handler.event({ kind: 'listen-failed', endpoint, error: 'address already in use' });
  }
  t.deepEqual(agentStatus(running.agent).speaker.listenErrors, [
    '10.0.0.1:179: address already in use, held by bird (pid 42)',
  ]);
  running.handler.event({ kind: 'ready', listening: [endpoint] });
  t.deepEqual(agentStatus(running.agent).speaker.listenErrors, []);
});

test('a store that refuses the Node keeps no host from having its address', async t => {
  const store = new MemoryStore();
  store.create = async () => ({
    kind: 'error',
    error: { kind: 'unavailable', operation: 'write', detail: 'read-only file system' },
  });
  const running = await runAgent(t, [node('b', '10.0.0.2/24')], { store });
  t.is(running.agent.cluster.speaker?.routerId as string, '10.0.0.1');
  t.true(agentStatus(running.agent).conditions.some(({ message }) => message.includes('read-only')));
});

test('a MAC of its VXLAN device that was taken out of it under a running agent does not come back', async t => {
  const mac = '02:00:00:00:00:0c';
  const written = node('a', '10.0.0.1/24');
  const vxlan = pool('pods', '10.244.0.0/16');
  const running = await runAgent(t, [
    { ...written, spec: { ...written.spec, vxlanTunnelMACAddr: mac } },
    { ...vxlan, spec: { ...vxlan.spec, vxlanMode: 'Always' } },
  ]);
  t.is((await stored(running))?.spec.vxlanTunnelMACAddr, mac);
  const found = await running.store.get(OWN);
  if (found.kind !== 'ok') return t.fail();
  await running.store.update(written, found.value.revision);
  const derived = vtepMacOf('a');
  t.true(await eventually(async () => (await stored(running))?.spec.vxlanTunnelMACAddr === derived));
  await settled();
  t.is((await stored(running))?.spec.vxlanTunnelMACAddr, derived);
});

test('the AS number that its host is configured with stands in its Node, whatever else does', async t => {
  const running = await runAgent(t, [node('a', '10.0.0.1/24', { asNumber: 65001 })], {
    asNumber: asn(65002),
  });
  t.like((await stored(running))?.spec.bgp, { asNumber: 65002 as never, ipv4Address: '10.0.0.1/24' });
  t.is(agentStatus(running.agent).speaker.asn, 65002);
});
