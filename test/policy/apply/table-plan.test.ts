import test from 'ava';
import { withKnownRules } from '../../../policy/apply/known-rules.js';
import { restoreText, ruleAtLine } from '../../../policy/apply/restore-text.js';
import { emptyTable, parseSavedTables, type SavedTable } from '../../../policy/apply/saved-tables.js';
import { isEmptyPlan, noTable, plannedTable, planTable } from '../../../policy/apply/table-plan.js';
import type { RenderedTable } from '../../../policy/rendered.js';
import { Random } from '../../support/random.js';
import { FakeFilterKernel } from './fake-filter-kernel.js';
import {
  chain,
  foreign,
  isFramed,
  ours,
  oursOf,
  putJunk,
  randomFilter,
  rule,
  smallFilter,
  table,
} from './filters.js';

const seed = Number(process.env.MARGAY_SEED ?? Date.now() % 1e9);

async function saved(
  kernel: FakeFilterKernel,
  of: Pick<RenderedTable, 'family' | 'table'>,
): Promise<SavedTable> {
  const text = await kernel.saveTables('nft', of.family, [of.table]);
  return parseSavedTables(text).get(of.table) ?? emptyTable;
}

/** Tables alone: the sets are put there by hand. */
async function carryOut(kernel: FakeFilterKernel, tables: readonly RenderedTable[]): Promise<void> {
  const all = (['ipv4', 'ipv6'] as const).flatMap(family =>
    (['raw', 'filter', 'nat'] as const).map(
      name => tables.find(one => one.family === family && one.table === name) ?? noTable(family, name),
    ),
  );
  for (const wanted of all) {
    const found = await saved(kernel, wanted);
    const plan = planTable(wanted, found);
    if (isEmptyPlan(plan)) continue;
    const outcome = await kernel.restoreTable('nft', wanted.family, restoreText(plan));
    if (outcome.kind !== 'done') throw new Error(`${JSON.stringify(outcome)}\n${restoreText(plan)}`);
    const after = await saved(kernel, wanted);
    if (!isEmptyPlan(planTable(wanted, plannedTable(found, plan))))
      throw new Error('what is foretold is not right');
    if (!isEmptyPlan(planTable(wanted, after))) throw new Error('the second plan is not empty');
  }
}

test('from any start, through any sequence, a table comes to hold what it should, and of others what it held', async t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  let planned = 0;
  for (let run = 0; run < 150; run++) {
    const kernel = new FakeFilterKernel();
    putJunk(kernel, random);
    for (let i = 0; i < 5; i++) if (!kernel.sets.has(`mgy-s${i}`)) kernel.putSets(`create mgy-s${i} hash:ip`);
    const before = foreign(kernel);
    const states = Array.from({ length: 1 + random.below(4) }, () => randomFilter(random));
    for (const state of [...states, ...states.toReversed()]) {
      await carryOut(kernel, state.tables);
      t.deepEqual(foreign(kernel), before);
      const held = ours(kernel).filter(line => !/mgy-older|^set/.test(line));
      t.deepEqual([...held].sort(), [...oursOf({ ...state, sets: [] })].sort());
      for (const { family, table: name, hooks } of state.tables) {
        const built = name === 'raw' ? 'PREROUTING' : 'INPUT';
        const count = (place: string) =>
          hooks.filter(one => one.place === place).flatMap(one => one.rules).length;
        const rules = kernel.rules('nft', family, name, built) ?? [];
        t.true(isFramed(rules, count('first'), count('last')), rules.join('\n'));
      }
      planned++;
    }
    // A chain that others refer to stays, and is empty.
    for (const line of ours(kernel)) t.false(/-A mgy-older/.test(line));
  }
  t.true(planned > 300);
});

test('from a table that is as it was to be, looking at what changed comes to the same plan as looking at everything', t => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  let planned = 0;
  for (let run = 0; run < 500; run++) {
    const [before, after] = [randomFilter(random), randomFilter(random)];
    for (const wanted of after.tables) {
      const last = before.tables.find(one => one.family === wanted.family && one.table === wanted.table);
      if (last === undefined) continue;
      const found = plannedTable(emptyTable, planTable(last, emptyTable));
      const known = withKnownRules(wanted, last);
      const plan = planTable(known.wanted, found, { changed: known.changed });
      const whole = planTable(wanted, found);
      t.is(restoreText(plan), restoreText(whole));
      t.deepEqual([plan.removals, plan.emptied], [whole.removals, whole.emptied]);
      if (!isEmptyPlan(plan)) planned++;
    }
  }
  t.true(planned > 500, `${planned}`);
});

test('only what differs is written', t => {
  const [before] = smallFilter(80).tables;
  const [after] = smallFilter(81).tables;
  const found = plannedTable(emptyTable, planTable(before!, emptyTable));
  const plan = planTable(after!, found);
  t.deepEqual(
    plan.writes.map(({ name }) => name),
    ['mgy-pi-a'],
  );
  t.deepEqual(restoreText(plan).split('\n').slice(0, 2), ['*filter', ':mgy-pi-a - [0:0]']);
  t.is(restoreText(plan).split('\n').length, 5);
  t.true(isEmptyPlan(planTable(before!, found)));
});

test('chains that are kept stay with all that they need', t => {
  const [before] = smallFilter().tables;
  const found = plannedTable(emptyTable, planTable(before!, emptyTable));
  const wanted = table([chain('mgy-tw-1', ['-j RETURN'])]);
  const plan = planTable(wanted, found, { kept: new Set(['mgy-tw-1']) });
  t.deepEqual(plan.writes, []);
  t.deepEqual([...plan.removals].sort(), ['mgy-FORWARD', 'mgy-from', 'mgy-fw-1', 'mgy-to']);
});

test('rules that others have moved are put back, or left, as is asked', t => {
  const [wanted] = smallFilter().tables;
  const found = plannedTable(emptyTable, planTable(wanted!, emptyTable));
  const { own } = found.builtIn.get('FORWARD')!;
  const moved = {
    ...found,
    builtIn: new Map([
      ['FORWARD', { ruleCount: 3, own: own.map(one => ({ ...one, index: one.index + 1 })) }],
    ]),
  };
  t.is(planTable(wanted!, moved).hooks.length, 1);
  t.true(isEmptyPlan(planTable(wanted!, moved, { leftInPlace: new Set(['FORWARD']) })));
  const half = { ...found, builtIn: new Map([['FORWARD', { ruleCount: 1, own: own.slice(0, 1) }]]) };
  t.is(planTable(wanted!, half, { leftInPlace: new Set(['FORWARD']) }).hooks.length, 1);
});

test('our rule in front of tunnels may stand before or behind those that ask policy; another’s may not', t => {
  const [wanted] = smallFilter().tables;
  const plan = planTable(wanted!, emptyTable);
  const { first, last } = plan.hooks.find(({ chain: name }) => name === 'FORWARD')!;
  const hooks = [...first.lines, ...last.lines].map(line => `-A FORWARD ${line}`);
  const guard = '-A FORWARD -m comment --comment "margay:tunnel-guard" -j margay-input';
  const changesBy = (...rules: readonly string[]) => {
    const text = ['*filter', ':FORWARD ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
    const { hooks: changes } = planTable(wanted!, parseSavedTables(text).get('filter')!);
    return changes.filter(({ chain: name }) => name === 'FORWARD').length;
  };
  t.true(hooks.length > 0);
  t.is(changesBy(guard, ...hooks), 0);
  t.is(changesBy(guard.replaceAll('"', ''), ...hooks), 0);
  t.is(changesBy(...hooks, guard), 0);
  t.is(changesBy('-A FORWARD -j margay-forward', ...hooks), 1);
});

test('each line of a restore is known by its rule', t => {
  const [wanted] = smallFilter().tables;
  const plan = planTable(wanted!, emptyTable);
  const lines = restoreText(plan).split('\n');
  let found = 0;
  for (const [i, line] of lines.entries()) {
    const at = ruleAtLine(plan, i + 1);
    const [, name] = /^-A (mgy-\S+) /.exec(line) ?? [];
    t.is(at?.chain, name, line);
    if (at === undefined) continue;
    found++;
    t.true(line.endsWith(wanted!.chains.get(at.chain)!.rules[at.rule]!.text), line);
  }
  t.is(found, 10);
});

test('what both variants print is read', t => {
  const printed = (quote: string) => `# Generated by iptables-save v1.8.9 on Thu
*nat
:PREROUTING ACCEPT [0:0]
COMMIT
*filter
:INPUT ACCEPT [1:2]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:mgy-a - [0:0]
:mgy-b - [0:0]
-A FORWARD -p tcp -m comment --comment "say mgy:1" -j DOCKER
-A FORWARD -m comment --comment ${quote}mgy:00ff${quote} -m comment --comment "for people" -j mgy-a
-A FORWARD -m set --match-set mgy-x src -j ACCEPT
-A DOCKER -j mgy-b
-A mgy-a -p tcp -m comment --comment ${quote}mgy:0001${quote} -m set --match-set mgy-y dst -j mgy-b
-A mgy-a -j DROP
COMMIT
# Completed`;
  for (const quote of ['"', '']) {
    const tables = parseSavedTables(printed(quote));
    t.deepEqual([...tables.keys()], ['nat', 'filter']);
    const { chains, builtIn, held } = tables.get('filter')!;
    t.is(chains.get('mgy-a')!.signature, '0001 ?');
    t.deepEqual([...chains.get('mgy-a')!.refersTo.chains], ['mgy-b']);
    t.deepEqual([...chains.get('mgy-a')!.refersTo.sets], ['mgy-y']);
    t.is(chains.get('mgy-b')!.signature, '');
    t.like(builtIn.get('FORWARD')!, { ruleCount: 3, own: [{ index: 1, hash: '00ff' }] });
    t.deepEqual([...held.chains], ['mgy-b']);
    t.deepEqual([...held.sets], ['mgy-x']);
  }
});

test('a chain into which others have put a rule is written again', t => {
  const wanted = table([chain('mgy-a', [rule('-j DROP')])]);
  const found = plannedTable(emptyTable, planTable(wanted, emptyTable));
  const { signature, refersTo } = found.chains.get('mgy-a')!;
  for (const changed of [`? ${signature}`, `${signature} ?`, '', `${signature} ${signature}`]) {
    const chains = new Map([['mgy-a', { signature: changed, refersTo }]]);
    t.is(planTable(wanted, { ...found, chains }).writes.length, 1, changed);
  }
});
