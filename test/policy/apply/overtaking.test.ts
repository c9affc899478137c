/** A filter that comes while everything is read back does not wait for the end of it. */
import test from 'ava';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { ours, oursOf, smallFilter } from './filters.js';

/** Reading its tables takes until somebody lets it go. */
class SlowKernel extends FakeFilterKernel {
  gate: Promise<void> | undefined;

  override async saveTables(...parameters: Parameters<FakeFilterKernel['saveTables']>): Promise<string> {
    if (this.gate === undefined) return await super.saveTables(...parameters);
    // As it was when it was asked for.
    const saved = await super.saveTables(...parameters);
    await this.gate;
    return saved;
  }
}

test('a filter that comes while everything is read back is in force before that is over, and stays so', async t => {
  const kernel = new SlowKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  let open = () => {};
  kernel.gate = new Promise(resolve => {
    open = resolve;
  });
  const reads = kernel.calls.saveTables;
  await pass(REFRESH_MS + 1000);
  t.true(kernel.calls.saveTables > reads);
  applier.setDesired(smallFilter(81));
  await pass(10);
  t.true(await applier.applied());
  t.deepEqual([...ours(kernel)].sort(), [...oursOf(smallFilter(81))].sort());
  open();
  kernel.gate = undefined;
  const { writes } = kernel;
  await pass(1000);
  // What was read before the writing was not taken for what is there now.
  t.is(kernel.writes, writes);
  t.is(applier.status().exposureCount, 0);
});

test('what others did before a look that was dropped is found by the next, and since when', async t => {
  const kernel = new SlowKernel();
  const { applier, pass, hear } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(5000);
  kernel.flush('nft', 'ipv4', 'filter');
  let open = () => {};
  kernel.gate = new Promise(resolve => {
    open = resolve;
  });
  await pass(REFRESH_MS);
  hear('nft', { table: { family: 'ipv4', table: 'filter' }, by: 'firewalld', atMostAgoMs: 0 });
  applier.setDesired(smallFilter(81));
  await pass(10);
  open();
  kernel.gate = undefined;
  await pass(1000);
  t.deepEqual([...ours(kernel)].sort(), [...oursOf(smallFilter(81))].sort());
  t.is(applier.status().exposureCount, 1);
});

test('a filter that changes all the time is checked nevertheless', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass, clock } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  // Which iptables the host uses is looked at once in so long.
  await pass(REFRESH_MS);
  applier.setDesired(smallFilter(82));
  await pass(100);
  // A read takes longer than a filter stays the newest.
  kernel.takes = operation =>
    new Promise(resolve => clock.schedule(operation === 'saveTables' ? 200 : 1, () => resolve()));
  const { saveTables } = kernel.calls;
  const late: number[] = [];
  const change = async (i: number) => {
    applier.setDesired(smallFilter(i % 2 === 0 ? 81 : 82));
    await pass(100);
    if (!applier.status().inForce) late.push(i);
  };
  for (let i = 0; i < 200; i++) await change(i);
  const reads = kernel.calls.saveTables - saveTables;
  kernel.flush('nft', 'ipv4', 'filter');
  for (let i = 200; i < 400 && applier.status().exposureCount === 0; i++) await change(i);
  kernel.takes = undefined;
  await pass(1000);
  t.true(reads > 3, `${reads}`);
  t.is(applier.status().exposureCount, 1);
  // One read is waited for now and then, and no more than that.
  t.true(late.length < 40, `${late}`);
  t.false(
    late.some((i, n) => late[n + 1] === i + 1 && late[n + 2] === i + 2),
    `${late}`,
  );
});
