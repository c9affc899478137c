import test from 'ava';
import fc from 'fast-check';
import { type LabelRequirement, requiredLabels } from '../../../core/selector/required-labels.js';
import { type Labels, matchesSelector, parseSelector, type Selector } from '../../../core/selector.js';
import { allLabels, anySelector } from './random-selectors.js';

const of = (text: string, cost?: (requirement: LabelRequirement) => number) =>
  requiredLabels(parseSelector(text) as Selector, cost);
const meets = (labels: Labels, { label, value }: LabelRequirement) =>
  Object.hasOwn(labels, label) && (value === undefined || labels[label] === value);

const everyLabels = allLabels();

for (const [text, expected] of [
  ['all()', undefined],
  ['', undefined],
  ['!all()', []],
  ['global()', undefined],
  ['!global()', [{ label: 'projectcalico.org/namespace' }]],
  ['has(a)', [{ label: 'a' }]],
  ['!has(a)', undefined],
  [`a == 'x'`, [{ label: 'a', value: 'x' }]],
  [`a != 'x'`, undefined],
  [`!a != 'x'`, [{ label: 'a', value: 'x' }]],
  [`a starts with 'x'`, [{ label: 'a' }]],
  [`!a contains 'x'`, undefined],
  [
    `a in {'x', 'y'}`,
    [
      { label: 'a', value: 'x' },
      { label: 'a', value: 'y' },
    ],
  ],
  ['a in {}', []],
  [`!(a not in {'x'})`, [{ label: 'a', value: 'x' }]],
  [
    `a == 'x' || b == 'y'`,
    [
      { label: 'a', value: 'x' },
      { label: 'b', value: 'y' },
    ],
  ],
  [`a == 'x' || a == 'x'`, [{ label: 'a', value: 'x' }]],
  [`a == 'x' || has(a) || b == 'x'`, [{ label: 'a' }, { label: 'b', value: 'x' }]],
  [`a == 'x' || b != 'y'`, undefined],
  [`has(a) && b == 'y'`, [{ label: 'b', value: 'y' }]],
  [`a in {'x', 'y'} && b == 'y'`, [{ label: 'b', value: 'y' }]],
  [`!has(a) && b != 'y' && has(c)`, [{ label: 'c' }]],
  [`!(!has(a) || b != 'y')`, [{ label: 'b', value: 'y' }]],
  [
    `!(a != 'x' && b != 'y')`,
    [
      { label: 'a', value: 'x' },
      { label: 'b', value: 'y' },
    ],
  ],
  ['has(a) && b in {}', []],
] as const) {
  test(`what "${text}" needs`, t => t.deepEqual(of(text), expected));
}

test('of the sides of && the cheaper one is taken', t => {
  const rare = (label: string) => (requirement: LabelRequirement) => (requirement.label === label ? 1 : 1000);
  t.deepEqual(of(`a == 'x' && has(b)`, rare('b')), [{ label: 'b' }]);
  t.deepEqual(of(`a == 'x' && has(b)`, rare('a')), [{ label: 'a', value: 'x' }]);
});

test('whatever a selector matches meets one of its requirements, among all labels there are', t => {
  let restricted = 0;
  let refused = 0;
  t.is(everyLabels.length, 4 ** 5);
  fc.assert(
    fc.property(anySelector, selector => {
      const needed = requiredLabels(selector);
      if (needed === undefined) return;
      restricted++;
      for (const labels of everyLabels) {
        const candidate = needed.some(requirement => meets(labels, requirement));
        if (!candidate) refused++;
        else continue;
        if (matchesSelector(selector, labels)) throw new Error(JSON.stringify({ needed, labels }));
      }
    }),
    { numRuns: 1000 },
  );
  t.true(restricted > 200 && refused > 50_000, `${restricted} restricted, ${refused} left out`);
});

test('where nothing is needed something without labels matches, but for what contradicts itself', t => {
  const texts = [`!has(a)`, `a != 'x'`, `a not in {'x'}`, 'all()', 'global()', `!a ends with 'x' || has(b)`];
  for (const text of texts) {
    t.is(of(text), undefined, text);
    t.true(matchesSelector(parseSelector(text) as Selector, {}), text);
  }
});

test('an index by requirements finds what trying everything finds', t => {
  fc.assert(
    fc.property(
      fc.array(anySelector, { maxLength: 20 }),
      fc.constantFrom(...everyLabels),
      (selectors, labels) => {
        const filed = new Map<string, Set<Selector>>();
        const tryAlways: Selector[] = [];
        for (const selector of selectors) {
          const needed = requiredLabels(selector);
          if (needed === undefined) tryAlways.push(selector);
          for (const { label, value } of needed ?? []) {
            const key = JSON.stringify([label, value]);
            filed.set(key, (filed.get(key) ?? new Set()).add(selector));
          }
        }
        const keys = Object.entries(labels).flatMap(([label, value]) => [
          [label, value],
          [label, undefined],
        ]);
        const candidates = new Set([
          ...tryAlways,
          ...keys.flatMap(key => [...(filed.get(JSON.stringify(key)) ?? [])]),
        ]);
        const matching = (all: Iterable<Selector>) =>
          [...all].filter(selector => matchesSelector(selector, labels));
        return new Set(matching(candidates)).size === new Set(matching(selectors)).size;
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});
