/** What others have done goes before all else that there is to do, on a machine on which commands take long. */
import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { TableName } from '../../../policy/rendered.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel, type Operation } from './fake-filter-kernel.js';
import { chain, filter, ours, oursOf, rule, set, smallFilter, table } from './filters.js';

const sorted = (lines: readonly string[]) => [...lines].sort();
const flushed = { table: { family: 'ipv4', table: 'filter' }, by: 'other', atMostAgoMs: 0 } as const;

/** Four tables of each family. */
function wideFilter() {
  const { tables, sets } = smallFilter();
  const others = (['ipv4', 'ipv6'] as const).flatMap(family =>
    (['raw', 'mangle', 'nat', 'filter'] as const satisfies readonly TableName[]).map(name =>
      table(
        [chain('mgy-x', ['-j DROP'])],
        [{ chain: name === 'filter' ? 'INPUT' : 'PREROUTING', place: 'first', rules: [rule('-j mgy-x')] }],
        name,
        family,
      ),
    ),
  );
  return filter([...tables, ...others.filter(one => one.table !== 'filter' || one.family === 'ipv6')], sets);
}

/** A host whose commands take so long, from now on. */
async function slowHost(t: ExecutionContext, takesMs: Partial<Record<Operation, number>>) {
  const kernel = new FakeFilterKernel();
  const clock = new FakeClock();
  const run = startApplier(t, kernel, { clock });
  run.applier.setDesired(wideFilter());
  await run.pass(3 * REFRESH_MS);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wideFilter())));
  kernel.takes = operation =>
    new Promise(resolve => clock.schedule(takesMs[operation] ?? 0, () => resolve()));
  return { kernel, ...run };
}

const slowReads = { saveTables: 200, saveSets: 200, restoreTable: 50 };

test('what is heard of amid a check is mended before the rest of it is read, and the rest is read then', async t => {
  const { kernel, applier, hear, pass, clock } = await slowHost(t, slowReads);
  const { saveTables, saveSets } = kernel.calls;
  while (kernel.calls.saveSets === saveSets) await pass(100);
  await pass(250);
  kernel.flush('nft', 'ipv4', 'filter');
  hear('nft', flushed);
  const flushedMs = clock.now();
  await pass(2000);
  const [exposure] = applier.status().exposures;
  t.true(exposure!.untilMs! - flushedMs < 550, `${exposure!.untilMs! - flushedMs}`);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wideFilter())));
  t.is(exposure!.sinceMs, flushedMs);
  await pass(2000);
  t.true(kernel.calls.saveTables - saveTables >= 9, 'every table, and the one that was heard of');
  t.is(kernel.calls.saveSets, saveSets + 1, 'a check that was broken off is not begun anew');
});

test('what is heard of while it is being read by a check is known by when it was done', async t => {
  const { kernel, applier, hear, pass, clock } = await slowHost(t, slowReads);
  const { saveSets } = kernel.calls;
  while (kernel.calls.saveSets === saveSets) await pass(100);
  await pass(100);
  for (let i = 0; i < 8 && applier.status().exposureCount === 0; i++) {
    kernel.flush('nft', 'ipv4', 'filter');
    hear('nft', flushed);
    await pass(100);
  }
  await pass(3000);
  t.true(applier.status().exposureCount > 0);
  for (const { exact, sinceMs } of applier.status().exposures) {
    t.true(exact);
    t.true(clock.now() - sinceMs < 10_000);
  }
});

test('what is heard of goes before leftovers', async t => {
  const { kernel, applier, hear, pass, clock } = await slowHost(t, { destroySet: 400 });
  const sets = Array.from({ length: 8 }, (_, i) => set(`mgy-old${i}`, ['10.0.0.1']));
  const { tables, sets: others } = wideFilter();
  applier.setDesired(filter(tables, [...others, ...sets]));
  await pass(100);
  applier.setDesired(wideFilter());
  await pass(100);
  t.is(kernel.calls.destroySet, 1, 'they are being destroyed');
  kernel.flush('nft', 'ipv4', 'filter');
  hear('nft', flushed);
  const flushedMs = clock.now();
  await pass(5000);
  const [exposure] = applier.status().exposures;
  t.true(exposure!.untilMs! - flushedMs < 500, `${exposure!.untilMs! - flushedMs}`);
  await pass(10_000);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wideFilter())));
});

test('what is heard of goes before looking which iptables the host uses, and sweeping the other', async t => {
  const { kernel, applier, hear, pass, clock } = await slowHost(t, {});
  const usage = kernel.usage.bind(kernel);
  let asked = 0;
  kernel.usage = async (backend, family) => {
    asked++;
    await new Promise<void>(resolve => clock.schedule(300, resolve));
    return await usage(backend, family);
  };
  while (asked === 0) await pass(100);
  kernel.flush('nft', 'ipv4', 'filter');
  hear('nft', flushed);
  const flushedMs = clock.now();
  await pass(3000);
  const [exposure] = applier.status().exposures;
  t.true(exposure!.untilMs! - flushedMs < 400, `${exposure!.untilMs! - flushedMs}`);
  t.is(asked, 4, 'the other family is looked at afterwards');
});

test('one flush after another is healed, each soon', async t => {
  const { kernel, applier, hear, pass } = await slowHost(t, slowReads);
  for (let i = 0; i < 10; i++) {
    kernel.flush('nft', 'ipv4', 'filter');
    hear('nft', flushed);
    await pass(700);
    t.is(applier.status().exposureCount, i + 1);
    t.not(applier.status().exposures.at(-1)!.untilMs, undefined, `${i}`);
  }
});

test('a look that fails after something was heard of is made again', async t => {
  const { kernel, applier, hear, pass } = await slowHost(t, {});
  kernel.flush('nft', 'ipv4', 'filter');
  kernel.failNext('saveTables');
  hear('nft', flushed);
  await pass(500);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wideFilter())));
  t.is(applier.status().exposureCount, 1);
});
