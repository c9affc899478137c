import test from 'ava';
import fc from 'fast-check';
import type { Outcome } from '../../../ipip/check/probe.js';
import { SizeSearch } from '../../../ipip/check/size-search.js';

/** Until it is found; the sizes that were tried. */
function run(
  passes: number,
  fails: number,
  probe: (bytes: number) => Outcome,
): { largest: number; tried: number[] } {
  const search = new SizeSearch(passes, fails);
  const tried: number[] = [];
  for (let bytes = search.next(); bytes !== undefined; bytes = search.next()) {
    tried.push(bytes);
    search.tell(bytes, probe(bytes));
  }
  return { largest: search.largest, tried };
}

test('whatever the limit is, it is found, within the logarithm of what it may be', t => {
  const sizes = fc.tuple(fc.integer({ min: 84, max: 65535 }), fc.nat(), fc.boolean());
  fc.assert(
    fc.property(sizes, ([fails, seed, says]) => {
      const limit = 84 + (seed % Math.max(1, fails - 84));
      const refusal: Outcome = says ? { kind: 'too-big', mtu: limit } : { kind: 'silent' };
      const answered = { kind: 'answered', rttMs: 1 } as const;
      const { largest, tried } = run(84, fails, bytes => (bytes <= limit ? answered : refusal));
      t.is(largest, Math.max(84, Math.min(limit, fails - 1)));
      t.true(tried.length <= Math.ceil(Math.log2(Math.max(2, fails - 84))));
      t.is(new Set(tried).size, tried.length);
    }),
  );
});

test('who says what would pass is believed, and looked at', t => {
  const search = new SizeSearch(84, 1450);
  search.tell(1450, { kind: 'too-big', mtu: 1380 });
  t.is(search.next(), 1380);
  search.tell(1380, { kind: 'answered', rttMs: 1 });
  t.is(search.next(), undefined);
  t.is(search.largest, 1380);
});

test('who says more than passes is not believed for ever', t => {
  const limit = 1200;
  const { largest } = run(84, 1450, bytes =>
    bytes <= limit ? { kind: 'answered', rttMs: 1 } : { kind: 'too-big', mtu: 1380 },
  );
  t.is(largest, limit);
});

test('who says that nothing passes is not believed where small packets do', t => {
  const { largest } = run(84, 1450, bytes =>
    bytes <= 500 ? { kind: 'answered', rttMs: 1 } : { kind: 'too-big', mtu: 68 },
  );
  t.is(largest, 500);
});
