/** Selectors and labels for fast-check: few labels and values, so that they meet. */
import fc from 'fast-check';
import { type Labels, NAMESPACE_LABEL, type Selector } from '../../../core/selector.js';

const labelNames = ['a', 'b', 'in', 'has', NAMESPACE_LABEL];
const label = fc.constantFrom(...labelNames);
const value = fc.constantFrom('', 'x', 'y', 'xy', `it's`, 'say "x"');

const term: fc.Arbitrary<Selector> = fc.oneof(
  fc.constantFrom<Selector>({ kind: 'all' }, { kind: 'global' }),
  fc.record({ kind: fc.constant('has' as const), label }),
  fc.record({
    kind: fc.constantFrom(...(['equals', 'not-equals', 'contains', 'starts-with', 'ends-with'] as const)),
    label,
    value,
  }) as fc.Arbitrary<Selector>,
  fc.record({
    kind: fc.constantFrom('in' as const, 'not-in' as const),
    label,
    values: fc.array(value, { maxLength: 3 }),
  }),
);

/** Any shape, also those that the parser does not make: chains of one or none, `not` inside `not`, repetitions. */
export const anySelector: fc.Arbitrary<Selector> = fc.letrec<{ selector: Selector }>(tie => ({
  selector: fc.oneof(
    { maxDepth: 4 },
    { weight: 2, arbitrary: term },
    { weight: 1, arbitrary: tie('selector').map(operand => ({ kind: 'not', operand }) as const) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        operands: fc.array(tie('selector'), { maxLength: 3 }),
      }),
    },
  ),
})).selector;

export const anyLabels: fc.Arbitrary<Labels> = fc.dictionary(label, value, { maxKeys: labelNames.length });

/** Every set of labels there is, of the names above with three of the values: nothing is left to chance. */
export function allLabels(): readonly Labels[] {
  return labelNames.reduce<readonly Labels[]>(
    (sets, name) =>
      sets.flatMap(labels => [labels, ...['', 'x', 'xy'].map(text => ({ ...labels, [name]: text }))]),
    [{}],
  );
}
