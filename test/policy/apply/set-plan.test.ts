import test from 'ava';
import { parseSavedSets } from '../../../policy/apply/saved-sets.js';
import { changedSets, detourOf, planSets, type SavedSets } from '../../../policy/apply/set-plan.js';
import type { RenderedSet } from '../../../policy/rendered.js';
import { Random } from '../../support/random.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import { filter, set, smallFilter } from './filters.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);

test('from any sets to any others, by what is foretold: twins of what the kernel then holds', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const ways = { create: 0, members: 0, swap: 0 };
  for (let run = 0; run < 60; run++) {
    const kernel = new FakeFilterKernel();
    kernel.putSets('create others hash:ip family inet maxelem 65536', 'add others 192.0.2.1');
    if (random.below(2) === 0)
      kernel.putSets('create mgy-new-0 hash:net family inet maxelem 3', 'add mgy-new-0 10.0.0.1');
    for (let step = 0; step < 4; step++) {
      const wanted = randomSets(random);
      let found: SavedSets = parseSavedSets(await kernel.saveSets());
      const { changes, mistyped } = planSets(wanted, found);
      t.deepEqual(mistyped, []);
      for (const change of changes) {
        ways[change.way]++;
        t.is((await kernel.restoreSets(`${change.lines.join('\n')}\n`)).kind, 'done');
        found = changedSets(found, change);
      }
      const held = parseSavedSets(await kernel.saveSets());
      t.deepEqual(new Map([...held].sort()), new Map([...found].sort()));
      for (const one of wanted) t.deepEqual(new Set(held.get(one.name)!.members), new Set(one.members));
      const again = planSets(wanted, held);
      t.deepEqual(again.changes, []);
      for (const name of again.obsolete) t.is((await kernel.destroySet(name)).kind, 'done');
      t.deepEqual([...kernel.sets.get('others')!.members], ['192.0.2.1']);
      t.is(kernel.sets.size, wanted.length + 1);
    }
  }
  t.log(ways);
  t.true(ways.create > 20 && ways.members > 20 && ways.swap > 20);
});

function randomSets(random: Random): readonly RenderedSet[] {
  return [0, 1, 2, 3]
    .filter(() => random.below(3) > 0)
    .map(i => {
      const size = random.below(3) === 0 ? 3000 : random.below(20);
      const from = random.below(2) * 4000;
      const members = Array.from({ length: size }, (_, n) =>
        i === 3 ? `${from + n}` : `10.${i}.${(from + n) >> 8}.${(from + n) & 255}`,
      );
      if (i === 3) return set('mgy-ports', members, { type: 'bitmap:port', maxElements: 65536 });
      return set(`mgy-${i}`, members, { maxElements: random.below(3) === 0 ? 3000 : 1 << 20 });
    });
}

test('few changes are made one by one, many at one stroke', t => {
  const members = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  const [creation] = planSets([set('mgy-a', members)], new Map()).changes;
  t.like(creation, { way: 'create', added: 100_000, deleted: 0 });
  const found = new Map([['mgy-a', creation!.after]]);
  const [few] = planSets([set('mgy-a', [...members.slice(100), '192.0.2.1'])], found).changes;
  t.like(few, { way: 'members', added: 1, deleted: 100 });
  t.is(few!.lines[0], 'add mgy-a 192.0.2.1', 'additions come first');
  const [many] = planSets([set('mgy-a', members.slice(0, 10))], found).changes;
  t.like(many, { way: 'swap', added: 0, deleted: 99_990 });
  t.is(many!.lines.length, 13);
  const [full] = planSets(
    [set('mgy-a', ['192.0.2.1', '192.0.2.2'], { maxElements: 2 })],
    new Map([['mgy-a', { ...creation!.after, maxElements: 2, members: new Set(['10.0.0.1', '10.0.0.2']) }]]),
  ).changes;
  t.is(full!.way, 'swap', 'additions first would not fit');
});

test('sets with what ours never have are made anew, and one of another type by a detour', t => {
  const saved =
    parseSavedSets(`create mgy-a hash:net family inet hashsize 1024 maxelem 1048576 timeout 60 bucketsize 12 initval 0x1
add mgy-a 10.0.0.1 timeout 50
create mgy-b hash:net family inet hashsize 1024 maxelem 1048576 bucketsize 12 initval 0x1
add mgy-b 10.0.0.1
add mgy-b 10.1.0.0/16 nomatch
create margay-hosts hash:net family inet hashsize 1024 maxelem 1048576
create mgy-c hash:ip family inet6 hashsize 1024 maxelem 1048576
create mgy-p bitmap:port range 0-100
add mgy-p 80
`);
  t.deepEqual([...saved.keys()], ['mgy-a', 'mgy-b', 'mgy-c', 'mgy-p']);
  const wanted = [
    set('mgy-a', ['10.0.0.1']),
    set('mgy-b', ['10.0.0.1', '10.1.0.0/16']),
    set('mgy-c', ['10.0.0.1'], { type: 'hash:ip' }),
    set('mgy-p', ['80'], { type: 'bitmap:port' }),
  ];
  const plan = planSets(wanted, saved);
  t.deepEqual(
    plan.changes.map(({ name, way }) => [name, way]),
    [
      ['mgy-a', 'swap'],
      ['mgy-b', 'swap'],
      ['mgy-p', 'swap'],
    ],
  );
  t.deepEqual(plan.mistyped, ['mgy-c']);
  const { tables } = smallFilter();
  const around = detourOf(filter(tables, [set('mgy-a', [])]), ['mgy-a']);
  t.is(around.sets[0]!.name, 'mgy-alt-0');
  t.regex(around.tables[0]!.chains.get('mgy-pi-a')!.rules[0]!.text, /--match-set mgy-alt-0 src/);
  t.is(around.tables[0]!.chains.get('mgy-to')!.rules, tables[0]!.chains.get('mgy-to')!.rules);
});
