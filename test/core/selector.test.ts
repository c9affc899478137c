import test from 'ava';
import {
  isSelector,
  matchesSelector,
  mentionsGlobal,
  NAMESPACE_LABEL,
  parseSelector,
  type Selector,
} from '../../core/selector.js';

const matches = (text: string, labels: Record<string, string>) =>
  matchesSelector(parseSelector(text) as Selector, labels);

for (const [text, yes, no] of [
  ['', [{}, { a: 'b' }], []],
  ['all()', [{}], []],
  [' \t', [{}, { a: 'b' }], []],
  ['all( \t)', [{}], []],
  ['!all()', [], [{}]],
  ['global()', [{}, { a: 'b' }], [{ [NAMESPACE_LABEL]: 'default' }, { [NAMESPACE_LABEL]: '' }]],
  ['!global( )', [{ [NAMESPACE_LABEL]: 'default' }], [{}]],
  ['has( role\t)', [{ role: '' }], [{}]],
  ['has(role)', [{ role: '' }], [{}, { other: 'x' }]],
  ['!has(role)', [{}], [{ role: '' }]],
  [`role == 'db'`, [{ role: 'db' }], [{}, { role: 'web' }]],
  [`role != "db"`, [{}, { role: 'web' }], [{ role: 'db' }]],
  [`role in {'db', "web"}`, [{ role: 'db' }, { role: 'web' }], [{}, { role: 'x' }]],
  [`role not in {'db'}`, [{}, { role: 'x' }], [{ role: 'db' }]],
  ['role in {}', [], [{}, { role: '' }]],
  [`role notin{'db'}`, [{}, { role: 'x' }], [{ role: 'db' }]],
  [`role not \t in {'db',}`, [{}, { role: 'x' }], [{ role: 'db' }]],
  [`role in{"db"}`, [{ role: 'db' }], [{}]],
  ['role not in {}', [{}, { role: '' }], []],
  [`!role == 'db'`, [{}, { role: 'x' }], [{ role: 'db' }]],
  [`!role != 'db'`, [{ role: 'db' }], [{}, { role: 'x' }]],
  [`!role in {'db'}`, [{}, { role: 'x' }], [{ role: 'db' }]],
  [`!role contains 'd'`, [{}, { role: 'x' }], [{ role: 'db' }]],
  [`zone contains ''`, [{ zone: '' }], [{}]],
  [`zone startswith"eu"`, [{ zone: 'eu-west' }], [{ zone: 'us-eu' }, {}]],
  [`zone starts \t with 'eu'`, [{ zone: 'eu-west' }], [{ zone: 'us-eu' }]],
  [`zone endswith'eu'`, [{ zone: 'us-eu' }], [{ zone: 'eu-west' }, {}]],
  [`a=='1'&&b!="2"||!has(c)`, [{ a: '1', c: '' }, {}], [{ a: '1', b: '2', c: '' }]],
  [`in in {'in'} && not notin {'in'} && starts startswith 's'`, [{ in: 'in', starts: 's' }], [{ in: 'in' }]],
  [`contains contains 'x' && all == 'x'`, [{ contains: 'x', all: 'x' }], [{ all: 'x' }]],
  [`a == 'it"s'`, [{ a: 'it"s' }], [{}]],
  [`a == "it's\n"`, [{ a: "it's\n" }], [{}]],
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
  test(`${JSON.stringify(text)} selects as Calico does`, t => {
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
  ['role', 4],
  ['has ( role )', 4],
  ['all ()', 4],
  ['all(x)', 4],
  ['has()', 4],
  [`has('role')`, 4],
  ['global(', 7],
  ['all()\n', 5],
  [`a\u00a0== 'x'`, 1],
  [`a == 'x'\r`, 8],
  [`a not == 'x'`, 6],
  [`a starts 'x'`, 9],
  [`a ends within 'x'`, 11],
  [`a is 'x'`, 2],
  [`a in {,}`, 6],
  [`a in {'x' 'y'}`, 10],
  [`a in {'x',`, 10],
  [`a in {'x', y}`, 11],
  [`a in ('x')`, 5],
  [`'a' == 'x'`, 0],
  [`a == 'x' & b == 'y'`, 9],
  [`a == 'x' && `, 12],
  ['!', 1],
  [`a@b == 'x'`, 1],
  [`${'a'.repeat(513)} == 'x'`, 0],
  [`has(${'a'.repeat(513)})`, 0],
  ['a\\ == 1', 1],
] as const) {
  test(`${JSON.stringify(text.slice(0, 60))} is malformed at ${at}`, t => {
    const problem = parseSelector(text);
    t.false(isSelector(problem));
    t.is((problem as { at: number }).at, at);
  });
}

test('nesting is bounded, so a document cannot exhaust the stack', t => {
  t.false(isSelector(parseSelector(`${'!'.repeat(100_000)}all()`)));
  t.false(isSelector(parseSelector('('.repeat(100_000))));
});

test('a label has every character that Calico gives it, and at most 512', t => {
  const label = `aZ09_./-${'x'.repeat(504)}`;
  t.is(label.length, 512);
  t.true(matches(`has(${label}) && ${label} == 'v'`, { [label]: 'v' }));
});

test('what is parsed is in order: sets sorted, chains flat, no double negation', t => {
  t.deepEqual(parseSelector(`a in {'y', "x", 'y'}`), { kind: 'in', label: 'a', values: ['x', 'y'] });
  const [a, b, c] = ['a', 'b', 'c'].map(label => ({ kind: 'has', label }) as const);
  t.deepEqual(parseSelector('(has(a) && (has(b))) && has(c)'), { kind: 'and', operands: [a, b, c] });
  t.deepEqual(parseSelector('has(a) || (has(b) || has(c))'), { kind: 'or', operands: [a, b, c] });
  t.deepEqual(parseSelector('!!(!has(a))'), { kind: 'not', operand: a });
});

test('global() is found wherever it stands', t => {
  for (const text of ['global()', '!global()', 'has(a) && (has(b) || !(all() && global()))']) {
    t.true(mentionsGlobal(parseSelector(text) as Selector), text);
  }
  for (const text of ['all()', `global == 'x'`, `a == 'global()'`, '!(has(a) || has(global))']) {
    t.false(mentionsGlobal(parseSelector(text) as Selector), text);
  }
});
