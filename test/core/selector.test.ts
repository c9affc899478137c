import test from 'ava';
import { isSelector, matchesSelector, parseSelector, type Selector } from '../../core/selector.js';

const matches = (text: string, labels: Record<string, string>) =>
  matchesSelector(parseSelector(text) as Selector, labels);

for (const [text, yes, no] of [
  ['', [{}, { a: 'b' }], []],
  ['all()', [{}], []],
  ['global()', [{}], []],
  ['has(role)', [{ role: '' }], [{}, { other: 'x' }]],
  ['!has(role)', [{}], [{ role: '' }]],
  [`role == 'db'`, [{ role: 'db' }], [{}, { role: 'web' }]],
  [`role != "db"`, [{}, { role: 'web' }], [{ role: 'db' }]],
  [`role in {'db', "web"}`, [{ role: 'db' }, { role: 'web' }], [{}, { role: 'x' }]],
  [`role not in {'db'}`, [{}, { role: 'x' }], [{ role: 'db' }]],
  ['role in {}', [], [{}, { role: '' }]],
  [`zone contains '-w'`, [{ zone: 'eu-west' }], [{}, { zone: 'east' }]],
  [`zone starts with 'eu'`, [{ zone: 'eu-west' }], [{}, { zone: 'us-eu' }]],
  [`zone ends with 'eu'`, [{ zone: 'us-eu' }], [{ zone: 'eu-west' }]],
  [`a == '1' || b == '2' && c == '3'`, [{ a: '1' }, { b: '2', c: '3' }], [{ b: '2' }, {}]],
  [`(a == '1' || b == '2') && c == '3'`, [{ a: '1', c: '3' }], [{ a: '1' }]],
  [`!(a == '1') && !!has(b)`, [{ b: '' }], [{ a: '1', b: '' }, {}]],
  [`node-role.kubernetes.io/rack == 'r1'`, [{ 'node-role.kubernetes.io/rack': 'r1' }], [{}]],
  [`has == 'x'`, [{ has: 'x' }], [{}]],
  [`constructor == 'x'`, [], [{}]],
] as const) {
  test(`"${text}" selects as Calico does`, t => {
    for (const labels of yes) t.true(matches(text, labels as Record<string, string>), JSON.stringify(labels));
    for (const labels of no) t.false(matches(text, labels as Record<string, string>), JSON.stringify(labels));
  });
}

for (const [text, at] of [
  ['role ==', 7],
  ['role == db', 8],
  [`role = 'db'`, 5],
  ['has(role', 8],
  [`a == '1' b == '2'`, 9],
  [`role in 'db'`, 8],
  ['(all()', 6],
  ['&&', 0],
  [`a not 'x'`, 6],
  [`a == "x`, 5],
] as const) {
  test(`"${text}" is malformed at ${at}`, t => {
    const problem = parseSelector(text);
    t.false(isSelector(problem));
    t.is((problem as { at: number }).at, at);
  });
}

test('nesting is bounded, so a document cannot exhaust the stack', t => {
  t.false(isSelector(parseSelector(`${'!'.repeat(100_000)}all()`)));
  t.false(isSelector(parseSelector('('.repeat(100_000))));
});
