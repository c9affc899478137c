import test from 'ava';
import { isLinearizable, type Operation } from './linearizability.js';

const ok = { kind: 'ok' } as const;
const span = (calledAt: number, answeredAt: number) => ({ calledAt, answeredAt });
const read = (held: string | undefined, from: number, to: number): Operation => ({
  kind: 'read',
  answer: { kind: 'held', held },
  ...span(from, to),
});
const create = (mark: string, from: number, to: number): Operation => ({
  kind: 'create',
  mark,
  answer: ok,
  ...span(from, to),
});
const swap = (expected: string, mark: string, from: number, to: number): Operation => ({
  kind: 'update',
  expected,
  mark,
  answer: ok,
  ...span(from, to),
});

test('one after the other, and at the same time in either order', t => {
  t.true(isLinearizable([create('a', 0, 1), read('a', 2, 3), swap('a', 'b', 4, 5), read('b', 6, 7)]));
  t.true(isLinearizable([create('a', 0, 9), read(undefined, 1, 2), read('a', 3, 4)]));
});

test('a read of what was there before an answered write is none', t => {
  t.false(isLinearizable([create('a', 0, 1), read(undefined, 2, 3)]));
  t.false(isLinearizable([create('a', 0, 9), read('a', 1, 2), read(undefined, 3, 4)]));
});

test('two swaps of the same value are none, however they overlap', t => {
  t.false(isLinearizable([create('a', 0, 1), swap('a', 'b', 2, 9), swap('a', 'c', 2, 9)]));
});

test('what is not known to have happened may have, late, or never', t => {
  const lost: Operation = {
    kind: 'update',
    expected: 'a',
    mark: 'b',
    answer: { kind: 'unknown' },
    ...span(2, Number.POSITIVE_INFINITY),
  };
  t.true(isLinearizable([create('a', 0, 1), lost, read('a', 3, 4), read('b', 5, 6)]));
  t.true(isLinearizable([create('a', 0, 1), lost, read('a', 3, 4)]));
  t.false(isLinearizable([create('a', 0, 1), lost, read('b', 3, 4), read('a', 5, 6)]));
});
