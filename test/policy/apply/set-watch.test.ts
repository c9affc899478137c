import test from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import type { IpsetHeader } from '../../../linux/netlink/ipset.js';
import { SetDrift } from '../../../policy/apply/set-drift.js';
import type { SavedSets } from '../../../policy/apply/set-plan.js';
import { setWatch } from '../../../policy/apply/set-watch.js';
import { Random } from '../../support/random.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { filter, ours, oursOf, putJunk, randomFilter, set, smallFilter } from './filters.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);
const sorted = (lines: readonly string[]) => [...lines].sort();

const saved = (...members: readonly string[]): SavedSets =>
  new Map([
    ['mgy-a', { type: 'hash:net', family: 'ipv4', maxElements: 9, plain: true, members: new Set(members) }],
  ]);
const kernelOf = (elements: number | undefined, more: Partial<IpsetHeader> = {}) =>
  new Map<string, IpsetHeader>([
    [
      'mgy-a',
      { name: 'mgy-a', type: 'hash:net', family: 'ipv4', elements, fingerprint: `${elements}`, ...more },
    ],
  ]);

test('a set that we know is told of when it looks otherwise than before, and once', t => {
  const drift = new SetDrift();
  const known = saved('10.0.0.1', '10.0.0.2');
  t.deepEqual(drift.compare(known, kernelOf(2)), []);
  t.deepEqual(drift.compare(known, kernelOf(1)), ['mgy-a']);
  t.deepEqual(drift.compare(known, kernelOf(1)), []);
  t.deepEqual(drift.compare(known, kernelOf(1, { fingerprint: 'more memory' })), ['mgy-a']);
  t.deepEqual(drift.compare(known, new Map()), ['mgy-a']);
});

test('a set that was just written is told of when it does not hold what it was given, or is of another type', t => {
  t.deepEqual(new SetDrift().compare(saved('10.0.0.1'), kernelOf(0)), ['mgy-a']);
  t.deepEqual(new SetDrift().compare(saved('10.0.0.1'), kernelOf(1, { type: 'hash:ip' })), ['mgy-a']);
  t.deepEqual(new SetDrift().compare(saved('10.0.0.1'), kernelOf(1, { family: 'ipv6' })), ['mgy-a']);
  t.deepEqual(new SetDrift().compare(saved('10.0.0.1'), kernelOf(undefined)), []);
});

test('a kernel that counts otherwise than we do is not asked for ever, and others’ changes are told all the same', t => {
  const drift = new SetDrift();
  const anew = () => saved('10.0.0.1', '10.0.0.1/32');
  const told = Array.from({ length: 6 }, () => drift.compare(anew(), kernelOf(1)).length);
  t.deepEqual(told, [1, 1, 1, 0, 0, 0]);
  const known = anew();
  t.deepEqual(drift.compare(known, kernelOf(1)), []);
  t.deepEqual(drift.compare(known, kernelOf(0)), ['mgy-a']);
});

test('a set that is flushed, filled and flushed again between two looks is told of twice', t => {
  const drift = new SetDrift();
  const known = saved('10.0.0.1');
  drift.compare(known, kernelOf(1));
  t.deepEqual(drift.compare(known, kernelOf(0)), ['mgy-a']);
  t.deepEqual(drift.compare(saved('10.0.0.1'), kernelOf(0)), ['mgy-a']);
});

test('a look during which we wrote tells nothing, and is made again soon', async t => {
  const clock = new FakeClock();
  let known: SavedSets | undefined = saved('10.0.0.1');
  let answer: ((headers: ReadonlyMap<string, IpsetHeader>) => void) | undefined;
  let looks = 0;
  let told = 0;
  const watch = setWatch({
    clock,
    open: () => ({
      read: () => {
        looks++;
        return new Promise(resolve => {
          answer = resolve;
        });
      },
      close: () => {},
    }),
  })({ known: () => known, changed: () => told++, failed: reason => t.fail(reason) });
  const turn = () => new Promise(resolve => setImmediate(resolve));
  clock.advance(500);
  // Half of what is being written.
  known = saved('10.0.0.1', '10.0.0.2', '10.0.0.3');
  answer!(kernelOf(2));
  await turn();
  t.is(told, 0);
  known = undefined;
  clock.advance(50);
  await turn();
  t.is(looks, 1, 'not while it is being written');
  known = saved('10.0.0.1', '10.0.0.2', '10.0.0.3');
  clock.advance(50);
  t.is(looks, 2);
  answer!(kernelOf(3));
  await turn();
  t.is(told, 0);
  clock.advance(500);
  answer!(kernelOf(0));
  await turn();
  t.is(told, 1);
  watch.close();
  clock.advance(5000);
  t.is(looks, 3);
});

for (const [what, lines] of [
  ['flushed', ['flush mgy-a']],
  ['given another member', ['add mgy-a 192.0.2.1']],
  ['swapped', ['create other hash:net family inet maxelem 1048576', 'swap other mgy-a']],
] as const) {
  test(`a set of ours that others have ${what} is right again within a second, and the time is said`, async t => {
    const kernel = new FakeFilterKernel();
    const { applier, pass, clock, logged } = startApplier(t, kernel, { seesSets: true });
    applier.setDesired(smallFilter());
    await pass(5 * REFRESH_MS);
    // No check is due.
    t.is(applier.status().exposureCount, 0);
    const { saveTables } = kernel.calls;
    kernel.putSets(...lines);
    const changedMs = clock.now();
    await pass(900);
    t.deepEqual(
      sorted(ours(kernel)).filter(line => !line.startsWith('set other')),
      sorted(oursOf(smallFilter())),
    );
    const [exposure] = applier.status().exposures;
    t.like(exposure, { what: 'sets: mgy-a', exact: false });
    t.true(exposure!.sinceMs <= changedMs && exposure!.untilMs! - changedMs < 700);
    t.regex(logged.join('\n'), /healed: sets: mgy-a changed, for at most \d+ ms/);
    t.is(kernel.calls.saveTables, saveTables, 'tables need no look for it');
  });
}

test('a set of ours that others have destroyed is there again within a second', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel, { seesSets: true });
  const wanted = filter(smallFilter().tables, [...smallFilter().sets, set('mgy-b', ['10.0.0.7'])]);
  applier.setDesired(wanted);
  await pass(2 * REFRESH_MS);
  kernel.putSets('destroy mgy-b');
  await pass(900);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wanted)));
});

test('what others do to their sets runs nothing of ours', async t => {
  const kernel = new FakeFilterKernel();
  kernel.putSets('create foreign hash:ip family inet maxelem 65536');
  const { applier, pass } = startApplier(t, kernel, { seesSets: true });
  applier.setDesired(smallFilter());
  await pass(2 * REFRESH_MS);
  const calls = { ...kernel.calls };
  kernel.putSets('add foreign 192.0.2.1', 'create another hash:ip family inet maxelem 65536');
  await pass(5000);
  kernel.putSets('flush foreign', 'destroy another');
  await pass(5000);
  t.deepEqual({ ...kernel.calls }, calls);
  t.is(applier.status().exposureCount, 0);
});

test('our own doing, whatever it is, is never taken for others’', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  let writes = 0;
  for (let run = 0; run < 10; run++) {
    const kernel = new FakeFilterKernel();
    putJunk(kernel, random);
    const { applier, pass } = startApplier(t, kernel, { seesSets: true });
    for (let state = 0; state < 6; state++) {
      applier.setDesired(randomFilter(random));
      await pass(random.below(3000));
    }
    await pass(5000);
    t.is(applier.status().exposureCount, 0, JSON.stringify(applier.status().exposures));
    writes += kernel.calls.restoreSets;
    applier.close();
  }
  t.true(writes > 10);
});

test('where the kernel’s own word of its sets cannot be had, that is said once, and the checks find what they find', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass, logged } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(2 * REFRESH_MS);
  kernel.putSets('flush mgy-a');
  await pass(2 * REFRESH_MS);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
  t.is(logged.filter(line => /sets cannot be seen/.test(line)).length, 1);
});
