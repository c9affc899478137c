import test from 'ava';
import {
  type Attempt,
  findRefusedChains,
  findRefusedRules,
  SearchFailure,
} from '../../../policy/apply/find-refused.js';
import { hashRules } from '../../../policy/apply/rule-hash.js';
import type { ChainWrite } from '../../../policy/apply/table-plan.js';
import type { RenderedFilter } from '../../../policy/rendered.js';
import { Random } from '../../support/random.js';
import { REFRESH_MS, startApplier } from './applier-run.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { chain, filter, ours, oursOf, rule, set, smallFilter, table } from './filters.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);
const refused = { kind: 'refused', reason: 'Invalid argument', at: undefined } as const;
const writes = (count: number): readonly ChainWrite[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `mgy-${i}`,
    rules: hashRules(`mgy-${i}`, []),
    isNew: false,
  }));

test('the chains that are found refused are those that are, and all others were written', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  for (let run = 0; run < 300; run++) {
    const all = writes(1 + random.below(60));
    const bad = new Set(all.filter(() => random.below(12) === 0).map(({ name }) => name));
    if (bad.size === 0) bad.add(all[random.below(all.length)]!.name);
    const named = random.below(2) === 0;
    const written = new Set<string>();
    const found = await findRefusedChains(all, refused, async part => {
      const first = part.find(({ name }) => bad.has(name));
      if (first === undefined) {
        for (const { name } of part) written.add(name);
        return { kind: 'done' };
      }
      return { ...refused, at: named ? { chain: first.name, rule: 0 } : undefined };
    });
    // One chain alone is known without asking.
    t.deepEqual(new Set(found.keys()), bad);
    t.deepEqual(written, new Set(all.map(({ name }) => name).filter(name => !bad.has(name))));
  }
});

test('the rules that are found refused are those that are', async t => {
  const random = new Random(seed);
  for (let run = 0; run < 300; run++) {
    const count = 1 + random.below(40);
    const bad = Array.from({ length: count }, (_, i) => i).filter(() => random.below(8) === 0);
    const named = random.below(2) === 0;
    const found = await findRefusedRules(count, async rules => {
      const first = rules.find(i => bad.includes(i));
      if (first === undefined) return { kind: 'done' };
      return { ...refused, at: named ? { chain: 'mgy-try', rule: first } : undefined };
    });
    t.deepEqual(found, bad);
  }
});

test('a kernel that takes nothing is not asked for ever, and one that is busy is asked once', async t => {
  let asked = 0;
  const attempt = (outcome: Attempt) => async () => {
    asked++;
    return outcome;
  };
  await t.throwsAsync(findRefusedChains(writes(5000), refused, attempt(refused)), {
    instanceOf: SearchFailure,
  });
  t.true(asked < 500);
  asked = 0;
  await t.throwsAsync(findRefusedChains(writes(50), refused, attempt({ kind: 'busy', reason: 'lock' })), {
    instanceOf: SearchFailure,
  });
  t.is(asked, 1);
});

/** Two workloads with a policy each, a host endpoint, a policy of both the second and the host, and a chain of everybody. */
function cityFilter(
  texts: Partial<Record<'a' | 'b' | 'shared' | 'host' | 'nat', string>> = {},
): RenderedFilter {
  const [one, two, host] = ['WorkloadEndpoint/1', 'WorkloadEndpoint/2', 'HostEndpoint/eth0'];
  return filter([
    table(
      [
        chain('mgy-INPUT', ['-i cali1 -j mgy-w1', '-i cali2 -j mgy-w2', '-i eth0 -j mgy-h']),
        chain('mgy-w1', ['-j mgy-pa', '-j DROP'], one),
        chain('mgy-w2', ['-j mgy-pb', '-j mgy-ps', '-j DROP'], two),
        chain('mgy-h', [texts.host ?? '-p tcp --dport 22 -j ACCEPT', '-j mgy-ps', '-j DROP'], host),
        chain(
          'mgy-pa',
          [
            '-p udp -j ACCEPT',
            {
              text: texts.a ?? '-p tcp --dport 1 -j ACCEPT',
              comments: [],
              origin: { owner: 'a', direction: 'ingress', rule: 7 },
            },
          ],
          one,
        ),
        chain('mgy-pb', [texts.b ?? '-p tcp --dport 2 -j ACCEPT'], two),
        chain('mgy-ps', [texts.shared ?? '-p tcp --dport 3 -j ACCEPT'], two, host),
        chain('mgy-all', [
          '-p icmp -j RETURN',
          texts.nat ?? '-p tcp --dport 4 -j RETURN',
          '-p udp -j RETURN',
        ]),
      ],
      [{ chain: 'INPUT', place: 'first', rules: [rule('-j mgy-all'), rule('-j mgy-INPUT')] }],
    ),
  ]);
}

const texts = (kernel: FakeFilterKernel, name: string) =>
  kernel
    .rules('nft', 'ipv4', 'filter', name)!
    .map(text => text.replaceAll(/-m comment --comment "[^"]*" ?/g, '').trim());

for (const saysWhere of [true, false]) {
  const how = saysWhere ? 'that is named' : 'that is not named';

  test(`a refused rule ${how} costs its workloads their chain, and nobody else anything`, async t => {
    const kernel = new FakeFilterKernel();
    kernel.saysWhere = saysWhere;
    kernel.refuses = text => text.includes('bogus');
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(cityFilter({ a: '-m bogus -j ACCEPT' }));
    await pass(500);
    t.true(await applier.applied());
    t.deepEqual(texts(kernel, 'mgy-pa'), ['-j DROP']);
    const [problem, ...others] = applier.status().problems;
    t.deepEqual(others, []);
    t.like(problem, {
      endpoints: ['WorkloadEndpoint/1'],
      where: 'ipv4 filter',
      chain: 'mgy-pa',
      effect: 'drop',
      reason: 'Invalid argument',
    });
    t.deepEqual(problem!.rules, [
      { text: '-m bogus -j ACCEPT', origin: { owner: 'a', direction: 'ingress', rule: 7 } },
    ]);
    const rest = (lines: readonly string[]) => lines.filter(line => !line.includes('-A mgy-pa')).sort();
    t.deepEqual(rest(ours(kernel)), rest(oursOf(cityFilter())));

    // It is remembered: what else changes is one restore.
    const { restoreTable } = kernel.calls;
    applier.setDesired(cityFilter({ a: '-m bogus -j ACCEPT', b: '-p tcp --dport 22 -j ACCEPT' }));
    await pass(100);
    t.is(kernel.calls.restoreTable, restoreTable + 1);
    t.is(applier.status().problems.length, 1);
    applier.setDesired(cityFilter());
    await pass(100);
    t.deepEqual([...ours(kernel)].sort(), [...oursOf(cityFilter())].sort());
    t.deepEqual(applier.status().problems, []);
  });

  test(`a host endpoint keeps its last good rules when one ${how} is refused, and workloads are closed to them`, async t => {
    const kernel = new FakeFilterKernel();
    kernel.saysWhere = saysWhere;
    kernel.refuses = text => text.includes('bogus');
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(cityFilter());
    await pass(100);
    applier.setDesired(cityFilter({ shared: '-m bogus -j ACCEPT', b: '-p tcp --dport 22 -j ACCEPT' }));
    await pass(500);
    t.deepEqual(texts(kernel, 'mgy-ps'), ['-p tcp --dport 3 -j ACCEPT']);
    t.deepEqual(texts(kernel, 'mgy-w2'), ['-j mgy-pb', '-j DROP', '-j DROP']);
    t.deepEqual(texts(kernel, 'mgy-h'), ['-p tcp --dport 22 -j ACCEPT', '-j mgy-ps', '-j DROP']);
    t.deepEqual(texts(kernel, 'mgy-pb'), ['-p tcp --dport 22 -j ACCEPT']);
    t.like(applier.status().problems[0], {
      chain: 'mgy-ps',
      effect: 'last-good',
      endpoints: ['WorkloadEndpoint/2', 'HostEndpoint/eth0'],
    });
    // The next agent knows no more than the kernel.
    applier.close();
    const second = startApplier(t, kernel);
    second.applier.setDesired(cityFilter({ shared: '-m bogus -j ACCEPT' }));
    await second.pass(500);
    t.deepEqual(texts(kernel, 'mgy-ps'), ['-p tcp --dport 3 -j ACCEPT']);
  });

  test(`of a chain of everybody a rule ${how} alone is left out`, async t => {
    const kernel = new FakeFilterKernel();
    kernel.saysWhere = saysWhere;
    kernel.refuses = text => text.includes('bogus');
    const { applier, pass } = startApplier(t, kernel);
    applier.setDesired(cityFilter({ nat: '-m bogus -j RETURN' }));
    await pass(500);
    t.deepEqual(texts(kernel, 'mgy-all'), ['-p icmp -j RETURN', '-p udp -j RETURN']);
    t.deepEqual(texts(kernel, 'INPUT'), ['-j mgy-all', '-j mgy-INPUT']);
    t.like(applier.status().problems[0], { chain: 'mgy-all', effect: 'left-out', endpoints: [] });
  });
}

test('several are refused at once, each with its own rule', async t => {
  const kernel = new FakeFilterKernel();
  kernel.refuses = text => text.includes('bogus');
  const { applier, pass } = startApplier(t, kernel);
  applier.setDesired(
    cityFilter({
      a: '-m bogus -j ACCEPT',
      b: '-m bogus2 -j ACCEPT',
      nat: '-m bogus3 -j RETURN',
      host: '-m bogus4 -j ACCEPT',
    }),
  );
  await pass(500);
  t.deepEqual(
    applier
      .status()
      .problems.map(({ chain: name, rules }) => [name, rules.map(({ text }) => text)])
      .sort(),
    [
      ['mgy-all', ['-m bogus3 -j RETURN']],
      ['mgy-h', ['-m bogus4 -j ACCEPT']],
      ['mgy-pa', ['-m bogus -j ACCEPT']],
      ['mgy-pb', ['-m bogus2 -j ACCEPT']],
    ],
  );
  t.true(await applier.applied());
});

test('what the kernel refused is tried again after a while, and taken when it can be', async t => {
  const kernel = new FakeFilterKernel();
  kernel.refuses = text => text.includes('module');
  const { applier, pass } = startApplier(t, kernel);
  const wanted = cityFilter({ a: '-m module -j ACCEPT' });
  applier.setDesired(wanted);
  await pass(500);
  t.is(applier.status().problems.length, 1);
  kernel.refuses = undefined;
  await pass(2 * REFRESH_MS);
  t.deepEqual(applier.status().problems, []);
  t.deepEqual([...ours(kernel)].sort(), [...oursOf(wanted)].sort());
});

test('a set that is refused costs the endpoints that need it, and the other sets are right', async t => {
  const kernel = new FakeFilterKernel();
  kernel.refusesMember = member => member === 'nonsense';
  const { applier, pass } = startApplier(t, kernel);
  const { tables } = smallFilter();
  const sets = [set('mgy-a', ['10.0.0.1', 'nonsense']), set('mgy-b', ['10.0.0.2'])];
  applier.setDesired(filter(tables, sets));
  await pass(500);
  t.true(await applier.applied());
  t.deepEqual([...kernel.sets.get('mgy-b')!.members], ['10.0.0.2']);
  t.deepEqual(texts(kernel, 'mgy-pi-a'), ['-j DROP']);
  t.deepEqual(
    applier.status().problems.map(({ where, endpoints }) => [where, endpoints]),
    [
      ['ipv4 filter', ['WorkloadEndpoint/default/one']],
      ['set mgy-a', []],
    ],
  );
  const { writes: before } = kernel;
  applier.setDesired(filter(tables, sets));
  await pass(100);
  t.is(kernel.writes, before, 'it is not tried at every apply');
  const good = filter(tables, [set('mgy-a', ['10.0.0.1']), set('mgy-b', ['10.0.0.2'])]);
  applier.setDesired(good);
  await pass(100);
  t.deepEqual(applier.status().problems, []);
  t.deepEqual([...ours(kernel)].sort(), [...oursOf(good)].sort());
});

test('a set with more members than it may hold is refused as well', async t => {
  const kernel = new FakeFilterKernel();
  const { applier, pass } = startApplier(t, kernel);
  const { tables } = smallFilter();
  applier.setDesired(
    filter(tables, [set('mgy-a', ['10.0.0.1', '10.0.0.2', '10.0.0.3'], { maxElements: 2 })]),
  );
  await pass(500);
  t.true(await applier.applied());
  t.deepEqual(texts(kernel, 'mgy-pi-a'), ['-j DROP']);
  t.regex(applier.status().problems[0]!.reason, /mgy-a/);
});
