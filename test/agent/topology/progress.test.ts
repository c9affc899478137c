import test from 'ava';
import { goingPeers, topologyProgress } from '../../../agent/topology/progress.js';
import { directSession, type TopologySession } from '../../../agent/topology/topology-session.js';
import type { PeerStatus } from '../../../bgp/speaker/contract.js';
import { peerStatus } from '../control/fake-backend.js';

const stays: TopologySession = { ...directSession, part: 'reflector' };
const ends: TopologySession = { ...directSession, stays: false };
const arranged = new Map([
  ['Mesh_1', { name: 'one', session: stays }],
  ['Mesh_2', { name: 'two', session: ends }],
]);
const both = ['ipv4-unicast', 'ipv6-unicast'];

function established(key: string, more: object = {}): PeerStatus {
  const session = {
    families: both,
    endOfRibReceived: both,
    endOfRibSent: both,
    gracefulRestart: { restartTimeSeconds: 120, restarting: false, notification: false, forwarding: [] },
    ...more,
  };
  return peerStatus({ key, address: '10.0.0.1', state: 'Established', session: session as never });
}

const of = (
  peer: PeerStatus | undefined,
  dependence: Parameters<typeof topologyProgress>[0]['dependence'] = [],
) =>
  topologyProgress({
    generation: 7,
    arranged,
    peers: new Map(peer === undefined ? [] : [[peer.key, peer]]),
    dependence,
  });

test('a host is in sync with the sessions that stay, whatever becomes of the others', t => {
  t.deepEqual(of(established('Mesh_1')), { generation: 7, inSync: true, detail: '', waitsFor: [] });
});

test('it is not before a session is there, is established, and both ends have told everything', t => {
  const idle = peerStatus({
    key: 'Mesh_1',
    address: '10.0.0.1',
    state: 'Active',
    info: 'connection refused',
  });
  for (const [peer, words] of [
    [undefined, /has not begun/],
    [idle, /Active: connection refused/],
    [established('Mesh_1', { endOfRibReceived: ['ipv4-unicast'] }), /has not told/],
    [established('Mesh_1', { endOfRibSent: [] }), /has not been told/],
  ] as const) {
    const progress = of(peer);
    t.like(progress, { inSync: false, waitsFor: ['one'] });
    t.regex(progress.detail, words);
  }
  // Without graceful restart no End-of-RIB has to come.
  t.true(of(established('Mesh_1', { endOfRibReceived: [], gracefulRestart: undefined })).inSync);
});

test('it is not as long as a route is known by what is to go alone', t => {
  const progress = of(established('Mesh_1'), [
    { peer: 'Mesh_2', prefixes: 3, example: '10.244.2.0/26' as never },
  ]);
  t.like(progress, { inSync: false, waitsFor: ['two'] });
  t.regex(progress.detail, /3 routes.*10\.244\.2\.0\/26.*two/);
});

test('what goes are sessions that end, and relays that go on without what others tell', t => {
  const relay = { ...directSession, relayEnds: true };
  t.deepEqual(goingPeers(new Map([...arranged, ['Mesh_3', { name: 'three', session: relay }]])), {
    ending: ['Mesh_2'],
    relays: ['Mesh_3'],
  });
});
