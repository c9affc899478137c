/** `docs/interop.md`: that it is whole, and that what makes it less is said. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { daemons, type Feature, features } from '../integration/interop/features.js';

interface Outcome {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason?: string;
}

interface InteropTable {
  daemonsOf(
    name: string,
    daemons: readonly string[],
  ): { readonly daemons: readonly string[]; readonly title: string } | undefined;
  interopPage(
    features: readonly Feature[],
    daemons: readonly { readonly name: string; readonly title: string }[],
    outcomes: readonly Outcome[],
  ): { readonly page: string; readonly problems: readonly string[] };
}

const source = new URL('../../../scripts/interop-table.mjs', import.meta.url);
const { daemonsOf, interopPage } = (await import(source.href)) as InteropTable;
const written = readFileSync(new URL('../../../docs/interop.md', import.meta.url), 'utf8');

/** What is wrong with a page that was written. */
function complaints(page: string, of: readonly Feature[]): string[] {
  const rows = page
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line => line.split('|').map(cell => cell.trim()));
  const wrong = of
    .filter(({ name, rfc }) => !rows.some(row => row[1] === name && row[2] === rfc))
    .map(({ name }) => `no row: ${name}`);
  for (const [, name, , ...cells] of rows.slice(1)) {
    const known = of.find(feature => feature.name === name);
    if (known === undefined) wrong.push(`no feature: ${name}`);
    for (const [i, daemon] of daemons.entries()) {
      const lack = known?.lacks[daemon.name];
      const right =
        lack === undefined ? /^pass( \(\d+ tests\))?$/.test(cells[i]!) : cells[i] === `lacks: ${lack}`;
      if (!right) wrong.push(`${name}, ${daemon.name}: ${cells[i]}`);
    }
  }
  return wrong;
}

test('the page has a row for every feature, and each cell passes or says what the daemon lacks', t => {
  t.true(features.length > 20);
  t.deepEqual(complaints(written, features), []);
});

test('the check of the page goes red: a row that is missing or too many, a cell that fails or was not tried', t => {
  const [first, second] = features;
  const row = written.split('\n').find(line => line.startsWith(`| ${first!.name} `))!;
  t.deepEqual(complaints(written.replace(`${row}\n`, ''), features), [`no row: ${first!.name}`]);
  t.deepEqual(complaints(written, features.slice(1))[0], `no feature: ${first!.name}`);
  for (const cell of ['not tried', '**fail** (1 of 2)', 'skipped: no systemd', 'lacks: patience', '']) {
    const spoilt = row.replace(/pass[^|]*\|$/, `${cell} |`);
    t.not(spoilt, row);
    t.deepEqual(complaints(written.replace(row, spoilt), features), [`${first!.name}, gobgp: ${cell}`]);
  }
  t.is(complaints(written.replace(second!.name, 'x'), features).length > 0, true);
});

const names = ['bird2', 'frr', 'gobgp'];

test('a test is of the daemons that its name begins with', t => {
  const of = (name: string) => daemonsOf(name, names);
  t.deepEqual(of('routes › bird2 inside an AS: both ways'), {
    daemons: ['bird2'],
    title: 'inside an AS: both ways',
  });
  t.deepEqual(of('frr: BFD'), { daemons: ['frr'], title: 'BFD' });
  t.deepEqual(of('a › b › bird2, frr and gobgp: pings'), { daemons: names, title: 'pings' });
  t.deepEqual(of('frr and gobgp: pings'), { daemons: ['frr', 'gobgp'], title: 'pings' });
  t.is(of('frrouting: pings'), undefined);
  t.is(of('the agent restarts'), undefined);
});

const some: readonly Feature[] = [
  { name: 'one', rfc: '1', tests: /one/, lacks: {} },
  { name: 'two', rfc: '2', tests: /two/, lacks: { frr: 'two' } },
];
const pair = [
  { name: 'bird2', title: 'BIRD' },
  { name: 'frr', title: 'FRR' },
] as const;
const passed = (name: string): Outcome => ({ name, outcome: 'passed' });
const good = [passed('bird2: one a'), passed('bird2: one b'), passed('x › frr: one'), passed('bird2: two')];

test('outcomes become cells: how many passed, what is lacking', t => {
  const { page, problems } = interopPage(some, pair, good);
  t.deepEqual(problems, []);
  t.true(page.includes('| Feature | RFC | BIRD | FRR |\n|---|---|---|---|\n'));
  t.true(page.includes('| one | 1 | pass (2 tests) | pass |\n| two | 2 | pass | lacks: two |\n'));
});

test('a test that failed makes its cell fail, and is counted by AVA', t => {
  const { page, problems } = interopPage(some, pair, [...good, { name: 'frr: one more', outcome: 'failed' }]);
  t.true(page.includes('| one | 1 | pass (2 tests) | **fail** (1 of 2) |'));
  t.deepEqual(problems, []);
});

test('a skip is no complaint where the daemon is known to lack that', t => {
  const skipped: Outcome = { name: 'frr: two', outcome: 'skipped', reason: 'it has none' };
  t.deepEqual(interopPage(some, pair, [...good, skipped]).problems, []);
});

const bad: readonly (readonly [string, readonly Outcome[], RegExp, string | undefined])[] = [
  ['a feature that was not tried', good.slice(0, 3), /two, BIRD: not tried/, 'not tried'],
  [
    'a feature that was skipped',
    [...good.slice(0, 3), { name: 'bird2: two', outcome: 'skipped', reason: 'no kernel' }],
    /two, BIRD: skipped/,
    'skipped: no kernel',
  ],
  ['a daemon that passes what it lacks', [...good, passed('frr: two')], /two, FRR: passes what/, undefined],
  ['a test of no feature', [...good, passed('frr: three')], /frr: three: .* no feature/, undefined],
  ['a test of no daemon', [...good, passed('one')], /one: .* no daemon/, undefined],
];

for (const [words, outcomes, problem, cell] of bad) {
  test(`the table goes red: ${words}`, t => {
    const { page, problems } = interopPage(some, pair, outcomes);
    t.is(problems.length, 1);
    t.regex(problems[0]!, problem);
    if (cell !== undefined) t.true(page.includes(`| ${cell} |`));
  });
}
