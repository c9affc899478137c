/** A route reflector among agents: it takes part in no mesh, passes on what its clients tell it, and has nothing of its own. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../../support/eventually.js';
import { LoopbackAgents } from './loopback-agents.js';

const established = async (agents: LoopbackAgents, ...names: string[]) =>
  (await Promise.all(names.map(name => agents.established(name)))).every(Boolean);

test('mode route-reflector: a cluster id in its Node, clients by a BGPPeer, their routes reflected', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  agents.write('rr', { kind: 'Node', labels: { role: 'rr' }, spec: {} });
  agents.write('rr', { kind: 'BGPPeer', spec: { nodeSelector: '!has(role)', peerSelector: "role == 'rr'" } });
  agents.write('pods', { kind: 'IPPool', spec: { cidr: '10.244.0.0/16' } });
  for (const [node, third] of [
    ['a', 1],
    ['b', 2],
    ['rr', 3],
  ] as const) {
    const spec = { node, cidr: `10.244.${third}.0/26`, state: 'confirmed' };
    agents.write(`${node}-block`, { kind: 'BlockAffinity', spec });
  }
  agents.write('default', {
    kind: 'BGPConfiguration',
    spec: { listenPort: agents.port, bindMode: 'NodeIP', nodeToNodeMeshEnabled: false },
  });
  void agents.start('rr', 4, { flags: ['--mode', 'route-reflector'] });
  void agents.start('a', 2);
  void agents.start('b', 3);
  t.true(
    await eventually(() => established(agents, 'a', 'b', 'rr'), 20_000),
    JSON.stringify(await agents.peers('a')),
  );
  t.deepEqual(
    (await agents.peers('a')).map(({ name }) => name),
    ['rr'],
  );
  t.deepEqual((await agents.peers('rr')).map(({ name }) => name).sort(), ['a', 'b']);
  const node = await agents.client('a').resource({ kind: 'Node', name: 'rr' });
  t.is(
    node.resource.kind === 'Node' && node.resource.spec.bgp?.routeReflectorClusterID,
    '127.0.0.4' as never,
  );
  const received = async (at: string) => {
    const found: string[] = [];
    for await (const { prefix, originatorId, clusterList } of agents
      .client(at)
      .routes({ table: 'received', peer: 'rr' })) {
      found.push(`${prefix} ${originatorId} ${clusterList}`);
    }
    return found;
  };
  const reflected = async () => (await received('b')).join() === '10.244.1.0/26 127.0.0.2 127.0.0.4';
  t.true(await eventually(reflected, 10_000), JSON.stringify(await received('b')));
  const status = await agents.status('rr');
  t.is(status?.dataplane.kind, 'none');
  t.true(status?.rib.inSync);

  // Another AS number for the reflector: its speaker begins anew in the same thread.
  const spec = {
    bgp: { asNumber: 64600, ipv4Address: '127.0.0.4/32', routeReflectorClusterID: '127.0.0.4' },
  };
  agents.write('rr', { kind: 'Node', labels: { role: 'rr' }, spec });
  t.true(await eventually(async () => (await agents.status('rr'))?.speaker.restarts === 1, 15_000));
  const renumbered = async () =>
    (await agents.peers('a')).every(peer => peer.asn === 64600 && peer.state === 'Established');
  t.true(await eventually(renumbered, 30_000), JSON.stringify(await agents.peers('a')));
});

test('a mesh with a password: down and said without its Secret, up with it; the password is shown nowhere', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  const nodeMeshPassword = { secretKeyRef: { name: 'bgp', key: 'mesh' } };
  agents.write('default', {
    kind: 'BGPConfiguration',
    spec: { listenPort: agents.port, bindMode: 'NodeIP', nodeMeshPassword },
  });
  const ended = [agents.start('a', 2), agents.start('b', 3)];
  const said = async () =>
    ((await agents.status('a'))?.conditions ?? []).some(({ message }) =>
      /Secret\/bgp does not exist/.test(message),
    );
  t.true(await eventually(said, 20_000));
  t.true((await agents.peers('a')).every(({ state }) => state === 'Idle'));
  agents.write('bgp', { kind: 'Secret', stringData: { mesh: 'hunter2-hunter2' } });
  t.true(
    await eventually(() => established(agents, 'a', 'b'), 20_000),
    JSON.stringify(await agents.peers('a')),
  );
  t.is(statSync(join(agents.store, 'Secret-bgp.yaml')).mode & 0o777, 0o600);
  const outputs: string[] = [];
  for (const words of [
    ['get', 'secret'],
    ['get', 'secret', 'bgp', '-o', 'yaml'],
    ['get', 'secrets', '-o', 'json'],
    ['describe', 'secret', 'bgp'],
    ['describe', 'node', 'b'],
    ['status'],
    ['status', '-o', 'json'],
    ['peers', '-o', 'json'],
    ['apply', '--dry-run', '-f', join(agents.store, 'Secret-bgp.yaml')],
  ]) {
    const result = await agents.bgpctl('a', ...words);
    t.is(result.code, 0, words.join(' '));
    outputs.push(result.stdout, result.stderr);
  }
  await Promise.all([agents.end('a'), agents.end('b')]);
  for (const { stdout, stderr } of await Promise.all(ended)) outputs.push(stdout, stderr);
  const all = outputs.join('\n');
  t.regex(all, /mesh: \(not shown\)/);
  t.notRegex(all, /hunter2|aHVudGVy/);
});
