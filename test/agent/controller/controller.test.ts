import test from 'ava';
import { Controller } from '../../../agent/controller/controller.js';
import { fencedStore } from '../../../agent/controller/fenced-store.js';
import type { ClusterView, ControllerTask } from '../../../agent/controller/task.js';
import { leaseDocument, nodeLeaseName } from '../../../agent/lease/lease-document.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { NodeReportResource } from '../../../core/resources/cluster-documents.js';
import { MARGAY_API } from '../../../core/resources/resource.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { node } from '../documents.js';
import { FaultyStore, pass, settled } from './faulty-store.js';

interface Rig {
  readonly clock: FakeClock;
  readonly memory: MemoryStore;
  readonly store: FaultyStore;
  readonly controller: Controller;
  acts: boolean;
  readonly views: ClusterView[];
  readonly warnings: string[];
}

function rig(tasks: readonly ControllerTask[] = []): Rig {
  const clock = new FakeClock();
  const memory = new MemoryStore();
  const store = new FaultyStore(memory, clock);
  const views: ClusterView[] = [];
  const warnings: string[] = [];
  const made: Rig = {
    ...{ clock, memory, store, views, warnings },
    acts: true,
    controller: new Controller({
      ...{ clock, store, changed: () => {} },
      mayAct: () => made.acts,
      tasks: [{ name: 'look', run: async view => void views.push(view) }, ...tasks],
      list: kind => (kind === 'Node' ? [node('a'), node('b'), node('by-hand')] : []) as never,
      warn: (task, problem) => warnings.push(`${task}: ${problem}`),
    }),
  };
  return made;
}

async function renew(memory: MemoryStore, name: string, renewals: number): Promise<void> {
  const document = leaseDocument(nodeLeaseName(name), {
    ...{ holder: name, instance: 'i', process: 'p', term: 1, renewals, durationSeconds: 30 },
    ...{ sinceUnixMs: 0, renewedUnixMs: 0 },
  });
  const found = await memory.get({ kind: 'Lease', name: nodeLeaseName(name) });
  if (found.kind === 'ok') await memory.update(document, found.value.revision);
  else await memory.create(document);
}

function report(name: string): NodeReportResource {
  return {
    ...{ apiVersion: MARGAY_API, kind: 'NodeReport', metadata: { name, labels: {}, annotations: {} } },
    spec: { reportedUnixMs: 1, version: '1.2.3' },
  };
}

test('hosts are all nodes and all that have a lease; who renews is alive, who does not is silent', async t => {
  const { clock, memory, controller, views } = rig();
  await memory.create(report('a'));
  await renew(memory, 'gone', 7);
  controller.review();
  await settled();
  for (let i = 0; i < 12; i++) {
    await renew(memory, 'a', i);
    await renew(memory, 'b', Math.min(i, 5));
    await pass(clock, 5000);
  }
  const { hosts } = views.at(-1)!;
  t.deepEqual([...hosts.keys()].sort(), ['a', 'b', 'by-hand', 'gone']);
  t.like(hosts.get('a'), { alive: true, silentSeconds: 0, leased: true, report: { version: '1.2.3' } });
  t.like(hosts.get('b'), { alive: true, silentSeconds: 30 });
  t.like(hosts.get('gone'), { alive: false, silentSeconds: 60 });
  t.like(hosts.get('by-hand'), { alive: true, leased: false, report: undefined });
  t.is(views.length, 13);
});

test('time for which the store could not be read is nobody’s silence', async t => {
  const { clock, memory, store, controller, views } = rig();
  await renew(memory, 'a', 1);
  controller.review();
  await settled();
  await pass(clock, 20_000);
  store.faults.reachable = false;
  await pass(clock, 3_600_000);
  t.is(views.length, 5);
  store.faults.reachable = true;
  await pass(clock, 5000);
  const { silentSeconds, alive } = views.at(-1)!.hosts.get('a')!;
  t.true(silentSeconds <= 20 && alive);
});

test('a process that slept has not seen anybody be silent', async t => {
  const { clock, memory, controller, views } = rig();
  await renew(memory, 'a', 1);
  controller.review();
  await settled();
  clock.advance(24 * 3_600_000);
  await settled();
  t.true(views.at(-1)!.hosts.get('a')!.alive);
});

test('a task that throws or never ends is told of, and the others have their turns', async t => {
  const turns: string[] = [];
  const { clock, controller, warnings } = rig([
    { name: 'thrower', run: () => Promise.reject(new Error('a slip')) },
    { name: 'sleeper', run: () => new Promise(() => {}) },
    { name: 'last', run: async () => void turns.push('last') },
  ]);
  controller.review();
  await pass(clock, 100_000);
  t.true(turns.length > 5);
  t.deepEqual([...controller.problems.keys()], ['thrower', 'sleeper']);
  t.is(warnings.length, 2);
});

test('rounds end with the part, also amid one, and begin again with it', async t => {
  const lose = async () => {
    made.acts = false;
  };
  const made = rig([{ name: 'loser', run: lose }]);
  const { clock, controller, views } = made;
  controller.review();
  await pass(clock, 60_000);
  t.is(views.length, 1);
  t.is(controller.hosts, undefined);
  made.acts = true;
  controller.review();
  controller.review();
  await settled();
  t.is(views.length, 2);
});

test('looking takes no more than its share of the time', async t => {
  const { clock, memory, store, controller, views } = rig();
  for (let i = 0; i < 20; i++) await renew(memory, `host-${i}`, 1);
  store.faults.delayMs = 100;
  controller.review();
  await pass(clock, 60_000, 100);
  // Four ways of 100 ms, and fifty times as long until the next.
  t.is(views.length, 3);
});

test('of a few hosts looking costs little, however long it takes: they are looked at as often as ever', async t => {
  const { clock, memory, store, controller, views } = rig();
  for (const name of ['a', 'b']) await renew(memory, name, 1);
  store.faults.delayMs = 500;
  controller.review();
  await pass(clock, 60_000, 100);
  // After four ways of 500 ms, and 5 s after each look.
  t.is(views.length, 9);
});

test('writes of a task are refused once another may be the controller', async t => {
  const memory = new MemoryStore([node('a')]);
  let acts = true;
  const store = fencedStore(memory, () => acts);
  t.is((await store.create(node('b'))).kind, 'ok');
  acts = false;
  const refused = await store.delete({ kind: 'Node', name: 'a' });
  t.like(refused, { kind: 'error', error: { kind: 'unavailable' } });
  t.is((await store.get({ kind: 'Node', name: 'a' })).kind, 'ok');
});
