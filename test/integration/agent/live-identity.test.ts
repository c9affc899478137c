/** AS number and router id changed while agents run: the speaker begins anew, and the peers come back. */
import test from 'ava';
import { eventually } from '../../support/eventually.js';
import { LoopbackAgents } from './loopback-agents.js';

test('another AS number for the cluster: every speaker restarts once, the mesh comes back in the new AS', async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  void agents.start('b', 3);
  const established = async () => (await agents.established('a')) && agents.established('b');
  t.true(await eventually(established, 20_000));
  t.is((await agents.status('a'))?.speaker.asn, 64512);

  const spec = { listenPort: agents.port, bindMode: 'NodeIP', asNumber: 4200000000 };
  agents.write('default', { kind: 'BGPConfiguration', spec });
  for (const name of ['a', 'b']) {
    t.true(await eventually(async () => (await agents.status(name))?.speaker.restarts === 1, 15_000));
  }
  t.true(await eventually(established, 30_000), JSON.stringify(await agents.peers('a')));
  const [peer] = await agents.peers('a');
  t.is(peer?.asn as number | undefined, 4200000000);
  t.is(peer?.localAsn as number | undefined, 4200000000);
  const status = await agents.status('b');
  t.is(status?.speaker.asn, 4200000000);
  t.is(status?.speaker.state, 'running');
  t.is(status?.speaker.restarts, 1);
});

test("another address in the host's own Node is another router id", async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  agents.write('a', { kind: 'Node', spec: { bgp: { ipv4Address: '127.0.0.2/32' } } });
  // It cannot tell its address: what the document says is all there is.
  void agents.start('a', 2, { address: 'interface=mgy-none' });
  void agents.start('b', 3);
  t.true(await eventually(() => agents.established('b'), 20_000));
  t.is((await agents.peers('b'))[0]?.session?.remoteRouterId as string, '127.0.0.2');

  agents.write('a', { kind: 'Node', spec: { bgp: { ipv4Address: '127.0.0.9/32' } } });
  const renamed = async () => {
    const [peer] = await agents.peers('b');
    return peer?.state === 'Established' && peer.session?.remoteRouterId === '127.0.0.9';
  };
  t.true(await eventually(renamed, 30_000), JSON.stringify(await agents.peers('b')));
  const status = await agents.status('a');
  t.is(status?.speaker.routerId, '127.0.0.9');
  t.is(status?.speaker.restarts, 1);
  t.deepEqual(status?.speaker.listening, [{ address: '127.0.0.9' as never, port: agents.port }]);
  t.is((await agents.peers('b')).length, 1);
});

test("a host's own Node deleted under its agent is made again, and the peers come back", async t => {
  t.timeout(60_000);
  const agents = await LoopbackAgents.create(t);
  void agents.start('a', 2);
  void agents.start('b', 3);
  t.true(await eventually(() => agents.established('b'), 20_000));
  t.is((await agents.bgpctl('b', 'delete', 'node', 'a')).code, 0);
  t.true(await eventually(async () => (await agents.bgpctl('b', 'get', 'node', 'a')).code === 0, 10_000));
  t.true(await eventually(() => agents.established('b'), 30_000), JSON.stringify(await agents.peers('b')));
  t.is((await agents.peers('b'))[0]?.name, 'a');
  t.is((await agents.status('a'))?.speaker.restarts, 0);
});
