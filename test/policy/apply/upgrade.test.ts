import test from 'ava';
import { dryRun } from '../../../policy/apply/apply-once.js';
import { startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { filter, foreign, ours, oursOf, smallFilter, table } from './filters.js';
import { olderLayout } from './older-layout.js';

function oldHost(): FakeFilterKernel {
  const kernel = new FakeFilterKernel();
  kernel.putSets(...olderLayout.sets);
  kernel.putRules('nft', 'ipv4', 'filter', ...olderLayout.filter);
  return kernel;
}

/** What becomes of a packet to the workload's interface from an address that no policy allows. */
function isDropped(kernel: FakeFilterKernel, chain = 'FORWARD'): boolean | undefined {
  for (const text of kernel.rules('nft', 'ipv4', 'filter', chain)!) {
    if (/ -i | --match-set | --mark /.test(` ${text}`)) continue;
    const target = / -[jg] (\S+)$/.exec(` ${text}`)![1]!;
    if (target === 'DROP') return true;
    if (target === 'ACCEPT') return false;
    const inner = target === 'RETURN' ? undefined : isDropped(kernel, target);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

test('a frozen older layout becomes the present one; at no step is its endpoint open, or another’s rule touched', async t => {
  const kernel = oldHost();
  const before = foreign(kernel);
  t.true(before.length >= 5);
  t.true(isDropped(kernel));
  let steps = 0;
  kernel.stepped = () => {
    steps++;
    t.true(isDropped(kernel), kernel.snapshot().join('\n'));
    t.deepEqual(foreign(kernel), before);
  };
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(5000);
  t.true(await applier.applied());
  t.true(steps >= 5);
  t.deepEqual([...ours(kernel)].sort(), [...oursOf(smallFilter())].sort());
  t.deepEqual(applier.status().problems, []);
});

test('the same is undone without a trace', async t => {
  const kernel = oldHost();
  const before = foreign(kernel);
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(filter([table([])]));
  await pass(5000);
  t.true(await applier.applied());
  t.deepEqual(ours(kernel), []);
  t.deepEqual(foreign(kernel), before);
});

test('a plan is shown and nothing is done; where nothing would be done, that is shown', async t => {
  const kernel = oldHost();
  const { clock, applier, pass } = startApplier(t, kernel);
  const options = { kernel, clock, backend: 'auto' as const };
  const text = await dryRun(options, smallFilter());
  t.is(kernel.writes, 0);
  for (const words of [
    /set mgy-a: made anew/,
    /ipv4 filter: 6 new chains, rules in FORWARD, 3 chains removed\n {4}\*filter\n/,
    /\n {4}-D FORWARD -m comment --comment "mgy:5f3a" -j mgy-forward\n/,
    /\n {4}-X mgy-forward\n/,
    /set mgy-gone: removed once/,
  ])
    t.regex(text!, words);
  t.notRegex(text!, /docker/i);
  applier.setDesired(smallFilter());
  await pass(5000);
  t.is(await dryRun(options, smallFilter()), undefined);
});
