import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import { patience } from '../../../demo/patience.js';
import { dryRun, undoFilter } from '../../../policy/apply/apply-once.js';
import { hashRules } from '../../../policy/apply/rule-hash.js';
import type { RenderedFilter, RenderedTable } from '../../../policy/rendered.js';
import { chain, filter, rule, set, smallFilter, table } from '../../policy/apply/filters.js';
import { eventually } from '../../support/eventually.js';
import { skip } from '../../support/skip.js';
import { type FilterHost, filterHost, foreignOf, startFilter } from './filter-host.js';

const backends = ['nft', 'legacy'] as const;

/** Whether a table's chains hold the rules that they should, by their hashes, and no other chain is ours. */
function holds(saved: string, { chains }: RenderedTable): boolean {
  const found = new Map<string, string[]>();
  for (const [, name] of saved.matchAll(/^:(mgy-\S+) /gm)) found.set(name!, []);
  for (const [, name, hash] of saved.matchAll(/^-A (mgy-\S+) .*?--comment "?mgy:(\w+)/gm))
    found.get(name!)!.push(hash!);
  if (found.size !== chains.size) return false;
  return [...chains.values()].every(
    ({ name, rules }) => found.get(name)?.join(' ') === hashRules(name, rules).signature,
  );
}

/** How many strokes nftables' own monitor, an outside observer, sees while the work is done. */
async function strokesDuring({ prefix, run }: FilterHost, work: () => Promise<void>): Promise<number> {
  const monitor = spawn(prefix[0]!, [...prefix.slice(1), 'nft', 'monitor'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let printed = '';
  monitor.stdout.on('data', chunk => {
    printed += chunk;
  });
  let marks = 0;
  /** All that was done before has been seen. */
  const mark = async () => {
    const name = `mark${marks++}`;
    run('nft', 'add', 'table', 'ip', name);
    return await eventually(() => printed.includes(`add table ip ${name}\n`), 500, 10);
  };
  try {
    while (!(await mark())) if (marks > 20) throw new Error('nft monitor sees nothing');
    const before = printed.length;
    await work();
    if (!(await mark())) throw new Error('nft monitor sees nothing any more');
    return printed.slice(before).match(/^# new generation/gm)!.length - 1;
  } finally {
    monitor.kill();
  }
}

for (const backend of backends) {
  const iptables = `iptables-${backend}`;

  test(`${iptables}: a filter comes into force, changes in part, and is not written a second time; others’ rules stay`, async t => {
    const filterOf = filterHost(t, backend);
    if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
    const { run, save } = filterOf;
    run(iptables, '-A', 'FORWARD', '-i', 'eth9', '-j', 'ACCEPT');
    const before = foreignOf(save());
    const { applier } = startFilter(t, filterOf);
    applier.setDesired(smallFilter());
    t.true(await applier.applied(), JSON.stringify(applier.status()));
    t.true(holds(save(), smallFilter().tables[0]!), save());
    t.deepEqual(foreignOf(save()), before);
    const forward = save()
      .split('\n')
      .filter(line => line.startsWith('-A FORWARD'));
    t.regex(forward[0]!, /mgy-FORWARD/);
    t.regex(forward[2]!, /mark/);
    t.is(applier.status().backends.get('ipv4')?.backend, backend);
    t.deepEqual(
      run('ipset', 'save', 'mgy-a')
        .match(/^add .*/gm)
        ?.sort(),
      ['add mgy-a 10.0.0.1', 'add mgy-a 10.1.0.0/16'],
    );

    const counted = async (work: () => Promise<void>): Promise<readonly number[]> => {
      const before = filterOf.writes();
      if (backend === 'nft') return [await strokesDuring(filterOf, work), filterOf.writes() - before];
      await work();
      return [filterOf.writes() - before];
    };
    const another = startFilter(t, filterOf).applier;
    const none = await counted(async () => {
      for (const start of [applier, another]) {
        start.setDesired(smallFilter());
        t.true(await start.applied());
        t.is(start.status().exposureCount, 0);
      }
    });
    t.true(
      none.every(count => count === 0),
      `${none}`,
    );
    // It would take what follows for others' doing, and mend it.
    await another.close();
    const once = await counted(async () => {
      applier.setDesired(smallFilter(443));
      t.true(await applier.applied());
    });
    t.true(
      once.every(count => count === 1),
      `${once}`,
    );
    t.true(holds(save(), smallFilter(443).tables[0]!));
    t.deepEqual(foreignOf(save()), before);
    t.deepEqual(applier.status().problems, []);
    applier.close();

    await undoFilter({ kernel: filterOf.kernel, clock: systemClock });
    t.deepEqual(foreignOf(save()), before);
    t.notRegex(`${save()}${run('ipset', 'save')}`, /mgy/);
    t.regex(run('ipset', 'save'), /create foreign/);
  });

  test(`${iptables}: a flush is heard of and healed within a second, and the time is said`, async t => {
    const filterOf = filterHost(t, backend);
    if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
    const { run, save } = filterOf;
    const { applier, logged } = startFilter(t, filterOf);
    applier.setDesired(smallFilter());
    t.true(await applier.applied());
    // No check by itself is due: it is the watch that notices.
    await sleep(2200);
    const flushes = [
      [iptables, '-F'],
      [iptables, '-D', 'mgy-tw-1', '2'],
      [iptables, '-I', 'FORWARD', '-i', 'eth8', '-j', 'ACCEPT'],
      ...(backend === 'nft' ? [['nft', 'flush', 'ruleset']] : []),
    ];
    for (const [i, flush] of flushes.entries()) {
      const beganMs = performance.now();
      run(...flush);
      const healed = await eventually(() => applier.status().exposures[i]?.untilMs !== undefined, 3000, 5);
      const tookMs = performance.now() - beganMs;
      t.true(healed, logged.join('\n'));
      t.true(holds(save(), smallFilter().tables[0]!));
      t.regex(
        save()
          .split('\n')
          .find(line => line.startsWith('-A FORWARD'))!,
        /mgy-FORWARD/,
      );
      t.log(`${flush.join(' ')}: ${Math.round(tookMs)} ms; ${logged.at(-1)}`);
      t.true(tookMs < 1000 * patience, `${tookMs} ms`);
    }
    t.is(applier.status().exposureCount, flushes.length);
  });

  test(`${iptables}: what the kernel or the command refuses costs its endpoints, and is named`, async t => {
    const filterOf = filterHost(t, backend);
    if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
    const { save } = filterOf;
    const { applier } = startFilter(t, filterOf);
    const many = Array.from({ length: 40 }, (_, i) =>
      chain(`mgy-p${i}`, [`-p tcp -m tcp --dport ${i + 1} -j ACCEPT`, '-j RETURN'], `WorkloadEndpoint/${i}`),
    );
    const bad = [
      chain('mgy-unknown', ['-p tcp -j ACCEPT', '-m nosuchmatch -j ACCEPT'], 'WorkloadEndpoint/unknown'),
      // Only nat's chains take it, and the kernel says so.
      chain('mgy-refused', ['-p udp -j ACCEPT', '-p tcp -j MASQUERADE'], 'WorkloadEndpoint/refused'),
      chain('mgy-setless', ['-m set --match-set mgy-none src -j ACCEPT'], 'WorkloadEndpoint/setless'),
    ];
    const top = chain(
      'mgy-top',
      [...many, ...bad].map(({ name }) => `-j ${name}`),
    );
    const wanted = (chains: typeof many) =>
      filter([
        table([top, ...chains], [{ chain: 'INPUT', place: 'first', rules: [rule('-i eth7 -j mgy-top')] }]),
      ]);
    const beganMs = performance.now();
    applier.setDesired(wanted([...many, ...bad]));
    t.true(await applier.applied(), JSON.stringify(applier.status()));
    t.log(`${Math.round(performance.now() - beganMs)} ms`);
    const { problems } = applier.status();
    t.log(...problems.map(({ chain: name, reason, rules }) => `${name}: ${reason}: ${rules[0]?.text}`));
    t.deepEqual(
      problems
        .map(({ endpoints, chain: name, effect, rules }) => [endpoints[0], name, effect, rules[0]?.text])
        .sort(),
      [
        ['WorkloadEndpoint/refused', 'mgy-refused', 'drop', '-p tcp -j MASQUERADE'],
        ['WorkloadEndpoint/setless', 'mgy-setless', 'drop', '-m set --match-set mgy-none src -j ACCEPT'],
        ['WorkloadEndpoint/unknown', 'mgy-unknown', 'drop', '-m nosuchmatch -j ACCEPT'],
      ],
    );
    for (const { name } of bad) {
      const rules = save()
        .split('\n')
        .filter(line => line.startsWith(`-A ${name} `));
      t.is(rules.length, 1);
      t.regex(rules[0]!, /-j DROP$/);
    }
    t.regex(save(), /-A mgy-p39 .*--dport 40 .*-j ACCEPT/);
    t.regex(save(), /-A INPUT .*-j mgy-top/);
    t.notRegex(save(), /mgy-try/);
    applier.setDesired(wanted([...many, ...bad.map(one => ({ ...one, rules: [rule('-j RETURN')] }))]));
    t.true(await applier.applied());
    t.deepEqual(applier.status().problems, []);
  });

  test(`${iptables}: ten thousand rules and sets of ten thousand members`, async t => {
    const filterOf = filterHost(t, backend);
    if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
    const { save, run } = filterOf;
    const { applier } = startFilter(t, filterOf);
    const large = largeFilter(1000, 10, 0);
    const took = async (wanted: RenderedFilter) => {
      const beganMs = performance.now();
      applier.setDesired(wanted);
      t.true(await applier.applied(), JSON.stringify(applier.status()));
      return Math.round(performance.now() - beganMs);
    };
    const full = await took(large);
    t.true(holds(save(), large.tables[0]!));
    const one = await took(largeFilter(1000, 10, 1, large));
    const same = await took(largeFilter(1000, 10, 1, large));
    t.log(`full ${full} ms; one chain and one member ${one} ms; the same again ${same} ms`);
    t.is(run('ipset', 'list', '-t', 'mgy-s1').match(/entries: (\d+)/)![1], '10000');
    t.deepEqual(applier.status().counts, { chains: 1001, rules: 11_001, sets: 2, members: 20_000 });
    t.true(full < 10_000 && one < 2000);
    const gone = await took(filter([table([])]));
    t.log(`removal ${gone} ms`);
    t.notRegex(save(), /mgy/);
  });
}

/** @param version of one chain and one member of a set @param before whose unchanged parts are taken over, as rendering does */
function largeFilter(
  chains: number,
  rules: number,
  version: number,
  before?: RenderedFilter,
): RenderedFilter {
  const known = before?.tables[0]?.chains;
  const list = Array.from({ length: chains }, (_, i) => {
    const same = i !== 500 ? known?.get(`mgy-p${i}`) : undefined;
    const port = (n: number) => 1 + ((i * rules + n + version) % 60_000);
    return (
      same ??
      chain(
        `mgy-p${i}`,
        Array.from(
          { length: rules },
          (_unused, n) => `-p tcp -m set --match-set mgy-s${n % 2} src -m tcp --dport ${port(n)} -j ACCEPT`,
        ),
        `WorkloadEndpoint/${i}`,
      )
    );
  });
  const members = (from: number) =>
    Array.from({ length: 10_000 }, (_, i) => `10.${from}.${i >> 8}.${i & 255}`);
  const top =
    known?.get('mgy-top') ??
    chain(
      'mgy-top',
      list.map(({ name }) => `-j ${name}`),
    );
  return filter(
    [table([top, ...list], [{ chain: 'INPUT', place: 'first', rules: [rule('-i eth7 -j mgy-top')] }])],
    [
      before?.sets[0] ?? set('mgy-s0', members(1)),
      set('mgy-s1', [...members(2).slice(1), `192.0.2.${version}`]),
    ],
  );
}

test('what is ours in the other backend goes, when the host has come to use another', async t => {
  const filterOf = filterHost(t, 'legacy');
  if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
  const { run, kernel } = filterOf;
  const before = startFilter(t, { ...filterOf, backend: 'nft' });
  before.applier.setDesired(smallFilter());
  t.true(await before.applier.applied());
  before.applier.close();
  t.is(before.applier.status().backends.get('ipv4')?.backend, 'legacy');
  // The host's own rules go over to nft, and ours follow.
  run('iptables-legacy', '-F', 'INPUT');
  try {
    run('iptables-nft', '-A', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'REJECT');
  } catch (error) {
    return skip(t, (error as Error).message);
  }
  const after = startFilter(t, filterOf);
  after.applier.setDesired(smallFilter(81));
  t.true(await after.applier.applied());
  t.is(after.applier.status().backends.get('ipv4')?.backend, 'nft');
  t.notRegex(run('iptables-legacy-save'), /mgy/);
  t.true(holds(run('iptables-nft-save', '-t', 'filter'), smallFilter(81).tables[0]!));
  t.deepEqual(after.applier.status().problems, []);
  t.is(await dryRun({ kernel, clock: systemClock, backend: 'auto' }, smallFilter(81)), undefined);
  t.regex(
    (await dryRun({ kernel, clock: systemClock, backend: 'auto' }, smallFilter(82)))!,
    /1 chains rewritten/,
  );
});

test('a set of another type gives way, while rules refer to it', async t => {
  const filterOf = filterHost(t, 'nft');
  if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
  const { run, save } = filterOf;
  const { applier } = startFilter(t, filterOf);
  applier.setDesired(smallFilter());
  t.true(await applier.applied());
  for (const type of ['hash:ip', 'hash:net'] as const) {
    const wanted = filter(smallFilter().tables, [set('mgy-a', ['10.0.0.7'], { type })]);
    applier.setDesired(wanted);
    t.true(await applier.applied(), JSON.stringify(applier.status()));
    t.regex(run('ipset', 'save', 'mgy-a'), new RegExp(`^create mgy-a ${type} .*\\nadd mgy-a 10.0.0.7\\n`));
    t.true(holds(save(), wanted.tables[0]!));
  }
  t.true(await eventually(() => run('ipset', 'list', '-n') === 'foreign\nmgy-a\n', 4000, 50));
  t.deepEqual(applier.status().problems, []);
});

test('iptables-legacy: a lock that another program holds is waited for and said', async t => {
  const filterOf = filterHost(t, 'legacy');
  if (filterOf.lacking !== undefined) return skip(t, filterOf.lacking);
  const { prefix, save } = filterOf;
  const lock = /XTABLES_LOCKFILE=(.*)/.exec(prefix[1]!)![1]!;
  const holder = spawn('flock', [lock, 'sleep', '13']);
  t.teardown(() => holder.kill());
  t.true(await eventually(() => spawnSync('flock', ['-n', lock, 'true']).status !== 0));
  const { applier } = startFilter(t, filterOf);
  applier.setDesired(smallFilter());
  t.false(await applier.applied());
  t.regex(applier.status().waiting!.reason, /lock/);
  t.true(await eventually(() => applier.status().inForce, 20_000, 50));
  t.true(holds(save(), smallFilter().tables[0]!));
  t.true(applier.status().waitedMs > 9000, `${applier.status().waitedMs}`);
  t.deepEqual(applier.status().problems, []);
});
