import test from 'ava';
import type { ResourceChange } from '../../../agent/calculators/calculator.js';
import { MeshPeersCalculator } from '../../../agent/calculators/mesh-peers.js';
import { defaultPeerTimers } from '../../../agent/calculators/peer-context.js';
import { MESH } from '../../../agent/topology/arrangement.js';
import { chosenReflectors } from '../../../agent/topology/reflector-choice.js';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import { needsReset } from '../../../bgp/speaker/peer-change.js';
import { type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import {
  asn,
  bgpConfiguration,
  bgpPeer,
  bgpTopology,
  node,
  reflectedBy,
  type State,
  topologyPlan,
} from '../documents.js';

/** One host, over time. */
class Host {
  readonly calculator: MeshPeersCalculator;
  readonly peers = new Map<string, PeerConfig>();

  constructor(nodeName: string, state: State = []) {
    this.calculator = new MeshPeersCalculator({ nodeName, timers: defaultPeerTimers, mode: 'node' });
    this.change(...state);
  }

  change(...resources: readonly Resource[]): this {
    return this.#apply(resources.map(resource => ({ kind: 'changed', resource })));
  }

  drop(...resources: readonly Resource[]): this {
    return this.#apply(resources.map(resource => ({ kind: 'deleted', id: resourceIdOf(resource) })));
  }

  #apply(changes: readonly ResourceChange[]): this {
    for (const change of changes) this.calculator.onChange(change);
    const { set, deleted } = this.calculator.flush();
    for (const key of deleted) this.peers.delete(key);
    for (const [key, peer] of set) this.peers.set(key, peer);
    return this;
  }

  /** `b route reflector` */
  get sessions(): readonly string[] {
    return [...this.peers.values()]
      .map(
        ({ name, type, routeReflectorClient }) => `${name} ${type}${routeReflectorClient ? ' (client)' : ''}`,
      )
      .sort();
  }

  peer(name: string): PeerConfig | undefined {
    return [...this.peers.values()].find(peer => peer.name === name);
  }

  reflectsTo(name: string): boolean {
    const [first] = this.peer(name)?.exportPolicy?.rules ?? [];
    return first?.source === 'peers' && first.action === 'accept';
  }
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
const six = letters.map((name, i) => node(name, `10.0.0.${i + 1}/24`));
const reflectors = reflectedBy('a', 'b', 'c');
const policy = { rules: [], otherwise: 'reject' } as const;

function hosts(...more: readonly Resource[]): Map<string, Host> {
  return new Map(
    letters.map(name => {
      const host = new Host(name);
      host.calculator.setExportPolicy(policy);
      return [name, host.change(...six, ...more)];
    }),
  );
}

test('by a plan with reflectors they peer with each other, and clients with those that they choose', t => {
  const all = hosts(topologyPlan(1, reflectors));
  const chosen = chosenReflectors('d', reflectors);
  t.deepEqual(all.get('d')!.sessions, chosen.map(name => `${name} route reflector`).sort());
  for (const name of reflectors.reflectors.map(({ node: reflector }) => reflector)) {
    const own = all.get(name)!;
    const clients = ['d', 'e', 'f'].filter(client => chosenReflectors(client, reflectors).includes(name));
    const fellows = ['a', 'b', 'c'].filter(other => other !== name);
    t.deepEqual(
      own.sessions,
      [
        ...fellows.map(other => `${other} fellow reflector`),
        ...clients.map(other => `${other} reflector client (client)`),
      ].sort(),
    );
    t.true([...fellows, ...clients].every(other => own.reflectsTo(other)));
  }
  t.false(chosen.some(name => all.get('d')!.reflectsTo(name)));
});

test('both ends of every session have it, whatever is in force', t => {
  for (const plan of [
    [],
    [topologyPlan(1, MESH)],
    [topologyPlan(2, reflectors, MESH)],
    [topologyPlan(3, reflectedBy('d', 'e', 'f'), reflectors)],
    [topologyPlan(1, MESH), bgpTopology({ meshLimit: 3 })],
    [bgpTopology({ meshLimit: 3, sessionsPerClient: 3 })],
  ]) {
    const all = hosts(...plan);
    for (const [name, host] of all) {
      t.true(host.peers.size > 0);
      for (const other of letters) {
        t.is(host.peer(other) === undefined, all.get(other)!.peer(name) === undefined);
      }
    }
  }
});

test('what a session changes over on the way to reflectors and back does not reset it', t => {
  const all = hosts(topologyPlan(1, MESH));
  const before = new Map([...all].map(([name, host]) => [name, new Map(host.peers)]));
  for (const plan of [
    topologyPlan(2, reflectors, MESH),
    topologyPlan(2, reflectors),
    topologyPlan(3, reflectedBy('b', 'c', 'd'), reflectors),
    topologyPlan(3, reflectedBy('b', 'c', 'd')),
    topologyPlan(4, MESH, reflectedBy('b', 'c', 'd')),
    topologyPlan(4, MESH),
  ]) {
    for (const [name, host] of all) {
      host.change(plan);
      for (const [key, peer] of host.peers) {
        const was = before.get(name)!.get(key)!;
        t.false(needsReset(was, peer), `${name} ${key}`);
        before.get(name)!.set(key, peer);
      }
    }
  }
  t.deepEqual(all.get('a')!.sessions.length, 5);
});

test('while an arrangement gives way to another both are in force, and each session says what becomes of it', t => {
  const all = hosts(topologyPlan(2, reflectors, MESH));
  const d = all.get('d')!;
  t.is(d.peers.size, 5);
  const stays = [...d.calculator.arranged.values()].filter(({ session }) => session?.stays);
  t.deepEqual(stays.map(({ name }) => name).sort(), [...chosenReflectors('d', reflectors)].sort());
  t.true(all.get('a')!.reflectsTo('b'));
  t.false(all.get('d')!.reflectsTo('e'));
  const back = hosts(topologyPlan(3, MESH, reflectors)).get('d')!;
  const relays = [...back.calculator.arranged.values()].filter(({ session }) => session?.relayEnds);
  t.deepEqual(relays.map(({ name }) => name).sort(), [...chosenReflectors('d', reflectors)].sort());
});

test('a plan that is deleted stays in force until another comes', t => {
  const plan = topologyPlan(1, reflectors);
  const host = new Host('d', [...six, plan]);
  const before = host.sessions;
  t.deepEqual(host.drop(plan).sessions, before);
  t.is(host.change(topologyPlan(2, MESH)).peers.size, 5);
});

test('hosts without a plan have a mesh up to its limit, and above it the reflectors that will be', t => {
  const small = bgpTopology({ meshLimit: 5 });
  t.true(
    hosts()
      .get('a')!
      .sessions.every(session => session.endsWith('node-to-node mesh')),
  );
  const all = hosts(small);
  const count = [...all.values()].reduce((sum, { peers }) => sum + peers.size, 0);
  // Three reflectors with each other, three clients with two of them each, both ends.
  t.is(count, 3 * 2 + 3 * 2 * 2);
});

test('a thousand hosts that start at once do not make a mesh', t => {
  const many = Array.from({ length: 1000 }, (_, i) => node(`node-${i}`, `10.1.${i >> 8}.${i & 255}/16`));
  for (const name of ['node-3', 'node-500', 'node-999']) {
    const host = new Host(name, many);
    t.is(host.peers.size, 2);
  }
  const [reflector] = new Host('node-3', many).sessions;
  const clients = new Host(reflector!.split(' ')[0]!, many).peers.size;
  t.true(clients > 400 && clients < 600, `${clients}`);
});

test('a host that sees the others come one after the other keeps a mesh with those alone that it had', t => {
  const first = new Host('node-0', [bgpTopology({ meshLimit: 10 })]);
  for (let i = 0; i < 30; i++) first.change(node(`node-${i}`, `10.1.0.${i}/16`));
  const mesh = first.sessions.filter(session => session.endsWith('node-to-node mesh'));
  t.true(mesh.length <= 9, mesh.join());
  t.true(first.peers.size >= 9);
});

test('a mesh that outgrows its limit is kept by those who were in it, until the plan says otherwise', t => {
  const limit = bgpTopology({ meshLimit: 5 });
  const five = six.slice(0, 5);
  const old = new Host('a', [...five, limit, topologyPlan(1, MESH)]);
  old.change(six[5]!);
  const young = new Host('f', [...six, limit, topologyPlan(1, MESH)]);
  t.true(['b', 'c', 'd', 'e'].every(name => old.peer(name) !== undefined));
  t.true(young.peers.size > 0);
  for (const [key] of young.peers) t.false(young.peers.get(key)!.type === 'node-to-node mesh', key);
  const plan = topologyPlan(2, reflectedBy('a', 'b', 'c'), MESH);
  old.change(plan);
  t.true(['b', 'c', 'd', 'e'].every(name => old.peer(name) !== undefined));
});

test('a host of another AS keeps a session with every host, and nobody reflects to it', t => {
  const stranger = node('x', '10.0.0.9/24', { asNumber: 65009 });
  const all = hosts(topologyPlan(1, reflectors), stranger);
  for (const host of all.values()) {
    t.is(host.peer('x')?.type, 'node-to-node mesh');
    t.false(host.peer('x')?.routeReflectorClient);
    t.false(host.reflectsTo('x'));
  }
  t.is(new Host('x', [...six, stranger, topologyPlan(1, reflectors)]).peers.size, 6);
});

test('the AS of the cluster is what the BGPConfiguration says, else what most hosts are of', t => {
  const own = letters.map((name, i) => node(name, `10.0.0.${i + 1}/24`, { asNumber: i < 4 ? 65010 : 65011 }));
  const partOf = (name: string, ...more: readonly Resource[]) =>
    new Host('d', [...own, topologyPlan(1, reflectors), ...more]).peer(name)?.type;
  const [first] = chosenReflectors('d', reflectors);
  t.is(partOf(first!), 'route reflector');
  t.is(partOf('e'), 'node-to-node mesh');
  // By what it says now nobody of them is of the cluster's.
  t.is(partOf(first!, bgpConfiguration('default', { asNumber: asn(65012) })), 'node-to-node mesh');
  const host = new Host('d', [...own, topologyPlan(1, reflectors)]);
  host.change(...own.slice(0, 4).map(({ metadata: { name } }, i) => node(name, `10.0.0.${i + 1}/24`)));
  t.is(host.peer(first!)?.type, 'route reflector');
});

test('reflectors that people made, and hosts whose mesh is off, are left out of it', t => {
  const made = node('rr', '10.0.0.9/24', { cluster: '1.1.1.1' });
  const off = bgpConfiguration('node.f', { nodeToNodeMeshEnabled: false });
  const all = hosts(topologyPlan(1, reflectedBy('a', 'b', 'rr')), made, off);
  for (const host of all.values()) t.is(host.peer('rr'), undefined);
  t.is(all.get('f')!.peers.size, 0);
  t.is(all.get('a')!.peer('f'), undefined);
  const conditions = all.get('a')!.calculator.conditions.map(({ key }) => key);
  t.deepEqual(conditions, ['unknown-reflector TopologyPlan/default Node/rr']);
  const nowhere = hosts(
    topologyPlan(1, reflectors),
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false }),
  );
  for (const host of nowhere.values()) t.is(host.peers.size, 0);
});

test('reflectors that do not exist are left out; where none is left hosts do as without a plan', t => {
  const all = hosts(topologyPlan(1, reflectedBy('a', 'ghost')));
  t.deepEqual(all.get('d')!.sessions, ['a route reflector']);
  t.deepEqual(
    all.get('d')!.calculator.conditions.map(({ key }) => key),
    ['unknown-reflector TopologyPlan/default Node/ghost'],
  );
  t.is(hosts(topologyPlan(1, reflectedBy('ghost'))).get('d')!.peers.size, 5);
});

test('a BGPPeer between two hosts wins over the arrangement', t => {
  const [first] = chosenReflectors('d', reflectors);
  const host = new Host('d', [
    ...six,
    topologyPlan(1, reflectors),
    bgpPeer('mine', { node: 'd', peerSelector: 'all()' }),
  ]);
  t.true(host.sessions.every(session => session.endsWith('node specific')));
  t.is(host.peers.size, 5);
  t.false(host.calculator.arranged.has(first!));
});
