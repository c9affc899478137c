import test from 'ava';
import { MeshPeersCalculator } from '../../../agent/calculators/mesh-peers.js';
import { defaultPeerTimers } from '../../../agent/calculators/peer-context.js';
import { MESH } from '../../../agent/topology/arrangement.js';
import type { TopologyHosts } from '../../../agent/topology/cluster-hosts.js';
import { explainTopology } from '../../../agent/topology/explain-topology.js';
import { chosenReflectors } from '../../../agent/topology/reflector-choice.js';
import { topologyView } from '../../../agent/topology/topology-view.js';
import type { Resource } from '../../../core/resources/resource.js';
import { peerStatus } from '../control/fake-backend.js';
import { bgpConfiguration, node, reflectedBy, topologyPlan } from '../documents.js';
import { hostOf, mapOf } from './hosts.js';

const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
const six = letters.map((name, i) => node(name, `10.0.0.${i + 1}/24`));
const reflectors = reflectedBy('a', 'b', 'c');

function calculator(own: string, ...more: readonly Resource[]): MeshPeersCalculator {
  const made = new MeshPeersCalculator({ nodeName: own, timers: defaultPeerTimers, mode: 'node' });
  for (const resource of [...six, ...more]) made.onChange({ kind: 'changed', resource });
  made.flush();
  return made;
}

function viewOf(own: string, hosts: TopologyHosts | undefined, ...more: readonly Resource[]) {
  const { topology, arranged } = calculator(own, ...more);
  const up = [...arranged.keys()].map(key => {
    const peer = peerStatus({ key, address: '10.0.0.1', state: 'Established', info: '' });
    return [key, peer] as const;
  });
  return topologyView({
    ...{ node: own, inForce: topology.inForce, nodes: topology.memberships(), arranged, hosts },
    peers: new Map(up),
    progress: { generation: 0, inSync: true, detail: '', waitsFor: [] },
  });
}

test('the view has reflectors with as many clients as choose them, and a reason for each session', t => {
  const view = viewOf('d', new Map(), topologyPlan(3, reflectors));
  t.like(view, { mode: 'reflectors', hosts: letters, transition: null, plan: { generation: 3 } });
  for (const { node: name, clients } of view.reflectors) {
    const choosing = ['d', 'e', 'f'].filter(client => chosenReflectors(client, reflectors).includes(name));
    t.is(clients, choosing.length);
  }
  t.deepEqual(
    view.sessions.map(({ node: name }) => name),
    [...chosenReflectors('d', reflectors)].sort(),
  );
  t.true(view.sessions.every(({ why, state }) => why !== '' && state === 'Established'));
  const ofReflector = viewOf('a', new Map(), topologyPlan(3, reflectors)).sessions;
  t.deepEqual(
    ofReflector.filter(({ part }) => part === 'fellow').map(({ node: name }) => name),
    ['b', 'c'],
  );
});

test('of another AS, no session is explained by a choice of reflectors', t => {
  const foreign = node('x', '10.0.0.9/24', { asNumber: 65001 });
  for (const [own, other] of [
    ['x', 'a'],
    ['a', 'x'],
    ['b', 'x'],
    ['c', 'x'],
  ] as const) {
    const { sessions } = viewOf(own, new Map(), topologyPlan(3, reflectors), foreign);
    const direct = sessions.filter(({ node: name }) => own === 'x' || name === other);
    t.true(direct.length > 0);
    t.true(
      direct.every(({ part, why }) => part === 'mesh' && why === 'each peers with a host of another AS'),
    );
  }
});

test('what is on its way names those who are waited for, and those who are silent', t => {
  const plan = topologyPlan(3, reflectors, MESH);
  const progress = { generation: 3, inSync: true, detail: '', waitsFor: [] };
  const hosts = mapOf(letters.map(name => hostOf(name, { progress })));
  hosts.set('e', hostOf('e', { progress: { ...progress, generation: 2 } }));
  hosts.set('f', hostOf('f', { alive: false }));
  const { transition, sessions } = viewOf('d', hosts, plan);
  t.like(transition, { before: { mode: 'mesh' }, silent: ['f'] });
  t.deepEqual(
    transition?.waitsFor?.map(({ node: name }) => name),
    ['e'],
  );
  t.is(sessions.filter(({ stays }) => !stays).length, 3);
  t.is(viewOf('d', undefined, plan).transition?.waitsFor, null);
});

test('switched off, and without a plan, the view says so; who takes no part is named with the reason', t => {
  t.is(viewOf('d', new Map(), bgpConfiguration('default', { nodeToNodeMeshEnabled: false })).mode, 'off');
  t.is(viewOf('d', new Map()).plan, null);
  const made = viewOf('d', new Map(), node('rr', '10.0.0.9/24', { cluster: '1.1.1.1' }));
  t.deepEqual(
    made.outside.map(({ node: name }) => name),
    ['rr'],
  );
  t.not(made.outside[0]?.why, '');
});

test('every kind of host is explained; one that does not exist is not', t => {
  const explain = (name: string, ...more: readonly Resource[]) => {
    const { topology } = calculator('d', ...more);
    return explainTopology(name, topology.memberships(), topology.inForce);
  };
  const plan = topologyPlan(3, reflectors);
  const client = explain('e', plan);
  t.deepEqual(
    client?.reflectors.filter(({ chosen }) => chosen).map(({ node: name }) => name),
    [...chosenReflectors('e', reflectors)],
  );
  t.is(client?.reflectors.length, 3);
  t.regex(explain('a', plan)?.words.join(' ') ?? '', /a is a reflector.*b, c.*of 3 clients/);
  t.regex(explain('a')?.words.join() ?? '', /all of the 5 others: a mesh/);
  t.regex(explain('a', topologyPlan(3, MESH, reflectors))?.words.join() ?? '', /3 reflectors beside/);
  t.regex(explain('rr', node('rr', '10.0.0.9/24', { cluster: '1.1.1.1' }))?.words[0] ?? '', /takes no part/);
  t.is(explain('nobody', plan), undefined);
});
