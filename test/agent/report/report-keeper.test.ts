import test from 'ava';
import { ReportKeeper } from '../../../agent/report/report-keeper.js';
import { FakeClock } from '../../../bgp/testing/index.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { hostReport } from '../control/fake-backend.js';
import { FaultyStore, pass } from '../controller/faulty-store.js';

function rig() {
  const [memory, clock] = [new MemoryStore(), new FakeClock()];
  const writes: number[] = [];
  const store = new FaultyStore(memory, clock);
  for (const word of ['create', 'update'] as const) {
    const inner = store[word] as (...words: unknown[]) => Promise<never>;
    Object.assign(store, {
      [word]: (...words: unknown[]) => {
        writes.push(clock.now());
        return inner(...words);
      },
    });
  }
  const rigged = { clock, store, writes, memory, report: hostReport(), withheld: false };
  const keeper = new ReportKeeper({
    ...{ nodeName: 'a', store, clock, random: () => 1, unixMs: () => clock.now() },
    report: async () => rigged.report,
    withheld: () => rigged.withheld,
  });
  return Object.assign(rigged, { keeper });
}

test('it is written soon, then with a change at most every ten seconds, and every minute anyway', async t => {
  const { clock, keeper, writes } = rig();
  keeper.changed();
  await pass(clock, 2000);
  t.deepEqual(writes, [1000]);
  for (let i = 0; i < 60; i++) {
    keeper.changed();
    await pass(clock, 500);
  }
  t.deepEqual(writes, [1000]);
  await pass(clock, 240_000);
  t.is(writes.length, 5);
  t.true(writes.slice(1).every((at, i) => at - writes[i]! <= 60_500));
});

test('a storm of changes costs a write every ten seconds', async t => {
  const rigged = rig();
  for (let i = 0; i < 120; i++) {
    rigged.report = hostReport({ established: i });
    rigged.keeper.changed();
    await pass(rigged.clock, 500);
  }
  t.true(rigged.writes.length >= 6 && rigged.writes.length <= 7);
  t.true(rigged.writes.slice(1).every((at, i) => at - rigged.writes[i]! >= 10_000));
});

test('a host that is withheld says nothing; what could not be written is written when the store is back', async t => {
  const rigged = rig();
  rigged.withheld = true;
  rigged.keeper.changed();
  await pass(rigged.clock, 90_000);
  t.deepEqual(rigged.writes, []);
  rigged.withheld = false;
  rigged.store.faults.reachable = false;
  await pass(rigged.clock, 90_000);
  rigged.store.faults.reachable = true;
  rigged.keeper.changed();
  await pass(rigged.clock, 12_000);
  t.is((await rigged.memory.get({ kind: 'NodeReport', name: 'a' })).kind, 'ok');
});
