import test from 'ava';
import { MeshPeersCalculator } from '../../../agent/calculators/mesh-peers.js';
import { nodeAddress } from '../../../agent/calculators/node-view.js';
import {
  type Candidate,
  compareCandidates,
  peerConfig,
  peerKey,
} from '../../../agent/calculators/peer-config.js';
import { defaultPeerTimers, PeerContext } from '../../../agent/calculators/peer-context.js';
import { compilePeer, parsePeerIp } from '../../../agent/calculators/peer-scope.js';
import { FAMILIES, type Family, familyOf } from '../../../bgp/family.js';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import { needsReset } from '../../../bgp/speaker/peer-change.js';
import type { NodeResource } from '../../../core/resources/resource.js';
import {
  asn,
  bgpConfiguration,
  bgpFilter,
  bgpPeer,
  node,
  nodeStatus,
  type State,
  secret,
} from '../documents.js';
import { accumulate, runStateSequence } from './state-sequence.js';

const OWN = 'host1';
const options = { nodeName: OWN, timers: defaultPeerTimers, mode: 'node' } as const;

function peersOf(state: State): PeerConfig[] {
  const calculator = new MeshPeersCalculator(options);
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

test('a BGPPeer in our IPv6 subnet is on the interface of our address: link-local next hops are good there', t => {
  const state = [
    node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' }),
    node('host2', '10.0.0.2/24', { ipv6: 'fd00::2/64' }),
    bgpPeer('near', { peerIP: 'fd00::9', asNumber: asn(65001) }),
    bgpPeer('far', { peerIP: 'fd99::9', asNumber: asn(65001) }),
    bgpPeer('ipv4', { peerIP: '10.0.0.9', asNumber: asn(65001) }),
    // A node, which is known by its global address: its tunnels end there.
    node('host3', '10.0.0.3/24', { ipv6: 'fd00::3/64' }),
    bgpPeer('host3', { peerIP: 'fd00::3', asNumber: asn(64512) }),
  ];
  const calculator = new MeshPeersCalculator(options);
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  const interfaces = () =>
    [...calculator.flush().set.values()].map(peer => `${peer.name} ${peer.interface}`).sort();
  t.true(interfaces().every(each => each.endsWith(' undefined')));
  calculator.setInterfaces(
    new Map([
      ['fd00::1', 'eth1'],
      ['10.0.0.1', 'eth0'],
    ] as never),
    new Map(),
  );
  // Told of nobody else: the mesh and IPv4 sessions have no use for it.
  t.deepEqual(interfaces(), ['near eth1']);
});

test('an IPv6 peer in our subnet, of the mesh or not, is told our link-local address on the interface of ours, as it changes', t => {
  const calculator = new MeshPeersCalculator(options);
  for (const resource of [
    node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' }),
    node('host2', '10.0.0.2/24', { ipv6: 'fd00::2/64' }),
    node('host3', '10.0.0.3/24', { ipv6: 'fd77::3/64' }),
    bgpPeer('near', { peerIP: 'fd00::9', asNumber: asn(65001) }),
    bgpPeer('far', { peerIP: 'fd99::9', asNumber: asn(65001) }),
    bgpPeer('ipv4', { peerIP: '10.0.0.9', asNumber: asn(65001) }),
  ])
    calculator.onChange({ kind: 'changed', resource });
  const before = calculator.flush().set;
  t.true([...before.values()].every(({ linkLocalAddress }) => linkLocalAddress === undefined));
  const change = (interfaces: object, linkLocals: object) => {
    calculator.setInterfaces(
      new Map(Object.entries(interfaces)) as never,
      new Map(Object.entries(linkLocals)) as never,
    );
    return [...calculator.flush().set.values()];
  };
  const told = (peers: ReturnType<typeof change>) =>
    peers.map(({ address, linkLocalAddress }) => `${address} ${linkLocalAddress}`).sort();
  const interfaces = { 'fd00::1': 'eth1', '10.0.0.1': 'eth1' };
  const known = change(interfaces, { eth0: 'fe80::a', eth1: 'fe80::1' });
  t.deepEqual(told(known), ['fd00::2 fe80::1', 'fd00::9 fe80::1']);
  const changed = change(interfaces, { eth0: 'fe80::a', eth1: 'fe80::2' });
  t.deepEqual(told(changed), ['fd00::2 fe80::2', 'fd00::9 fe80::2']);
  // The peers keep their sessions.
  for (const after of changed) t.false(needsReset(known.find(({ key }) => key === after.key)!, after));
  t.deepEqual(told(change(interfaces, {})), ['fd00::2 undefined', 'fd00::9 undefined']);
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

/** What was told at the first flush, and the conditions then. */
function calculated(state: State, mode: 'node' | 'route-reflector' = 'node') {
  const calculator = new MeshPeersCalculator({ ...options, mode });
  for (const resource of state) calculator.onChange({ kind: 'changed', resource });
  const peers = calculator.flush().set;
  const keys = calculator.conditions.map(({ severity, key }) => `${severity} ${key}`);
  return { calculator, peers, keys };
}

const tor = { peerIP: '10.0.0.254', asNumber: asn(65000) };
const fromSecret = { secretKeyRef: { name: 's', key: 'k' } };

test('a password that is not to be had keeps the session down and is said; where it is, nobody is told it', t => {
  const documents = [node(OWN, '10.0.0.1/24'), bgpPeer('tor', { ...tor, password: fromSecret })];
  const without = calculated(documents);
  t.like(without.peers.get('Global_10_0_0_254'), { administrativeState: 'down', password: undefined });
  t.deepEqual(without.keys, ['error no-password BGPPeer/tor Secret/s']);
  t.regex(
    without.calculator.conditions[0]?.message ?? '',
    /Secret\/s does not exist: its sessions are kept down/,
  );
  for (const [values, problem] of [
    [{ other: 'x' }, /no key "k"/],
    [{ k: '\n' }, /is empty/],
    [{ k: 'x'.repeat(81) }, /has 81 bytes/],
  ] as const) {
    const wrong = calculated([...documents, secret('s', values as never)]);
    t.is(wrong.peers.get('Global_10_0_0_254')?.administrativeState, 'down');
    t.regex(wrong.calculator.conditions[0]?.message ?? '', problem);
  }
  const { calculator } = without;
  calculator.onChange({ kind: 'changed', resource: secret('s', { k: 'hunter2\n' }) });
  t.like(calculator.flush().set.get('Global_10_0_0_254'), { administrativeState: 'up', password: 'hunter2' });
  t.deepEqual(calculator.conditions, []);
  calculator.onChange({ kind: 'changed', resource: secret('s', { k: 'hunter3' }) });
  t.like(calculator.flush().set.get('Global_10_0_0_254'), { administrativeState: 'up', password: 'hunter3' });
  calculator.onChange({ kind: 'deleted', id: { kind: 'Secret', name: 's' } });
  t.like(calculator.flush().set.get('Global_10_0_0_254'), {
    administrativeState: 'down',
    password: undefined,
  });
});

test('passwords of the host: down until they are read, then as read', t => {
  const { calculator, peers } = calculated([
    node(OWN, '10.0.0.1/24'),
    bgpPeer('tor', tor, { passwordFile: '/etc/margay/tor' }),
    bgpConfiguration('default', {}, { passwordEnv: 'MESH' }),
    ...three.slice(1),
  ]);
  t.true([...peers.values()].every(({ administrativeState }) => administrativeState === 'down'));
  t.deepEqual(calculator.passwordSources, [
    { kind: 'environment', name: 'MESH' },
    { kind: 'file', path: '/etc/margay/tor' },
  ]);
  calculator.setHostPasswords(
    new Map([
      ['file /etc/margay/tor', { kind: 'found', text: 'one' }],
      ['environment MESH', { kind: 'missing', problem: 'the environment variable MESH is not set' }],
    ]),
  );
  t.deepEqual([...calculator.flush().set.values()].map(({ key, password }) => `${key} ${password}`).sort(), [
    'Global_10_0_0_254 one',
    'Mesh_10_0_0_2 undefined',
    'Mesh_10_0_0_3 undefined',
  ]);
  t.deepEqual(
    calculator.conditions.map(({ message }) => message),
    [
      'BGPConfiguration/default wants a password, and the environment variable MESH is not set: the mesh is kept down',
    ],
  );
});

test('a mesh that asks for a password is kept down without it, other peers are not', t => {
  const documents = [...three, bgpPeer('tor', tor)];
  const { calculator, peers, keys } = calculated([
    ...documents,
    bgpConfiguration('default', { nodeMeshPassword: fromSecret }),
  ]);
  t.deepEqual([...peers.values()].map(peer => `${peer.address} ${peer.administrativeState}`).sort(), [
    '10.0.0.2 down',
    '10.0.0.254 up',
    '10.0.0.3 down',
  ]);
  t.deepEqual(keys, ['error no-password BGPConfiguration/default Secret/s']);
  calculator.onChange({ kind: 'changed', resource: secret('s', { k: 'x' }) });
  t.like(calculator.flush().set.get('Mesh_10_0_0_2'), { administrativeState: 'up', password: 'x' });
  t.deepEqual(calculator.conditions, []);
});

test('filters stand before the default policies, in their order; one that is not there is left out and said', t => {
  const first = bgpFilter('first', { importV4: [{ action: 'Reject' }], importV6: [{ action: 'Accept' }] });
  const second = bgpFilter('second', { exportV4: [{ action: 'Accept', source: 'RemotePeers' }] });
  const { peers, keys } = calculated([
    node(OWN, '10.0.0.1/24'),
    first,
    second,
    bgpPeer('tor', { ...tor, filters: ['first', 'nowhere', 'second'] }),
    bgpPeer('plain', { ...tor, peerIP: '10.0.0.253' }),
  ]);
  const rules = (policy: PeerConfig['importPolicy']) => [
    ...(policy?.rules ?? []).map(({ reason }) => reason),
    policy?.otherwise,
  ];
  t.deepEqual(rules(peers.get('Global_10_0_0_254')?.importPolicy), [
    'BGPFilter first, importV4[0]',
    'accept',
  ]);
  t.deepEqual(rules(peers.get('Global_10_0_0_254')?.exportPolicy), [
    'BGPFilter second, exportV4[0]',
    'reject',
  ]);
  t.is(peers.get('Global_10_0_0_253')?.importPolicy, undefined);
  t.deepEqual(keys, ['error missing-filter BGPPeer/tor BGPFilter/nowhere']);
});

test('a reflector’s own peers: what is asked for by filters, all to internal ones, nothing to external ones', t => {
  const { peers } = calculated(
    [
      node(OWN, '10.0.0.1/24'),
      bgpFilter('out', {
        exportV4: [{ action: 'Reject', cidr: '10.0.0.0/8' as never, matchOperator: 'Equal' }],
      }),
      bgpPeer('filtered', { ...tor, filters: ['out'] }),
      bgpPeer('plain', { ...tor, peerIP: '10.0.0.253' }),
      bgpPeer('client', { peerIP: '10.0.0.7', asNumber: asn(64512) }),
      ...three.slice(1),
    ],
    'route-reflector',
  );
  t.deepEqual([...peers.keys()].sort(), ['Global_10_0_0_253', 'Global_10_0_0_254', 'Global_10_0_0_7']);
  t.is(peers.get('Global_10_0_0_254')?.exportPolicy?.otherwise, 'accept');
  t.is(peers.get('Global_10_0_0_253')?.exportPolicy, undefined);
  t.true(peers.get('Global_10_0_0_7')?.routeReflectorClient);
  t.false(peers.get('Global_10_0_0_253')?.routeReflectorClient);
});

test('a reflector knows no interfaces, and says so of rules for one', t => {
  const documents = [
    node(OWN, '10.0.0.1/24'),
    bgpFilter('f', { importV6: [{ action: 'Reject', interface: 'eth*' }] }),
    bgpPeer('tor', { ...tor, filters: ['f'] }),
  ];
  t.deepEqual(calculated(documents, 'route-reflector').keys, [
    'warning interface-rules BGPFilter/f BGPPeer/tor',
  ]);
  t.deepEqual(calculated(documents).keys, []);
});

test('who is a client: internal peers of another cluster or of none, unless the document says otherwise', t => {
  const clients = (state: State) =>
    peersOf(state)
      .filter(peer => peer.routeReflectorClient)
      .map(peer => peer.address as string);
  const reflector = node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' });
  const all = bgpPeer('all', { peerSelector: 'all()' });
  const others = [
    node('worker', '10.0.0.2/24'),
    node('twin', '10.0.0.3/24', { cluster: '1.1.1.1' }),
    node('above', '10.0.0.4/24', { cluster: '2.2.2.2' }),
    node('foreign', '10.0.0.5/24', { asNumber: 65001 }),
  ];
  t.deepEqual(clients([reflector, all, ...others]), ['10.0.0.2', '10.0.0.4']);
  t.deepEqual(clients([node(OWN, '10.0.0.1/24'), all, ...others]), []);
  const plain = (name: string, peerIP: string, said: Record<string, string> = {}) =>
    bgpPeer(name, { peerIP, asNumber: asn(64512) }, said);
  // A peerIP that is a node's is that node.
  t.deepEqual(clients([reflector, plain('a', '10.0.0.3'), plain('b', '10.0.0.9'), ...others]), ['10.0.0.9']);
  const said = [
    plain('a', '10.0.0.3', { routeReflectorClient: 'true' }),
    plain('b', '10.0.0.9', { routeReflectorClient: 'false' }),
  ];
  t.deepEqual(clients([reflector, ...said, ...others]), ['10.0.0.3']);
  const external = bgpPeer('tor', tor, { routeReflectorClient: 'true' });
  t.deepEqual(clients([reflector, external]), []);
  t.deepEqual(calculated([reflector, external]).keys, ['warning external-client BGPPeer/tor']);
});

test('localASNumber with the number that the host has anyway makes no other session', t => {
  const own = node(OWN, '10.0.0.1/24');
  const [plain] = peersOf([own, bgpPeer('tor', tor)]);
  t.deepEqual(peersOf([own, bgpPeer('tor', { ...tor, localASNumber: asn(64512) })]), [plain]);
  t.is(peersOf([own, bgpPeer('tor', { ...tor, localASNumber: asn(64999) })])[0]?.localAsn, asn(64999));
});

test('every field and option of a BGPPeer arrives at the speaker', t => {
  const [peer] = peersOf([
    node(OWN, '10.0.0.1/24'),
    bgpPeer(
      'tor',
      {
        ...tor,
        localASNumber: asn(64999),
        nextHopMode: 'Self',
        sourceAddress: 'None',
        maxRestartTime: '2m',
        keepaliveTime: '3s',
        numAllowedLocalASNumbers: 2,
        ttlSecurity: 1,
      },
      {
        holdTime: '9s',
        bfd: 'Strict',
        bfdInterval: '50ms',
        bfdMultiplier: '5',
        longLivedStaleTime: '1h',
        addPathReceive: 'true',
        addPathSend: '2',
        extendedMessages: 'true',
        role: 'RouteServerClient',
        roleStrict: 'true',
        maxPrefixes: '10',
        removePrivateASNumbers: 'true',
        enforceFirstAS: 'false',
        gracefulShutdown: 'true',
        honourGracefulShutdown: 'false',
        notificationRestart: 'false',
        holdExpiryKeeps: 'true',
        sendHoldTime: '20s',
      },
    ),
  ]);
  t.like(peer, {
    localAsn: asn(64999),
    localAddress: undefined,
    nextHopMode: 'self',
    restartTimeSeconds: 120,
    holdTimeSeconds: 9,
    keepaliveTimeSeconds: 3,
    ownAsnsAllowed: 2,
    ttlSecurityHops: 1,
    bfd: { strict: true, intervalMs: 50, multiplier: 5 },
    longLivedStaleSeconds: 3600,
    addPath: { receive: true, send: 2 },
    extendedMessages: true,
    role: 'rs-client',
    roleStrict: true,
    maxPrefixes: { 'ipv4-unicast': { limit: 10, warnPercent: 75, action: 'stop', restartSeconds: 300 } },
    removePrivateAsns: true,
    enforceFirstAs: false,
    gracefulShutdown: true,
    honourGracefulShutdown: false,
    notificationRestart: false,
    holdExpiryKeeps: true,
    sendHoldTimeSeconds: 20,
  });
  const detected = (address: string) =>
    peersOf([
      node(OWN, '10.0.0.1/24'),
      bgpPeer('tor', { ...tor, peerIP: address, failureDetectionMode: 'BFDIfDirectlyConnected' }),
    ])[0]?.bfd;
  t.deepEqual(detected('10.0.0.254'), { strict: false });
  t.is(detected('10.9.0.254'), undefined);
});

test('the mesh has its restart time and options from the BGPConfiguration, the host’s own before the cluster’s', t => {
  const [peer] = peersOf([
    ...three,
    bgpConfiguration('default', { nodeMeshMaxRestartTime: '2h' }, { bfd: 'On', holdTime: '30s' }),
    bgpConfiguration(`node.${OWN}`, {}, { holdTime: '9s' }),
    bgpConfiguration('node.host2', {}, { holdTime: '12s' }),
  ]);
  t.like(peer, { restartTimeSeconds: 4095, holdTimeSeconds: 9, bfd: { strict: false } });
  const { keys } = calculated([...three, bgpConfiguration('default', { nodeMeshMaxRestartTime: '2h' })]);
  t.deepEqual(keys, ['warning long-restart BGPConfiguration/default nodeMeshMaxRestartTime']);
});

test('IPv6: a session of its own as in Calico, and one for both between agents that say so', t => {
  const own = node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' });
  const [two, four] = [node('host2', '10.0.0.2/24', { ipv6: 'fd00::2/64' }), node('host4', '10.0.0.4/24')];
  const sessions = (state: State) => peersOf(state).map(({ key, families }) => `${key} ${families.join()}`);
  t.deepEqual(sessions([own, two, four]), [
    'Mesh_10_0_0_2 ipv4-unicast',
    'Mesh_10_0_0_4 ipv4-unicast',
    'Mesh_fd00__2 ipv6-unicast',
  ]);
  const announced = [nodeStatus('host2', ['ipv4', 'ipv6']), nodeStatus('host4', ['ipv4', 'ipv6'])];
  t.deepEqual(sessions([own, two, four, ...announced]), [
    'Mesh_10_0_0_2 ipv4-unicast,ipv6-unicast',
    'Mesh_10_0_0_4 ipv4-unicast',
  ]);
  // Without an address of that family there is nobody to be spoken to from.
  t.deepEqual(sessions([node(OWN, '10.0.0.1/24'), two, ...announced]), ['Mesh_10_0_0_2 ipv4-unicast']);
  const selected = bgpPeer('all', { peerSelector: 'all()' });
  const meshOff = bgpConfiguration('default', { nodeToNodeMeshEnabled: false });
  t.deepEqual(sessions([own, two, selected, meshOff, ...announced]), [
    'Global_10_0_0_2 ipv4-unicast',
    'Global_fd00__2 ipv6-unicast',
  ]);
  const byHand = (said: Record<string, string>) =>
    sessions([own, bgpPeer('tor', { peerIP: 'fd00::fe', asNumber: asn(65000) }, said)]);
  t.deepEqual(byHand({}), ['Global_fd00__fe ipv6-unicast']);
  t.deepEqual(byHand({ extendedNextHop: 'true' }), ['Global_fd00__fe ipv4-unicast,ipv6-unicast']);
  t.deepEqual(byHand({ families: 'IPv4', extendedNextHop: 'true' }), ['Global_fd00__fe ipv4-unicast']);
});

test('what is not acted on is said', t => {
  const { keys, peers } = calculated([
    node(OWN, '10.0.0.1/24'),
    bgpPeer('tor', { ...tor, reachableBy: '10.0.0.253' as never }),
    bgpPeer('pods', { localWorkloadSelector: 'all()', asNumber: asn(65001) }),
    bgpPeer('elsewhere', { node: 'host9', localWorkloadSelector: 'all()', asNumber: asn(65001) }),
  ]);
  t.is(peers.size, 1);
  t.deepEqual(keys, [
    'warning not-acted-on BGPPeer/pods localWorkloadSelector',
    'warning not-acted-on BGPPeer/tor reachableBy',
    'warning unknown-node BGPPeer/elsewhere',
  ]);
});

test('several BGPPeers for one address are reported, the mesh losing is normal', t => {
  const calculator = new MeshPeersCalculator(options);
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
  const context = new PeerContext(options);
  const both = new Set<string>();
  for (const resource of state) {
    context.onChange({ kind: 'changed', resource });
    if (resource.kind === 'Node') nodes.set(resource.metadata.name, resource);
    if (resource.kind === 'NodeStatus' && resource.spec.meshFamilies?.length === 2)
      both.add(resource.metadata.name);
  }
  const { configurations } = context;
  const own = nodes.get(OWN);
  const candidates: Candidate[] = [];
  const add = (rank: Candidate['rank'], remote: NodeResource, document?: Candidate['document']) => {
    const { name } = remote.metadata;
    const one = {
      rank,
      asn: configurations.asn(remote, name),
      port: configurations.listenPort(name),
      name,
      document,
    };
    const ipv4 = nodeAddress(remote)?.address;
    const ipv6 = nodeAddress(own, 'ipv6') === undefined ? undefined : nodeAddress(remote, 'ipv6')?.address;
    const joined = rank === 'mesh' && both.has(name) && nodeAddress(own) !== undefined;
    if (ipv4 !== undefined && ipv6 !== undefined && joined) {
      candidates.push({ ...one, address: ipv4, families: FAMILIES });
      return;
    }
    for (const address of [ipv4, ipv6]) {
      const families: readonly Family[] = address === undefined ? [] : [familyOf(address)];
      if (address !== undefined) candidates.push({ ...one, address, families });
    }
  };
  const others = [...nodes.values()].filter(other => other.metadata.name !== OWN);
  const isReflector = (other: NodeResource) => other.spec.bgp?.routeReflectorClusterID !== undefined;
  const meshIsOn = configurations.of(OWN, 'nodeToNodeMeshEnabled') !== false;
  if (own !== undefined && meshIsOn && !isReflector(own)) {
    for (const other of others) if (!isReflector(other)) add('mesh', other);
  }
  for (const resource of state) {
    if (resource.kind !== 'BGPPeer') continue;
    const peer = compilePeer(resource);
    const { asNumber } = resource.spec;
    if (peer.address !== undefined && asNumber !== undefined && peer.appliesTo(OWN, own)) {
      const { rank, name } = peer;
      candidates.push({ rank, ...peer.address, asn: asNumber, families: [], name, document: resource });
    }
    for (const other of own === undefined ? [] : others) {
      const there = peer.appliesTo(OWN, own) && peer.selects(other);
      const back = peer.selects(own as NodeResource) && peer.appliesTo(other.metadata.name, other);
      if (there || (back && resource.spec.reversePeering !== 'Manual')) add(peer.rank, other, resource);
    }
  }
  const found = new Map<string, PeerConfig>();
  for (const address of new Set(candidates.map(candidate => candidate.address))) {
    if (context.isOwnAddress(address)) continue;
    const best = candidates.filter(candidate => candidate.address === address).sort(compareCandidates)[0];
    const [there] = [...nodes.values()]
      .filter(one => [nodeAddress(one)?.address, nodeAddress(one, 'ipv6')?.address].includes(address))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    if (best !== undefined) found.set(peerKey(best), peerConfig(best, there, context));
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
  [
    node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64' }),
    node('host2', '10.0.0.2/24', { ipv6: 'fd00::2/64' }),
    node('host3', '10.0.0.3/24', { ipv6: 'fd00::3/64' }),
    nodeStatus('host2', ['ipv4', 'ipv6']),
    nodeStatus('host3'),
    bgpConfiguration('default', { nodeMeshPassword: fromSecret }, { bfd: 'On' }),
    secret('s', { k: 'one' }),
  ],
  [
    node(OWN, '10.0.0.1/24', { ipv6: 'fd00::1/64', cluster: '1.1.1.1' }),
    node('host2', '10.0.0.2/24', { ipv6: 'fd00::2/64' }),
    node('host3', undefined, { ipv6: 'fd00::3/64' }),
    nodeStatus('host2'),
    nodeStatus('host3', ['ipv4', 'ipv6']),
    bgpPeer('all', { peerSelector: 'all()', filters: ['f', 'g'], password: fromSecret }),
    bgpPeer('plain', { peerIP: '10.0.0.9', asNumber: asn(64512) }, { addPathSend: '2' }),
    secret('s', { k: 'two' }),
    bgpFilter('f', { importV4: [{ action: 'Reject' }], exportV6: [{ action: 'Accept' }] }),
  ],
  [
    node(OWN, '10.0.0.1/24', { cluster: '1.1.1.1' }),
    node('host9', '10.0.0.9/24', { cluster: '1.1.1.1' }),
    bgpPeer('plain', { peerIP: '10.0.0.9', asNumber: asn(64512), filters: ['f', 'g'] }),
    bgpFilter('g', { importV4: [{ action: 'Accept' }] }),
  ],
];

test('state sequences agree with the whole-snapshot twin', t => {
  const create = () => {
    const calculator = new MeshPeersCalculator(options);
    const output = accumulate<string, PeerConfig>(t);
    return {
      onChange: calculator.onChange.bind(calculator),
      flushed: () => output.apply(calculator.flush()),
    };
  };
  runStateSequence(t, states, create, twin);
});
