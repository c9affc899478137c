import test, { type ExecutionContext } from 'ava';
import { MESH } from '../../../agent/topology/arrangement.js';
import { asn, bgpPeer, bgpTopology, block, reflectedBy, topologyPlan } from '../documents.js';
import { SimulatedCluster } from './simulated-cluster.js';

const reflectors = (sim: SimulatedCluster) => sim.plan!.current.reflectors.map(({ node }) => node);

async function settled(sim: SimulatedCluster, mode: 'mesh' | 'reflectors'): Promise<number> {
  return await sim.until(() => sim.plan?.current.mode === mode && sim.plan.previous === undefined);
}

function nothingLost(t: ExecutionContext, sim: SimulatedCluster): void {
  t.deepEqual(sim.losses, []);
  t.deepEqual(sim.missing, []);
}

for (const seed of [1, 2]) {
  test(`from a mesh to reflectors and back no route is lost or led elsewhere, and no session reset: seed ${seed}`, async t => {
    const sim = new SimulatedCluster(seed);
    sim.want(bgpTopology({ mode: 'mesh', spreadBy: 'rack' }));
    sim.add(12, i => ({ rack: `r${i % 3}` }));
    await settled(sim, 'mesh');
    await sim.run(30);
    t.is(sim.sessions, 66);
    t.deepEqual(sim.missing, []);
    sim.want(bgpTopology({ mode: 'reflectors', spreadBy: 'rack' }));
    const there = await settled(sim, 'reflectors');
    await sim.run(10);
    nothingLost(t, sim);
    // Three fellows, nine clients with two sessions each.
    t.is(sim.sessions, 3 + 18);
    sim.want(bgpTopology({ mode: 'reflectors', spreadBy: 'rack', reflectors: 5, sessionsPerClient: 3 }));
    await sim.until(() => sim.plan?.generation === 3 && sim.plan.previous === undefined);
    await sim.run(10);
    nothingLost(t, sim);
    t.is(sim.sessions, 10 + 21);
    sim.want(bgpTopology({ mode: 'mesh' }));
    const back = await settled(sim, 'mesh');
    await sim.run(10);
    nothingLost(t, sim);
    t.is(sim.sessions, 66);
    t.deepEqual(sim.resets, []);
    t.log(`to reflectors in ${there} s, back in ${back} s`);
  });
}

test('the same for both families in one session', async t => {
  const sim = new SimulatedCluster(4, true, true);
  sim.want(bgpTopology({ mode: 'mesh' }));
  sim.add(7);
  await settled(sim, 'mesh');
  await sim.run(30);
  t.deepEqual(sim.missing, []);
  for (const mode of ['reflectors', 'mesh'] as const) {
    sim.want(bgpTopology({ mode }));
    await settled(sim, mode);
    await sim.run(10);
    nothingLost(t, sim);
    t.is(sim.sessions, mode === 'mesh' ? 21 : 3 + 8);
  }
  t.deepEqual(sim.resets, []);
});

test('hosts that join on the way, and grow the mesh past its limit, cost nobody a route', async t => {
  const sim = new SimulatedCluster();
  sim.want(bgpTopology({ meshLimit: 6 }));
  sim.add(6);
  await settled(sim, 'mesh');
  await sim.run(40);
  for (let i = 0; i < 8; i++) {
    sim.add();
    await sim.run(2);
  }
  await settled(sim, 'reflectors');
  await sim.run(30);
  nothingLost(t, sim);
  t.is(sim.sessions, 3 + 22);
});

test('a reflector that dies costs nobody a route to the living, nor does the one in its place', async t => {
  const sim = new SimulatedCluster();
  sim.want(bgpTopology({ mode: 'reflectors', replaceAfterSeconds: 60 }));
  sim.add(12);
  await settled(sim, 'reflectors');
  await sim.run(60);
  t.deepEqual(sim.missing, []);
  const [victim] = reflectors(sim);
  sim.kill(victim!);
  await sim.until(() => !reflectors(sim).includes(victim!));
  await settled(sim, 'reflectors');
  await sim.run(300);
  nothingLost(t, sim);
  t.is(reflectors(sim).length, 3);
});

test('a host that cannot reach a reflector keeps the mesh for everybody, and says why', async t => {
  const sim = new SimulatedCluster();
  sim.want(bgpTopology({ mode: 'mesh' }));
  sim.add(8);
  await settled(sim, 'mesh');
  await sim.run(40);
  sim.want(bgpTopology({ mode: 'reflectors' }));
  await sim.until(() => sim.plan?.current.mode === 'reflectors');
  const apart = sim.hosts.find(({ name }) => !reflectors(sim).includes(name))!;
  for (const name of reflectors(sim)) {
    sim.network.cutLink(apart.address, sim.host(name).address);
    sim.network.resetConnections(apart.address, sim.host(name).address);
  }
  await sim.run(120);
  t.is(sim.plan?.previous?.mode, 'mesh');
  const progress = apart.progress();
  t.false(progress.inSync);
  t.is(progress.waitsFor.filter(name => reflectors(sim).includes(name)).length, 2);
  t.true(reflectors(sim).some(name => progress.detail.includes(name)));
  for (const name of reflectors(sim)) sim.network.mendLink(apart.address, sim.host(name).address);
  await settled(sim, 'reflectors');
  await sim.run(10);
  t.deepEqual(sim.missing, []);
});

test('a cluster that starts above its limit never builds a mesh', async t => {
  const sim = new SimulatedCluster();
  sim.want(bgpTopology({ meshLimit: 4 }));
  sim.add(16);
  let most = 0;
  await sim.until(() => {
    most = Math.max(most, sim.sessions);
    return sim.plan !== undefined && sim.missing.length === 0;
  });
  await sim.run(30);
  nothingLost(t, sim);
  t.true(most <= 3 + 26 + 6, `${most}`);
  t.is(sim.sessions, 3 + 26);
});

test('a mesh that is let go at once is seen as the loss that it is', async t => {
  const sim = new SimulatedCluster(1, false);
  sim.say(topologyPlan(1, MESH));
  sim.add(8);
  await sim.run(40);
  nothingLost(t, sim);
  sim.say(topologyPlan(2, reflectedBy('node-1', 'node-2', 'node-3')));
  await sim.run(40);
  t.not(sim.losses.length, 0);
  t.deepEqual(sim.missing, []);
});

for (const seed of [11, 12]) {
  test(`wishes that change at any moment, and hosts that join meanwhile, cost nobody a route: seed ${seed}`, async t => {
    const sim = new SimulatedCluster(seed);
    sim.want(bgpTopology({ mode: 'mesh' }));
    sim.add(8);
    await settled(sim, 'mesh');
    await sim.run(40);
    for (let i = 0; i < 16; i++) {
      const mode = sim.random() < 0.4 ? 'mesh' : 'reflectors';
      const count = 3 + Math.floor(sim.random() * 4);
      sim.want(bgpTopology({ mode, reflectors: count, sessionsPerClient: 2 + Math.floor(sim.random() * 2) }));
      if (sim.random() < 0.2) sim.add();
      await sim.run(Math.ceil(sim.random() * 20));
    }
    await sim.until(() => sim.plan?.previous === undefined);
    await sim.run(30);
    nothingLost(t, sim);
    t.deepEqual(sim.resets, []);
    t.true(sim.plan!.generation > 6);
  });
}

test('a reflector passes on what hosts tell, also outside of every pool, and nothing else to nobody else', async t => {
  const sim = new SimulatedCluster();
  sim.want(bgpTopology({ mode: 'reflectors' }));
  sim.add(8);
  sim.say(block('node-8', '10.99.0.0/26'));
  await settled(sim, 'reflectors');
  await sim.run(30);
  nothingLost(t, sim);
  const everywhere = (prefix: string) => sim.hosts.filter(({ routes }) => routes.has(prefix)).length;
  t.is(everywhere('10.99.0.0/26'), 8);
  const [reflector] = reflectors(sim);
  const heard: string[] = [];
  sim.stranger('10.0.9.1', 65001, sim.host(reflector!).address, prefix => heard.push(prefix));
  sim.say(bgpPeer('tor', { node: reflector!, peerIP: '10.0.9.1', asNumber: asn(65001) }));
  await sim.run(30);
  // It told this host a route inside the pool and one outside, and is told this host's own block.
  t.deepEqual(['10.244.200.0/26', '192.0.2.0/24'].map(everywhere), [1, 1]);
  t.deepEqual(heard, [sim.blockOf(reflector!)]);
});
