import test from 'ava';
import fc from 'fast-check';
import { GoneHosts, goneHosts } from '../../../agent/controller/gone-hosts.js';
import { deleteHost, deletionOrder } from '../../../agent/controller/host-deletion.js';
import { leaseGuard } from '../../../agent/controller/lease-guard.js';
import type { HostView } from '../../../agent/controller/task.js';
import { leaseDocument, nodeLeaseName } from '../../../agent/lease/lease-document.js';
import { reportDocument } from '../../../agent/report/node-report.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import {
  formatResourceId,
  MARGAY_API,
  type Resource,
  resourceIdOf,
} from '../../../core/resources/resource.js';
import { MemoryStore } from '../../../store/memory-store.js';
import type { Store } from '../../../store/port.js';
import { failure } from '../../../store/results.js';
import { hostReport, sessionReport } from '../control/fake-backend.js';
import { bgpConfiguration, block, node, workload } from '../documents.js';

const DAY = 86_400;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function host(name: string, fields: Partial<HostView> = {}): readonly [string, HostView] {
  return [name, { name, leased: true, alive: true, silentSeconds: 0, report: undefined, ...fields }];
}

const gone = (seconds = DAY) => ({ alive: false, silentSeconds: seconds });
const talksWith = (names: readonly string[], state = 'Established', leftOut = 0) => ({
  report: {
    reportedUnixMs: 1,
    ...hostReport({ sessions: names.map(name => sessionReport(name, { state })), sessionsLeftOut: leftOut }),
  },
});

const verdict = (hosts: readonly (readonly [string, HostView])[], grace: number | undefined = DAY) =>
  goneHosts(new Map(hosts), grace);

test('a host that was silent for the grace period is gone; a shorter silence, or one without a lease, is none', t => {
  const hosts = [
    host('a'),
    host('b'),
    host('c'),
    host('dead', gone()),
    host('late', gone(DAY - 1)),
    host('by-hand', { ...gone(), leased: false }),
  ];
  t.deepEqual(verdict(hosts), { gone: ['dead'], problem: undefined });
  t.deepEqual(goneHosts(new Map(hosts), undefined).gone, []);
});

test('a host that a living one has a session with does not reach the store, and stays', t => {
  const { gone: names, problem } = verdict([
    host('a', talksWith(['cut-off'])),
    host('b'),
    host('cut-off', gone()),
  ]);
  t.deepEqual(names, []);
  t.regex(problem ?? '', /cut-off/);
  t.deepEqual(verdict([host('a', talksWith(['x'], 'Active')), host('b'), host('x', gone())]).gone, ['x']);
});

test('sessions with a host whose addresses another one has by now are that one’s: it was renamed', t => {
  const renamed = (addresses: readonly string[]) => [
    host('a', talksWith(['old'])),
    host('new', { addresses: ['10.0.0.8'] }),
    host('old', { ...gone(), addresses }),
  ];
  t.deepEqual(verdict(renamed(['10.0.0.8'])).gone, ['old']);
  for (const addresses of [['10.0.0.9'], ['10.0.0.8', 'fd00::8'], []])
    t.deepEqual(verdict(renamed(addresses)).gone, [], addresses.join());
});

test('the word of a dead host on its sessions is worth nothing', t => {
  t.deepEqual(
    verdict([host('a'), host('b'), host('c', { ...gone(60), ...talksWith(['x']) }), host('x', gone())]).gone,
    ['x'],
  );
});

test('whoever may be among the sessions that a report leaves out counts as connected', t => {
  t.deepEqual(verdict([host('rr', talksWith(['y'], 'Active', 10)), host('b'), host('x', gone())]).gone, []);
  t.deepEqual(verdict([host('rr', talksWith(['x'], 'Active', 10)), host('b'), host('x', gone())]).gone, [
    'x',
  ]);
});

test('where most hosts seem to be gone none is deleted', t => {
  const dead = ['x', 'y', 'z'].map(name => host(name, gone()));
  t.deepEqual(verdict([host('a'), host('b'), ...dead]).gone, []);
  t.regex(verdict([host('a'), host('b'), ...dead]).problem ?? '', /3 of 5/);
  t.is(verdict([host('a'), host('b'), host('c'), ...dead]).gone.length, 3);
  // Of two hosts one may well be gone.
  t.deepEqual(verdict([host('a'), host('x', gone())]).gone, ['x']);
});

const ofHost = (name: string): readonly Resource[] => [
  node(name, '10.0.0.9/24'),
  {
    apiVersion: MARGAY_API,
    kind: 'NodeStatus',
    metadata: meta(name),
    spec: { version: '1', receives: [], sends: [] },
  },
  block(name, '10.244.9.0/24'),
  workload(name, `${name}-pod`, '10.244.9.2/32'),
  reportDocument(name, hostReport(), 1),
  lease(name, 3),
];

function meta(name: string) {
  return { name, labels: {}, annotations: {} };
}

function lease(name: string, renewals: number): Resource {
  return leaseDocument(nodeLeaseName(name), {
    ...{ holder: name, instance: name, process: name, term: 1, renewals, durationSeconds: 30 },
    ...{ sinceUnixMs: 0, renewedUnixMs: 0 },
  });
}

async function all(store: Store): Promise<string[]> {
  const kinds = [undefined, 'Lease', 'NodeReport'] as const;
  const listed = await Promise.all(kinds.map(kind => store.list(kind)));
  return listed
    .flatMap(result => (result.kind === 'ok' ? result.value : []))
    .map(({ resource }) => formatResourceId(resourceIdOf(resource)))
    .sort();
}

const deletion = (store: Store, name: string) => ({
  ...{ store, node: name, releaseAddresses: async () => 0, stopped: async () => undefined },
});

test('a host goes with all that it had, its lease last, and nothing of others', async t => {
  const store = new MemoryStore([...ofHost('b'), ...ofHost('x')]);
  const order: string[] = [];
  const remove = store.delete.bind(store);
  store.delete = async (id, expected) => {
    order.push(id.kind);
    return await remove(id, expected);
  };
  const { deleted, problem } = await deleteHost(deletion(store, 'x'));
  t.is(problem, undefined);
  t.deepEqual(
    order,
    deletionOrder.map(([step]) => step).filter(step => step !== 'addresses'),
  );
  t.deepEqual(
    deleted.map(({ kind, count }) => `${kind} ${count}`),
    order.map(kind => `${kind} 1`),
  );
  t.deepEqual(await all(store), await all(new MemoryStore([...ofHost('b')])));
});

test('whoever is interrupted at any point is followed by another, who leaves nothing', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(12), fc.boolean()), { maxLength: 6 }), async interruptions => {
      const store = new MemoryStore([...ofHost('b'), ...ofHost('x')]);
      const [get, remove] = [store.get.bind(store), store.delete.bind(store)];
      for (const [after, made] of interruptions) {
        let calls = 0;
        const away = failure({ kind: 'unavailable', operation: 'x', detail: 'killed' });
        store.get = async id => (++calls > after ? away : get(id));
        // What was not acknowledged may have been done.
        store.delete = async (id, expected) => {
          const dead = ++calls > after;
          if (!dead || made) {
            const result = await remove(id, expected);
            if (!dead) return result;
          }
          return away;
        };
        await deleteHost(deletion(store, 'x'));
        const left = await all(store);
        // As long as anything is left, the lease is.
        t.is(
          left.some(id => id.includes('x') && !id.startsWith('Lease')) && !left.includes('Lease/node.x'),
          false,
        );
      }
      Object.assign(store, { get, delete: remove });
      await deleteHost(deletion(store, 'x'));
      return (await all(store)).join() === (await all(new MemoryStore([...ofHost('b')]))).join();
    }),
    { numRuns: 60 },
  );
});

test('a host that comes back amid its deletion keeps what it still has', async t => {
  const store = new MemoryStore(ofHost('x'));
  const stopped = await leaseGuard(store, 'x');
  let asked = 0;
  const { deleted, problem } = await deleteHost({
    ...deletion(store, 'x'),
    stopped: async () => {
      if (++asked === 3) {
        const found = await store.get({ kind: 'Lease', name: nodeLeaseName('x') });
        if (found.kind === 'ok') await store.update(lease('x', 4), found.value.revision);
      }
      return await stopped();
    },
  });
  t.deepEqual(deleted, [{ kind: 'WorkloadEndpoint', count: 1 }]);
  t.regex(problem ?? '', /x has come back/);
  t.is((await store.get({ kind: 'Node', name: 'x' })).kind, 'ok');
});

test('a workload that has become another host’s meanwhile stays', async t => {
  const store = new MemoryStore(ofHost('x'));
  const list = store.list.bind(store);
  store.list = async kind => {
    const listed = await list(kind);
    if (kind === 'WorkloadEndpoint') {
      const moved = workload('b', 'x-pod', '10.244.9.2/32');
      const found = await store.get(resourceIdOf(moved));
      if (found.kind === 'ok') await store.update(moved, found.value.revision);
    }
    return listed;
  };
  await deleteHost(deletion(store, 'x'));
  t.deepEqual(await all(store), ['WorkloadEndpoint/default/x-pod']);
});

test('the task deletes who is gone, a few in a round, by the grace period that the cluster’s document says', async t => {
  const names = ['g1', 'g2', 'g3', 'g4', 'g5', 'g6', 'g7'];
  const store = new MemoryStore(names.flatMap(ofHost));
  const living = Array.from({ length: 8 }, (_, i) => host(`h${i}`));
  const task = new GoneHosts({
    ...{ nodeName: 'a', store, clock: new FakeClock(), log: silent, releaseAddresses: async () => 0 },
  });
  const annotated = (value: string) => {
    const document = bgpConfiguration('default', {});
    return {
      ...document,
      metadata: { ...document.metadata, annotations: { 'margay.io/goneHostsAfter': value } },
    };
  };
  const run = async (value: string | undefined, seconds: number) => {
    const list = (kind: string) =>
      kind === 'BGPConfiguration' && value !== undefined ? [annotated(value)] : [];
    const left = (await all(store))
      .filter(id => id.startsWith('Lease/'))
      .map(id => id.slice('Lease/node.'.length));
    const hosts = new Map([...living, ...left.map(name => host(name, gone(seconds)))]);
    await task.run({ hosts, list: list as never, nowMs: 0 });
    return (await all(store)).filter(id => id.startsWith('Node/')).length;
  };
  t.is(await run('never', 10 * DAY), 7);
  t.is(await run('48h', DAY), 7);
  t.is(await run(undefined, DAY - 1), 7);
  t.is(await run('10m', 600), 2);
  t.is(await run(undefined, DAY), 0);
});
