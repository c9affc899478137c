import test from 'ava';
import { MeshPeersCalculator } from '../../../agent/calculators/mesh-peers.js';
import { BgpConfigurations, nodeAddress } from '../../../agent/calculators/node-view.js';
import {
  type Candidate,
  compareCandidates,
  defaultPeerTimers,
  peerConfig,
  peerKey,
} from '../../../agent/calculators/peer-config.js';
import { compilePeer, parsePeerIp } from '../../../agent/calculators/peer-scope.js';
import type { PeerConfig, RoutePolicy } from '../../../bgp/speaker/contract.js';
import type { NodeResource } from '../../../core/resources/resource.js';
import { asn, bgpConfiguration, bgpPeer, node, type State } from '../documents.js';
import { accumulate, runStateSequence } from './state-sequence.js';

const OWN = 'host1';
const nothing: RoutePolicy = { rules: [], otherwise: 'reject' };

function peersOf(state: State): PeerConfig[] {
  const calculator = new MeshPeersCalculator(OWN, defaultPeerTimers);
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  return [...calculator.flush().set.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

const rows = (state: State) =>
  peersOf(state).map(
    peer => `${peer.key} ${peer.type} ${peer.name} ${peer.address}:${peer.port} AS${peer.asn}`,
  );

const three = [node(OWN, '10.0.0.1/24'), node('host2', '10.0.0.2/24'), node('host3', '10.0.0.3/24')];

test('the mesh is one peer per other node, AS 64512', t => {
  t.deepEqual(rows(three), [
    'Mesh_10_0_0_2 node-to-node mesh host2 10.0.0.2:179 AS64512',
    'Mesh_10_0_0_3 node-to-node mesh host3 10.0.0.3:179 AS64512',
  ]);
});

test('a mesh peer speaks from the node address, shares its subnet, dials and may be far away', t => {
  const [peer] = peersOf([node(OWN, '10.0.0.1/24'), node('host2', '10.0.0.2/24')]);
  t.like(peer, {
    localAddress: '10.0.0.1',
    sharedSubnets: ['10.0.0.0/24'],
    passive: false,
    ttl: 64,
    multihop: true,
    gracefulRestart: true,
    holdTimeSeconds: 90,
    administrativeState: 'up',
  });
  const [far] = peersOf([node(OWN, '10.0.0.1/24'), node('host2', '10.9.0.2/24')]);
  t.deepEqual(far?.sharedSubnets, []);
});

test('AS numbers and ports come from the node, then its own configuration, then the default one', t => {
  t.deepEqual(
    rows([
      ...three,
      node('host4', '10.0.0.4/24', { asNumber: 65004 }),
      bgpConfiguration('default', { asNumber: asn(64999), listenPort: 1179 }),
      bgpConfiguration('node.host3', { listenPort: 1180 }),
    ]),
    [
      'Mesh_10_0_0_2 node-to-node mesh host2 10.0.0.2:1179 AS64999',
      'Mesh_10_0_0_3 node-to-node mesh host3 10.0.0.3:1180 AS64999',
      'Mesh_10_0_0_4 node-to-node mesh host4 10.0.0.4:1179 AS65004',
    ],
  );
});

test('no mesh when it is off, when this node has no document, or towards reflectors and nodes without an address', t => {
  t.deepEqual(rows([...three, bgpConfiguration('default', { nodeToNodeMeshEnabled: false })]), []);
  t.deepEqual(rows(three.slice(1)), []);
  t.deepEqual(rows([node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' }), ...three.slice(1)]), []);
  t.deepEqual(
    rows([three[0] as NodeResource, node('host2', '10.0.0.2/24', { cluster: '1.1.1.1' }), node('host3')]),
    [],
  );
});

test('a global peer is on every node, a node peer on its node, and both beat the mesh for the same address', t => {
  const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) });
  t.deepEqual(rows([node(OWN, '10.0.0.1/24'), tor]), ['Global_10_0_0_254 global tor 10.0.0.254:179 AS65000']);
  const mine = bgpPeer('mine', { node: OWN, peerIP: '10.0.0.254:1179', asNumber: asn(65001) });
  const other = bgpPeer('other', { node: 'host2', peerIP: '10.0.0.253', asNumber: asn(65001) });
  t.deepEqual(rows([node(OWN, '10.0.0.1/24'), tor, mine, other]), [
    'Node_10_0_0_254_port_1179 node specific mine 10.0.0.254:1179 AS65001',
  ]);
  const overMesh = bgpPeer('over', { peerIP: '10.0.0.2', asNumber: asn(64513) });
  t.deepEqual(rows([...three.slice(0, 2), overMesh]), ['Global_10_0_0_2 global over 10.0.0.2:179 AS64513']);
});

test('selectors: peers for some nodes, peers among nodes, and the reverse peering that goes with it', t => {
  const noMesh = bgpConfiguration('default', { nodeToNodeMeshEnabled: false });
  const reflector = node('rr', '10.0.0.9/24', { labels: { role: 'rr' }, cluster: '9.9.9.9' });
  const viaRr = bgpPeer('via-rr', { nodeSelector: `role == 'worker'`, peerSelector: `role == 'rr'` });
  const worker = (name: string, address: string) => node(name, address, { labels: { role: 'worker' } });
  const cluster = [noMesh, reflector, viaRr, worker('host2', '10.0.0.2/24')];
  t.deepEqual(rows([...cluster, worker(OWN, '10.0.0.1/24')]), [
    'Node_10_0_0_9 node specific rr 10.0.0.9:179 AS64512',
  ]);
  const asReflector = [
    noMesh,
    viaRr,
    node(OWN, '10.0.0.9/24', { labels: { role: 'rr' } }),
    worker('host2', '10.0.0.2/24'),
  ];
  t.deepEqual(rows(asReflector), ['Node_10_0_0_2 node specific host2 10.0.0.2:179 AS64512']);
  const oneWay = bgpPeer('via-rr', { ...viaRr.spec, reversePeering: 'Manual' });
  t.deepEqual(rows([...asReflector.filter(document => document !== viaRr), oneWay]), []);
});

test('our own address is never a peer', t => {
  const self = bgpPeer('self', { peerIP: '10.0.0.1', asNumber: asn(65000) });
  const twin = node('twin', '10.0.0.1/24');
  t.deepEqual(rows([node(OWN, '10.0.0.1/24'), self, twin]), []);
});

test('what cannot be honoured and guards a session keeps it down, and is said', t => {
  const guarded = bgpPeer('guarded', {
    peerIP: '10.0.0.254',
    asNumber: asn(65000),
    password: { secretKeyRef: { name: 's', key: 'k' } },
    reachableBy: '10.0.0.253' as never,
  });
  const calculator = new MeshPeersCalculator(OWN, defaultPeerTimers);
  for (const resource of [node(OWN, '10.0.0.1/24'), guarded])
    calculator.onChange({ kind: 'changed', resource });
  t.is(calculator.flush().set.get('Global_10_0_0_254')?.administrativeState, 'down');
  t.deepEqual(
    calculator.conditions.map(({ severity, objects }) => [severity, objects[1]]),
    [
      ['error', 'password'],
      ['warning', 'reachableBy'],
    ],
  );
});

test('a mesh that asks for a password is kept down, other peers are not', t => {
  const calculator = new MeshPeersCalculator(OWN, defaultPeerTimers);
  const tor = bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) });
  const nodeMeshPassword = { secretKeyRef: { name: 's', key: 'k' } };
  for (const resource of [...three, tor, bgpConfiguration('default', { nodeMeshPassword })]) {
    calculator.onChange({ kind: 'changed', resource });
  }
  const peers = calculator.flush().set;
  t.deepEqual([...peers.values()].map(peer => `${peer.address} ${peer.administrativeState}`).sort(), [
    '10.0.0.2 down',
    '10.0.0.254 up',
    '10.0.0.3 down',
  ]);
  t.deepEqual(
    calculator.conditions.map(({ severity, objects }) => [severity, objects[1]]),
    [['error', 'nodeMeshPassword']],
  );
  calculator.onChange({ kind: 'changed', resource: bgpConfiguration('default', {}) });
  t.is(calculator.flush().set.get('Mesh_10_0_0_2')?.administrativeState, 'up');
  t.deepEqual(calculator.conditions, []);
});

test('several BGPPeers for one address are reported, the mesh losing is normal', t => {
  const calculator = new MeshPeersCalculator(OWN, defaultPeerTimers);
  const documents = [
    ...three,
    bgpPeer('a', { peerIP: '10.0.0.2', asNumber: asn(1) }),
    bgpPeer('b', { peerIP: '10.0.0.2', asNumber: asn(2) }),
    bgpPeer('c', { peerIP: '10.0.0.3', asNumber: asn(3) }),
    bgpPeer('d', { node: 'nobody', peerIP: '10.0.0.7', asNumber: asn(3) }),
  ];
  for (const resource of documents) calculator.onChange({ kind: 'changed', resource });
  t.is(calculator.flush().set.get('Global_10_0_0_2')?.asn, asn(1));
  t.deepEqual(
    calculator.conditions.map(({ key }) => key),
    ['duplicate-peer BGPPeer/a BGPPeer/b', 'unknown-node BGPPeer/d'],
  );
});

test('timers: a long keepalive stretches the hold time', t => {
  const spec = { peerIP: '10.0.0.254', asNumber: asn(65000) };
  const [slow] = peersOf([node(OWN, '10.0.0.1/24'), bgpPeer('p', { ...spec, keepaliveTime: '1m' })]);
  t.like(slow, { holdTimeSeconds: 180, keepaliveTimeSeconds: 60 });
  const [fast] = peersOf([node(OWN, '10.0.0.1/24'), bgpPeer('p', { ...spec, keepaliveTime: '10s' })]);
  t.like(fast, { holdTimeSeconds: 90, keepaliveTimeSeconds: 10 });
});

test('peerIP with and without a port, both families', t => {
  t.deepEqual(parsePeerIp('10.0.0.1'), { address: '10.0.0.1' as never, port: 179 });
  t.deepEqual(parsePeerIp('10.0.0.1:1179'), { address: '10.0.0.1' as never, port: 1179 });
  t.deepEqual(parsePeerIp('[2001:DB8::1]:1179'), { address: '2001:db8::1' as never, port: 1179 });
  t.deepEqual(parsePeerIp('2001:db8::1'), { address: '2001:db8::1' as never, port: 179 });
  for (const wrong of ['10.0.0.1:0', '10.0.0.1:65536', 'host:179', '[10.0.0', '']) {
    t.is(parsePeerIp(wrong), undefined, wrong);
  }
});

// ---------------------------------------------------------------- against the obvious twin

/** The whole answer from the whole state, without indexes. */
function twin(state: State): Map<string, PeerConfig> {
  const nodes = new Map<string, NodeResource>();
  const configurations = new BgpConfigurations();
  for (const resource of state) {
    if (resource.kind === 'Node') nodes.set(resource.metadata.name, resource);
    if (resource.kind === 'BGPConfiguration') configurations.set(resource);
  }
  const own = nodes.get(OWN);
  const candidates: Candidate[] = [];
  const add = (rank: Candidate['rank'], remote: NodeResource, document?: Candidate['document']) => {
    const { name } = remote.metadata;
    const address = nodeAddress(remote)?.address;
    const remoteAsn = configurations.asn(remote, name);
    const port = configurations.listenPort(name);
    if (address !== undefined) candidates.push({ rank, address, port, asn: remoteAsn, name, document });
  };
  const others = [...nodes.values()].filter(other => other.metadata.name !== OWN);
  const meshOn = configurations.of(OWN, 'nodeToNodeMeshEnabled') !== false;
  const isReflector = (other: NodeResource) => other.spec.bgp?.routeReflectorClusterID !== undefined;
  if (own !== undefined && meshOn && !isReflector(own)) {
    for (const other of others) if (!isReflector(other)) add('mesh', other);
  }
  for (const resource of state) {
    if (resource.kind !== 'BGPPeer') continue;
    const peer = compilePeer(resource);
    if (peer.address !== undefined && peer.appliesTo(OWN, own)) {
      const { asNumber } = resource.spec;
      if (asNumber !== undefined) {
        candidates.push({
          rank: peer.rank,
          ...peer.address,
          asn: asNumber,
          name: peer.name,
          document: resource,
        });
      }
    }
    for (const other of own === undefined ? [] : others) {
      const there = peer.appliesTo(OWN, own) && peer.selects(other);
      const back = peer.selects(own as NodeResource) && peer.appliesTo(other.metadata.name, other);
      if (there || (back && resource.spec.reversePeering !== 'Manual')) add(peer.rank, other, resource);
    }
  }
  const found = new Map<string, PeerConfig>();
  for (const address of new Set(candidates.map(candidate => candidate.address))) {
    if (address === nodeAddress(own)?.address) continue;
    const best = candidates.filter(candidate => candidate.address === address).sort(compareCandidates)[0];
    const local = {
      own,
      localAsn: configurations.asn(own, OWN),
      exportPolicy: nothing,
      timers: defaultPeerTimers,
      meshGuarded: false,
    };
    if (best !== undefined) found.set(peerKey(best), peerConfig(best, local));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const states: State[] = [
  three,
  [...three, bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: asn(65000) })],
  [...three.slice(0, 2), bgpPeer('tor', { peerIP: '10.0.0.2', asNumber: asn(65000) })],
  [node(OWN, '10.0.0.3/24'), node('host2', '10.0.0.2/16', { asNumber: 65002 }), node('host3', '10.0.0.3/24')],
  [
    node(OWN, '10.0.0.1/24', { labels: { rack: 'a' } }),
    node('host2', '10.0.0.2/24', { labels: { rack: 'b' } }),
    node('rr', '10.0.0.9/24', { labels: { rack: 'a', role: 'rr' }, cluster: '1.1.1.1' }),
    bgpPeer('rrs', { nodeSelector: `!has(role)`, peerSelector: `role == 'rr'` }),
    bgpPeer('rack', { nodeSelector: `rack == 'b'`, peerSelector: `rack == 'a'` }),
  ],
  [
    node(OWN, '10.0.0.1/24', { labels: { role: 'rr' }, cluster: '1.1.1.1' }),
    node('host2', '10.0.0.2/24'),
    bgpPeer('rrs', { nodeSelector: `!has(role)`, peerSelector: `role == 'rr'`, reversePeering: 'Manual' }),
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false, asNumber: asn(65010) }),
  ],
  [
    ...three,
    bgpPeer('a', { peerIP: '10.0.0.2', asNumber: asn(1) }),
    bgpPeer('b', { node: OWN, peerIP: '10.0.0.2:1179', asNumber: asn(2) }),
    bgpConfiguration('node.host3', { listenPort: 1180 }),
  ],
  [...three, bgpPeer('b', { node: 'host3', peerIP: '10.0.0.2:1179', asNumber: asn(2) })],
];

test('state sequences agree with the whole-snapshot twin', t => {
  const create = () => {
    const calculator = new MeshPeersCalculator(OWN, defaultPeerTimers);
    const output = accumulate<string, PeerConfig>(t);
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => output.apply(calculator.flush()),
    };
  };
  runStateSequence(t, states, create, twin);
});
