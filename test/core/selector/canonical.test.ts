import test from 'ava';
import fc from 'fast-check';
import { canonicalSelector } from '../../../core/selector/canonical.js';
import { matchesSelector, parseSelector, type Selector } from '../../../core/selector.js';
import { anyLabels, anySelector } from './random-selectors.js';

const RUNS = 5000;
const parsed = (text: string) => parseSelector(text) as Selector;
const canonical = (text: string) => canonicalSelector(parsed(text));

for (const [text, ...same] of [
  ['all()', '', ' ', '(all( ))', '!!all()'],
  ['global()', ' global( )'],
  ['!has(a)', '! has(a)', '!!!has( a )', '(!(has(a)))'],
  ['a == "x"', `a=='x'`, '((a == "x"))'],
  [`a == 'say "x"'`],
  [`a == "it's"`],
  ['a in {"x", "y"}', `a in {'y','x','x',}`],
  ['a not in {}', 'a notin{}'],
  ['a starts with "x"', `a startswith'x'`],
  ['a ends with "x"', `a  ends\twith 'x'`],
  ['has(a) && has(b) && has(c)', '(has(a)&&has(b))&&has(c)', 'has(a) && (has(b) && (has(c)))'],
  ['has(a) && (has(b) || has(c))', '(has(a)) && ((has(b)) || has(c))'],
  ['has(a) && has(b) || has(c)', '(has(a) && has(b)) || has(c)'],
  ['!(has(a) && has(b))', '!!!(has(a) && (has(b)))'],
  ['!a == "x"', `!(a == 'x')`],
] as const) {
  test(`${text} is the canonical form of itself and of ${same.length} others`, t => {
    for (const other of [text, ...same]) t.is(canonical(other), text, other);
  });
}

test('selectors of different meaning differ', t => {
  const texts = [
    'has(a) && has(b)',
    'has(a) || has(b)',
    '!(has(a) || has(b))',
    '!has(a) || has(b)',
    'a == "x"',
  ];
  const more = ['a != "x"', 'a in {"x"}', 'a contains "x"', '!(has(a) && has(b))', 'global()', 'all()'];
  t.is(new Set([...texts, ...more].map(canonical)).size, texts.length + more.length);
});

test('what was parsed is read back as it was, and its text is its own canonical form', t => {
  fc.assert(
    fc.property(anySelector, selector => {
      const text = canonicalSelector(selector);
      const once = parsed(text);
      const again = parsed(canonicalSelector(once));
      return canonicalSelector(once) === text && JSON.stringify(again) === JSON.stringify(once);
    }),
    { numRuns: RUNS },
  );
  t.pass();
});

test('the canonical form means the same for all labels', t => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(anySelector, anyLabels, (selector, labels) => {
      const wanted = matchesSelector(selector, labels);
      seen[`${wanted}`]++;
      return matchesSelector(parsed(canonicalSelector(selector)), labels) === wanted;
    }),
    { numRuns: RUNS },
  );
  t.true(seen.true > RUNS / 10 && seen.false > RUNS / 10, JSON.stringify(seen));
});
