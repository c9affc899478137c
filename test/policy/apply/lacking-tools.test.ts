/** Hosts that lack a tool: what can be enforced is, what is lacking is named, and once it is there all is as it should be. */
import test from 'ava';
import type { RenderedFilter } from '../../../policy/rendered.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { chain, filter, ours, oursOf, rule, set, smallFilter, table } from './filters.js';

const NONE = 'ipset is not installed: apt-get install ipset';
const sorted = (lines: readonly string[]) => [...lines].sort();
const texts = (kernel: FakeFilterKernel, name: string) =>
  kernel
    .rules('nft', 'ipv4', 'filter', name)!
    .map(text => text.replaceAll(/-m comment --comment "[^"]*" ?/g, '').trim());

/** A workload with a set in its policy and one without, a host with one, and a chain of everybody. */
function townFilter(port = 80): RenderedFilter {
  const match = '-m set --match-set mgy-a src -j ACCEPT';
  const [one, two, host] = ['WorkloadEndpoint/1', 'WorkloadEndpoint/2', 'HostEndpoint/eth0'];
  return filter(
    [
      table(
        [
          chain('mgy-INPUT', ['-i cali1 -j mgy-w1', '-i cali2 -j mgy-w2', '-i eth0 -j mgy-h']),
          chain('mgy-w1', ['-j mgy-pa', '-j DROP'], one),
          chain('mgy-w2', [`-p tcp --dport ${port} -j ACCEPT`, '-j DROP'], two),
          chain('mgy-h', ['-p tcp --dport 22 -j ACCEPT', '-j mgy-ph', '-j DROP'], host),
          chain('mgy-pa', [match], one),
          chain('mgy-ph', [`-p udp --dport ${port} -j ACCEPT`, match], host),
          chain('mgy-all', ['-p icmp -j RETURN', match]),
        ],
        [{ chain: 'INPUT', place: 'first', rules: [rule('-j mgy-all'), rule('-j mgy-INPUT')] }],
      ),
    ],
    [set('mgy-a', ['10.0.0.1']), set('mgy-b', ['10.0.0.2'])],
  );
}

for (const reason of [NONE, 'ipset cannot be used (modprobe ip_set): Cannot open session to kernel.']) {
  test(`a host that lacks sets (${reason.slice(0, 22)}) is filtered by everything that needs none`, async t => {
    const kernel = new FakeFilterKernel();
    kernel.setless = reason;
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(townFilter());
    await pass(500);
    t.true(await applier.applied());
    t.deepEqual(texts(kernel, 'mgy-w2'), ['-p tcp --dport 80 -j ACCEPT', '-j DROP']);
    t.deepEqual(texts(kernel, 'mgy-pa'), ['-j DROP'], 'a workload that needs a set is closed');
    t.deepEqual(texts(kernel, 'mgy-ph'), ['-j DROP'], 'so is a host’s policy, behind its failsafes');
    t.deepEqual(texts(kernel, 'mgy-h'), ['-p tcp --dport 22 -j ACCEPT', '-j mgy-ph', '-j DROP']);
    t.deepEqual(texts(kernel, 'mgy-all'), ['-p icmp -j RETURN'], 'everybody’s chain loses the rule');
    const { problems } = applier.status();
    t.deepEqual(
      problems.filter(({ where }) => where.startsWith('set')).map(one => [one.where, one.reason]),
      [['sets', reason]],
      'once, not for each set',
    );
    t.deepEqual(
      problems.flatMap(({ chain: name, effect }) => (name === undefined ? [] : [[name, effect]])).sort(),
      [
        ['mgy-all', 'left-out'],
        ['mgy-pa', 'drop'],
        ['mgy-ph', 'drop'],
      ],
    );

    // Asking costs one command each 5 s.
    const calls = { ...kernel.calls };
    await pass(60_000);
    t.true(kernel.calls.saveSets - calls.saveSets <= 20, `${kernel.calls.saveSets - calls.saveSets}`);
    t.is(kernel.writes, calls.restoreTable + calls.restoreSets + calls.destroySet);

    kernel.setless = undefined;
    await pass(6000);
    t.deepEqual(sorted(ours(kernel)), sorted(oursOf(townFilter())));
    t.deepEqual(applier.status().problems, []);
    t.is(applier.status().exposureCount, 0);
  });
}

test('where ipset goes while sets are in use, they stay in use, and only what needs another set is closed', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(townFilter());
  await pass(500);
  kernel.setless = NONE;
  await pass(2 * REFRESH_MS);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(townFilter())));
  t.deepEqual(
    applier.status().problems.map(({ where, reason }) => [where, reason]),
    [['sets', NONE]],
  );
  const { tables } = townFilter(81);
  const wanted = filter(tables, [set('mgy-a', ['10.0.0.9']), set('mgy-b', ['10.0.0.2'])]);
  applier.setDesired(wanted);
  await pass(500);
  t.true(await applier.applied());
  t.deepEqual(texts(kernel, 'mgy-w2'), ['-p tcp --dport 81 -j ACCEPT', '-j DROP']);
  t.deepEqual(texts(kernel, 'mgy-pa'), ['-j DROP']);
  t.is(texts(kernel, 'mgy-ph').length, 2, 'a host keeps its last good rules');
  t.is(texts(kernel, 'mgy-all').length, 2, 'everybody’s chain can live with the set as it was');
  kernel.setless = undefined;
  await pass(6000);
  t.deepEqual(sorted(ours(kernel)), sorted(oursOf(wanted)));
  t.deepEqual(applier.status().problems, []);
});

for (const [lacking, other] of [
  ['ipv6', 'ipv4'],
  ['ipv4', 'ipv6'],
] as const) {
  const command = lacking === 'ipv6' ? 'ip6tables' : 'iptables';
  const both = () => {
    const { tables, sets } = smallFilter();
    return filter([...tables, table([chain('mgy-x', ['-j DROP'])], [], 'filter', 'ipv6')], sets);
  };
  const of = (family: string, lines: readonly string[]) => lines.filter(line => line.includes(` ${family} `));

  test(`without ${command} the other family is enforced, and it is once it is there`, async t => {
    const kernel = new FakeFilterKernel();
    kernel.missing.add(lacking);
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(both());
    await pass(500);
    t.true(await applier.applied());
    t.deepEqual(sorted(of(other, ours(kernel))), sorted(of(other, oursOf(both()))));
    const [problem, ...more] = applier.status().problems;
    t.deepEqual(more, []);
    t.is(problem!.where, lacking);
    t.is(problem!.reason, `${command} is not installed: apt-get install iptables`);
    kernel.missing.clear();
    await pass(11_000);
    t.deepEqual(sorted(ours(kernel)), sorted(oursOf(both())));
    t.deepEqual(applier.status().problems, []);
  });

  test(`where ${command} goes later on, the other family is healed all the same`, async t => {
    const kernel = new FakeFilterKernel();
    const { applier, pass, hear } = startApplier(t, kernel);
    applier.setDesired(both());
    await pass(2 * REFRESH_MS);
    kernel.missing.add(lacking);
    kernel.flush('nft', other, 'filter');
    hear('nft', { table: { family: other, table: 'filter' }, by: 'x', atMostAgoMs: 0 });
    await pass(2 * REFRESH_MS);
    t.deepEqual(sorted(of(other, ours(kernel))), sorted(of(other, oursOf(both()))));
    t.deepEqual(
      applier.status().problems.map(({ where }) => where),
      [lacking],
    );
  });

  test(`a change while ${command} has gone is in force for the other family within seconds`, async t => {
    const kernel = new FakeFilterKernel();
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(both());
    await pass(2 * REFRESH_MS);
    kernel.missing.add(lacking);
    // A check finds out.
    await pass(REFRESH_MS);
    const { tables, sets } = smallFilter(81);
    const wanted = filter(
      [...tables, table([chain('mgy-x', ['-p tcp -j DROP'])], [], 'filter', 'ipv6')],
      sets,
    );
    applier.setDesired(wanted);
    await pass(3000);
    t.true(await applier.applied());
    t.deepEqual(sorted(of(other, ours(kernel))), sorted(of(other, oursOf(wanted))));
  });
}
