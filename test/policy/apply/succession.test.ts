/** One applier after another on one host: never two that write. */
import test from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { ours, oursOf, set, smallFilter } from './filters.js';

const sorted = (lines: readonly string[]) => [...lines].sort();

/** A host whose iptables stand still until they are let go. */
function slowHost() {
  const kernel = new FakeFilterKernel();
  let letGo: () => void = () => {};
  const lock = new Promise<boolean>(resolve => {
    letGo = () => resolve(true);
  });
  kernel.lock = () => lock;
  return { kernel, letGo };
}

test('a change of backend amid a pass: the next begins once that pass has ended, and leaves nothing of it', async t => {
  const { kernel, letGo } = slowHost();
  const clock = new FakeClock();
  const first = startApplier(t, kernel, { clock, backend: 'nft' });
  first.applier.setDesired(smallFilter());
  await first.pass(100);
  const answered = first.applier.applied();
  const second = startApplier(t, kernel, { clock, backend: 'legacy', after: first.applier.close() });
  t.false(await answered, 'who waited for the first is told');
  second.applier.setDesired(smallFilter(81));
  const calls = { ...kernel.calls };
  await second.pass(3000);
  t.deepEqual({ ...kernel.calls }, calls);
  letGo();
  await second.pass(3000);
  t.true(await second.applier.applied());
  const legacy = oursOf(smallFilter(81)).map(line => line.replace(/^nft/, 'legacy'));
  t.deepEqual(sorted(ours(kernel)), sorted(legacy));
  await second.pass(2 * REFRESH_MS);
  t.deepEqual(sorted(ours(kernel)), sorted(legacy));
  t.is(second.applier.status().exposureCount, 0);
});

test('one that is replaced before it has begun waits for the one before it nevertheless', async t => {
  const { kernel, letGo } = slowHost();
  const clock = new FakeClock();
  const first = startApplier(t, kernel, { clock, backend: 'nft' });
  first.applier.setDesired(smallFilter());
  await first.pass(100);
  const second = startApplier(t, kernel, { clock, backend: 'legacy', after: first.applier.close() });
  const third = startApplier(t, kernel, { clock, backend: 'nft', after: second.applier.close() });
  third.applier.setDesired(smallFilter(82));
  const calls = { ...kernel.calls };
  await third.pass(1000);
  t.deepEqual({ ...kernel.calls }, calls);
  letGo();
  await third.pass(3000);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter(82))));
});

test('a closed applier has come to its end once its pass has', async t => {
  const { kernel, letGo } = slowHost();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(100);
  let ended = false;
  void applier.close().then(() => {
    ended = true;
  });
  await pass(1000);
  t.false(ended);
  letGo();
  await pass(1000);
  t.true(ended);
  const { writes } = kernel;
  await pass(2 * REFRESH_MS);
  t.is(kernel.writes, writes);
});

test('another refresh interval is heeded by the applier that there is', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(3 * REFRESH_MS);
  applier.setRefresh(2000);
  await pass(100);
  kernel.putSets('flush mgy-a');
  await pass(2500);
  t.deepEqual([...kernel.sets.get('mgy-a')!.members], [...set('', ['10.0.0.1', '10.1.0.0/16']).members]);
  applier.setRefresh(10 * REFRESH_MS);
  await pass(5000);
  const { saveTables } = kernel.calls;
  await pass(REFRESH_MS);
  t.true(kernel.calls.saveTables - saveTables < 12, `${kernel.calls.saveTables - saveTables}`);
});
