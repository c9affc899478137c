import test from 'ava';
import type { ClusterView, HostView } from '../../../agent/controller/task.js';
import { MESH } from '../../../agent/topology/arrangement.js';
import { progressOf, TopologyTask } from '../../../agent/topology/topology-task.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { NodeReportResource, TopologyPlanResource } from '../../../core/resources/cluster-documents.js';
import type { Resource } from '../../../core/resources/resource.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { FaultyStore, faultless } from '../controller/faulty-store.js';
import { bgpConfiguration, bgpTopology, node, topologyPlan } from '../documents.js';

const ID = { kind: 'TopologyPlan', name: 'default' } as const;

function rig(resources: readonly Resource[] = []) {
  const memory = new MemoryStore();
  const faults = faultless();
  const store = new FaultyStore(memory, new FakeClock(), faults);
  const logged: string[] = [];
  const log = {
    debug: () => {},
    info: (_: object, words: string) => void logged.push(words),
    warn: () => {},
    error: () => {},
  };
  const made = {
    ...{ memory, faults, logged },
    task: new TopologyTask({ store, log, unixMs: () => 1000 }),
    documents: [...resources],
    nowMs: 0,
    hosts: new Map<string, Partial<HostView>>(),
    async stored(): Promise<TopologyPlanResource['spec'] | undefined> {
      const found = await memory.get(ID);
      return found.kind === 'ok' && found.value.resource.kind === 'TopologyPlan'
        ? found.value.resource.spec
        : undefined;
    },
    /** As the agent's feed does after a write. */
    async heard(): Promise<void> {
      const spec = await made.stored();
      made.documents = made.documents.filter(({ kind }) => kind !== 'TopologyPlan');
      if (spec !== undefined) made.documents.push({ ...topologyPlan(1, MESH), spec });
    },
    async round(seconds = 5): Promise<void> {
      made.nowMs += seconds * 1000;
      const names = made.documents.filter(({ kind }) => kind === 'Node').map(({ metadata }) => metadata.name);
      const view: ClusterView = {
        hosts: new Map(
          names.map(name => [
            name,
            { name, leased: true, alive: true, silentSeconds: 0, report: undefined, ...made.hosts.get(name) },
          ]),
        ),
        list: kind => made.documents.filter(resource => resource.kind === kind) as never,
        nowMs: made.nowMs,
      };
      await made.task.run(view);
    },
  };
  return made;
}

const nodes = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i}`, `10.0.0.${i + 1}/24`));

test('the plan is written once, and again only when it is another one', async t => {
  const made = rig(nodes(5));
  await made.round();
  const first = await made.stored();
  t.like(first, { generation: 1, decidedUnixMs: 1000, current: { mode: 'mesh' } });
  await made.heard();
  const { revision } = ((await made.memory.get(ID)) as { value: { revision: string } }).value;
  for (let i = 0; i < 5; i++) await made.round();
  t.is(((await made.memory.get(ID)) as { value: { revision: string } }).value.revision, revision);
  made.documents.push(bgpTopology({ mode: 'reflectors' }));
  await made.round();
  t.like(await made.stored(), { generation: 2, current: { mode: 'reflectors' }, previous: { mode: 'mesh' } });
  t.is(made.logged.length, 2);
});

test('the arrangement before goes once every living host has reported that it is in sync', async t => {
  const made = rig([...nodes(5), bgpTopology({ mode: 'mesh' })]);
  await made.round();
  await made.heard();
  made.documents = [
    ...made.documents.filter(({ kind }) => kind !== 'BGPTopology'),
    bgpTopology({ mode: 'reflectors' }),
  ];
  await made.round();
  await made.heard();
  const report = (topology: object) => ({ report: { topology } as unknown as NodeReportResource['spec'] });
  for (let i = 0; i < 4; i++) made.hosts.set(`n${i}`, report({ generation: 2, inSync: true }));
  await made.round();
  t.is((await made.stored())?.previous?.mode, 'mesh');
  made.hosts.set('n4', { alive: false, silentSeconds: 40 });
  await made.round();
  t.is((await made.stored())?.previous, undefined);
});

test('a plan that somebody deleted is written again as it was', async t => {
  const made = rig(nodes(5));
  await made.round();
  await made.heard();
  await made.round();
  const before = await made.stored();
  await made.memory.delete(ID);
  await made.heard();
  await made.round();
  t.deepEqual(await made.stored(), before);
});

test('nothing is written over what is not in force here yet', async t => {
  const made = rig(nodes(5));
  await made.memory.create(topologyPlan(7, MESH));
  await t.throwsAsync(made.round());
  t.is((await made.stored())?.generation, 7);
  await made.heard();
  await made.round();
  t.is((await made.stored())?.generation, 7);
});

test('a store that cannot be reached is a problem in words; a write whose answer was lost is found by the next round', async t => {
  const made = rig(nodes(5));
  made.faults.reachable = false;
  await t.throwsAsync(made.round(), { message: /TopologyPlan\/default.*cut off/ });
  made.faults.reachable = true;
  made.faults.answersLost = true;
  await t.throwsAsync(made.round());
  made.faults.answersLost = false;
  await made.round();
  await made.heard();
  await made.round();
  t.is((await made.stored())?.generation, 1);
});

test('hosts without a lease are neither elected nor waited for, and hosts outside of the arrangement are not counted', async t => {
  const made = rig([
    ...nodes(6),
    node('rr', '10.0.0.99/24', { cluster: '1.1.1.1' }),
    bgpTopology({ meshLimit: 4 }),
    bgpConfiguration('node.n5', { nodeToNodeMeshEnabled: false }),
  ]);
  for (const name of ['n0', 'n1']) made.hosts.set(name, { leased: false });
  await made.round();
  await made.heard();
  // Without a word of theirs they may have been elected at first, and are not for long.
  await made.round(70);
  await made.heard();
  const plan = await made.stored();
  t.deepEqual(
    plan?.current.reflectors.map(({ node: name }) => name),
    ['n2', 'n3', 'n4'],
  );
  t.regex(plan?.reasons.join() ?? '', /5 hosts/);
});

test('where the mesh is switched off there is no plan', async t => {
  const made = rig([...nodes(6), bgpConfiguration('default', { nodeToNodeMeshEnabled: false })]);
  await made.round();
  t.is(await made.stored(), undefined);
});

test('what a report of another version says of its progress is nothing', t => {
  for (const said of [undefined, null, 3, 'x', [], {}, { generation: '1', inSync: true }]) {
    t.is(progressOf(said), undefined);
  }
  t.deepEqual(progressOf({ generation: 1, inSync: false }), {
    ...{ generation: 1, inSync: false, detail: '', waitsFor: [] },
  });
});
