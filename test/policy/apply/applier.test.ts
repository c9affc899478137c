import test from 'ava';
import { FakeClock } from '../../../bgp/testing/index.js';
import { Random } from '../../support/random.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import {
  chain,
  filter,
  foreign,
  ours,
  oursOf,
  putJunk,
  randomFilter,
  rule,
  set,
  smallFilter,
  table,
} from './filters.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);
const sorted = (lines: readonly string[]) => [...lines].sort();

test('a filter comes into force, and the same again asks the kernel for nothing', async t => {
  const kernel = new FakeFilterKernel();
  kernel.putRules('nft', 'ipv4', 'filter', '-A FORWARD -p tcp -j ACCEPT', ':X - [0:0]');
  const before = foreign(kernel);
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  t.true(await applier.applied());
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
  t.deepEqual(foreign(kernel), before);
  t.is(kernel.calls.restoreTable, 1);
  t.is(kernel.calls.restoreSets, 1);
  const calls = { ...kernel.calls };
  applier.setDesired(smallFilter());
  await pass(0);
  t.true(await applier.applied());
  t.deepEqual({ ...kernel.calls }, calls);
  t.like(applier.status(), { inForce: true, applies: 1, problems: [], exposureCount: 0 });
  t.deepEqual(applier.status().counts, { chains: 6, rules: 12, sets: 1, members: 2 });
  t.is(applier.status().backends.get('ipv4')?.backend, 'nft');
});

test('another agent that starts over what is right writes nothing', async t => {
  const kernel = new FakeFilterKernel();
  const first = startApplier(t, kernel);
  first.applier.setDesired(smallFilter());
  await first.pass(0);
  first.applier.close();
  const { writes } = kernel;
  const second = startApplier(t, kernel);
  second.applier.setDesired(smallFilter());
  await second.pass(0);
  t.true(await second.applier.applied());
  t.is(kernel.writes, writes);
});

test('a change of members is written to the set alone, one of a rule to its chain alone', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  kernel.written.length = 0;
  applier.setDesired(smallFilter(80, ['10.0.0.1', '10.0.0.2']));
  await pass(0);
  t.deepEqual(kernel.written, ['add mgy-a 10.0.0.2', 'del mgy-a 10.1.0.0/16']);
  kernel.written.length = 0;
  applier.setDesired(smallFilter(81, ['10.0.0.1', '10.0.0.2']));
  await pass(0);
  t.is(kernel.written.length, 2);
  t.true(kernel.written.every(line => / :mgy-pi-a | -A mgy-pi-a /.test(line)));
});

test('a burst is one apply of the newest', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  const { restoreTable } = kernel.calls;
  for (let port = 100; port < 200; port++) applier.setDesired(smallFilter(port));
  await pass(0);
  t.true(await applier.applied());
  t.true(kernel.calls.restoreTable <= restoreTable + 2, `${kernel.calls.restoreTable}`);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter(199))));
});

test('sequences of filters, from junk, forwards and backwards, end in what each should be, and others keep theirs', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  for (let run = 0; run < 25; run++) {
    const kernel = new FakeFilterKernel();
    putJunk(kernel, random);
    const before = foreign(kernel);
    const { applier, pass } = startApplier(t, kernel);
    const states = Array.from({ length: 4 }, () => randomFilter(random));
    for (const state of [...states, filter([]), ...states.toReversed()]) {
      applier.setDesired(state);
      await pass(5000);
      t.true(await applier.applied());
      t.deepEqual(foreign(kernel), before);
      const held = ours(kernel).filter(line => !/mgy-older/.test(line));
      t.deepEqual(sorted(held), sorted(oursOf(state)));
      t.deepEqual(applier.status().problems, []);
    }
    applier.close();
  }
});

const failures = ['busy', 'refused', 'half'] as const;
test('whatever step fails once, in whatever way, the end is the same', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  let failed = 0;
  for (const operation of ['saveTables', 'restoreTable', 'saveSets', 'restoreSets', 'destroySet'] as const) {
    for (const outcome of failures) {
      for (let skip = 0; skip < 5; skip++) {
        const kernel = new FakeFilterKernel();
        putJunk(kernel, random);
        const before = foreign(kernel);
        const { applier, pass } = startApplier(t, kernel);
        kernel.failNext(operation, outcome, skip);
        for (const state of [
          smallFilter(),
          filter(
            [...smallFilter(81, ['10.3.0.0/16']).tables],
            [set('mgy-a', ['10.3.0.0/16']), set('mgy-b', ['10.4.0.1'])],
          ),
          smallFilter(82),
        ]) {
          applier.setDesired(state);
          // A look that fails is repeated soon.
          await pass(1500);
          // What nobody wants, and was held for a moment, goes a second later; what was refused is tried again after a minute.
          if (ours(kernel).length !== oursOf(state).length) await pass(2 * REFRESH_MS);
          t.true(await applier.applied(), `${operation} ${outcome} ${skip}`);
          const held = ours(kernel).filter(line => !/mgy-older/.test(line));
          t.deepEqual(sorted(held), sorted(oursOf(state)), `${operation} ${outcome} ${skip}`);
          t.deepEqual(foreign(kernel), before);
        }
        if (applier.status().problems.length > 0) await pass(REFRESH_MS);
        t.deepEqual(applier.status().problems, []);
        applier.close();
        failed++;
      }
    }
  }
  t.is(failed, 75);
});

test('a lock that another holds for 30 s is waited for, said, and nothing is refused for it', async t => {
  const clock = new FakeClock();
  const kernel = new FakeFilterKernel();
  kernel.putRules('legacy', 'ipv4', 'filter', '-A INPUT -j ACCEPT');
  const { applier, pass, logged } = startApplier(t, kernel, { clock });
  // As `iptables-restore -w 10` does.
  kernel.lock = async () => {
    for (let waited = 0; waited < 100; waited++) {
      if (clock.now() >= 30_000) return true;
      await new Promise<void>(resolve => clock.schedule(100, resolve));
    }
    return false;
  };
  applier.setDesired(smallFilter());
  await pass(15_000);
  t.like(applier.status(), { inForce: false, problems: [] });
  t.regex(applier.status().waiting!.reason, /lock/);
  t.true(applier.status().waitedMs >= 14_000);
  t.is(logged.filter(line => /cannot be written/.test(line)).length, 1, 'once, however often it is tried');
  await pass(20_000);
  t.true(await applier.applied());
  t.like(applier.status(), { inForce: true, waiting: undefined, problems: [] });
  t.true(
    applier.status().waitedMs >= 29_000 && applier.status().waitedMs <= 32_000,
    `${applier.status().waitedMs}`,
  );
  t.deepEqual(
    sorted(ours(kernel)).map(line => line.replace('legacy', 'nft')),
    sorted(oursOf(smallFilter())),
  );
});

test('what others flush is healed when it is heard of, and the time is said', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass, hear, clock, logged } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(20_000);
  kernel.flush('nft', 'ipv4', 'filter');
  await pass(200);
  t.deepEqual(
    ours(kernel).filter(line => line.startsWith('nft')),
    [],
    'nothing was heard yet',
  );
  hear('nft', { table: { family: 'ipv4', table: 'filter' }, by: 'iptables', atMostAgoMs: 0 });
  const heardMs = clock.now();
  await pass(50);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
  const [exposure] = applier.status().exposures;
  t.like(exposure, { by: 'iptables', exact: true, sinceMs: heardMs });
  t.true(exposure!.untilMs! - heardMs < 100);
  t.regex(logged.join('\n'), /healed: ipv4 filter: 6 of our chains, rules in FORWARD changed by iptables/);
  t.is(applier.status().exposureCount, 1);
});

test('for how long sets were without members counts from when they were read last, whatever was written since', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, hear, pass, clock } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(3 * REFRESH_MS);
  kernel.putSets('flush mgy-a');
  const flushedMs = clock.now();
  await pass(100);
  hear('nft', { table: { family: 'ipv4', table: 'filter' }, by: 'iptables', atMostAgoMs: 0 });
  await pass(50);
  t.is(applier.status().exposureCount, 0);
  await pass(REFRESH_MS);
  const [exposure] = applier.status().exposures;
  t.like(exposure, { what: 'sets: mgy-a', exact: false });
  t.true(exposure!.sinceMs <= flushedMs);
});

test('what nobody tells of is found by looks that become rarer, down to the refresh interval', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(500);
  // A foreign rule in a chain of ours, a set without its members.
  kernel.putRules('nft', 'ipv4', 'filter', '-I mgy-tw-1 -j ACCEPT');
  kernel.putSets('flush mgy-a');
  await pass(700);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
  t.is(applier.status().exposureCount, 2);
  const reads = kernel.calls.saveTables;
  await pass(2 * REFRESH_MS);
  const looks = kernel.calls.saveTables - reads;
  t.true(looks > 4 && looks < 20, `${looks}`);
  kernel.putRules('nft', 'ipv4', 'filter', '-I mgy-tw-1 -j ACCEPT');
  await pass(REFRESH_MS);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
});

test('a program that insists on being first gets its way for a while, and that is said', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass, hear } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  const first = () => kernel.rules('nft', 'ipv4', 'filter', 'FORWARD')![0]!;
  let moved = 0;
  for (let i = 0; i < 8; i++) {
    kernel.putRules('nft', 'ipv4', 'filter', `-I FORWARD -p tcp --dport ${i} -j ACCEPT`);
    hear('nft', { table: { family: 'ipv4', table: 'filter' }, by: 'other', atMostAgoMs: 0 });
    await pass(100);
    if (first().includes('mgy:')) moved++;
  }
  t.is(moved, 3);
  t.regex(applier.status().problems[0]!.reason, /another program/);
  t.is(applier.status().problems[0]!.where, 'ipv4 filter FORWARD');
  await pass(REFRESH_MS);
  t.true(first().includes('mgy:'));
});

test('rules go to what the host uses; what is ours in the other is swept, and its rules stay', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  applier.close();
  kernel.putRules('legacy', 'ipv4', 'filter', '-A INPUT -p tcp -j ACCEPT', ':FOREIGN - [0:0]');
  const before = foreign(kernel);
  const second = startApplier(t, kernel);
  second.applier.setDesired(smallFilter(81));
  await second.pass(5000);
  t.true(await second.applier.applied());
  t.is(second.applier.status().backends.get('ipv4')?.backend, 'legacy');
  t.deepEqual(
    ours(kernel).filter(line => line.startsWith('nft')),
    [],
  );
  const held = ours(kernel).map(line => line.replace('legacy', 'nft'));
  t.deepEqual(sorted(held), sorted(oursOf(smallFilter(81))));
  t.deepEqual(foreign(kernel), before);
  t.deepEqual(second.applier.status().problems, []);
});

test('a backend that can be read and takes nothing is passed over', async t => {
  const kernel = new FakeFilterKernel();
  kernel.deaf.add('nft');
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  t.true(await applier.applied());
  t.is(applier.status().backends.get('ipv4')?.backend, 'legacy');
});

test('a family that the kernel cannot filter is named, and does not stop the other', async t => {
  const kernel = new FakeFilterKernel();
  kernel.deaf.add('ipv6');
  const { applier, pass } = startApplier(t, kernel);
  const { tables, sets } = smallFilter();
  applier.setDesired(filter([table([chain('mgy-x', ['-j DROP'])], [], 'filter', 'ipv6'), ...tables], sets));
  await pass(1000);
  t.true(await applier.applied());
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(smallFilter())));
  t.deepEqual(
    applier.status().problems.map(({ where }) => where),
    ['ipv6'],
  );
  const { writes } = kernel;
  applier.setDesired(filter([table([chain('mgy-x', ['-j DROP'])], [], 'filter', 'ipv6'), ...tables], sets));
  await pass(100);
  t.is(kernel.writes, writes);
});

test('a host without iptables is told what it lacks', async t => {
  const kernel = new FakeFilterKernel();
  kernel.missing.add('nft').add('legacy');
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(1000);
  t.false(await applier.applied());
  t.regex(applier.status().waiting!.reason, /apt-get install iptables/);
});

test('a set whose type changes is replaced by way of another, and never missed by a rule', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  let steps = 0;
  kernel.stepped = () => {
    const [policy] = kernel.rules('nft', 'ipv4', 'filter', 'mgy-pi-a')!;
    const [, name] = /--match-set (\S+)/.exec(policy!)!;
    t.true(kernel.sets.get(name!)!.members.has('10.0.0.1'), `${name}`);
    steps++;
  };
  const changed = filter(smallFilter().tables, [set('mgy-a', ['10.0.0.1'], { type: 'hash:ip' })]);
  applier.setDesired(changed);
  await pass(5000);
  t.true(await applier.applied());
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(changed)));
  t.true(steps > 6);
});

test('leftovers are destroyed a few at a time', async t => {
  const kernel = new FakeFilterKernel();
  for (let i = 0; i < 11; i++) kernel.putSets(`create mgy-left${i} hash:ip family inet maxelem 65536`);
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(smallFilter());
  await pass(0);
  t.true(await applier.applied());
  t.is(kernel.calls.destroySet, 4);
  await pass(4000);
  t.is(kernel.calls.destroySet, 11);
  t.deepEqual([...kernel.sets.keys()], ['mgy-a']);
});

test('a line break in a rule reaches nobody, and costs its chain alone', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  const evil = filter([
    table([
      chain('mgy-top', ['-j mgy-w', '-j mgy-ok']),
      chain('mgy-ok', ['-j RETURN'], 'WorkloadEndpoint/b'),
      chain('mgy-w', [rule('-j DROP\n-I INPUT -j ACCEPT')], 'WorkloadEndpoint/a'),
    ]),
  ]);
  applier.setDesired(evil);
  await pass(0);
  t.true(await applier.applied());
  t.deepEqual(kernel.rules('nft', 'ipv4', 'filter', 'INPUT'), []);
  t.regex(kernel.rules('nft', 'ipv4', 'filter', 'mgy-w')!.join('\n'), /^[^\n]*-j DROP$/);
  t.like(applier.status().problems[0], { endpoints: ['WorkloadEndpoint/a'], chain: 'mgy-w', effect: 'drop' });
  t.is(applier.status().problems.length, 1);
});
