import test from 'ava';
import fc from 'fast-check';
import { DeltaTracker } from '../../core/delta-tracker.js';

/** The obvious twin: two maps and a comparison of the whole. */
function differences(desired: Map<number, number>, actual: Map<number, number>) {
  return {
    updates: new Map([...desired].filter(([key, value]) => actual.get(key) !== value)),
    deletions: new Map([...actual].filter(([key]) => !desired.has(key))),
  };
}

const key = fc.integer({ min: 0, max: 7 });
const value = fc.integer({ min: 0, max: 2 });
const call = fc.oneof(
  fc.record({ kind: fc.constant('setDesired' as const), key, value }),
  fc.record({ kind: fc.constant('deleteDesired' as const), key }),
  fc.record({ kind: fc.constant('setActual' as const), key, value }),
  fc.record({ kind: fc.constant('deleteActual' as const), key }),
  fc.record({ kind: fc.constant('replaceActual' as const), entries: fc.array(fc.tuple(key, value)) }),
  fc.record({ kind: fc.constant('applyAll' as const) }),
);

test('after any sequence of calls the differences are those of a whole comparison', t => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), calls => {
      const tracker = new DeltaTracker<number, number>((a, b) => a === b);
      const desired = new Map<number, number>();
      let actual = new Map<number, number>();
      for (const step of calls) {
        switch (step.kind) {
          case 'setDesired':
            tracker.setDesired(step.key, step.value);
            desired.set(step.key, step.value);
            break;
          case 'deleteDesired':
            tracker.deleteDesired(step.key);
            desired.delete(step.key);
            break;
          case 'setActual':
            tracker.setActual(step.key, step.value);
            actual.set(step.key, step.value);
            break;
          case 'deleteActual':
            tracker.deleteActual(step.key);
            actual.delete(step.key);
            break;
          case 'replaceActual':
            tracker.replaceActual(step.entries);
            actual = new Map(step.entries);
            break;
          case 'applyAll':
            for (const one of tracker.pendingUpdates()) tracker.applied(one, one.desired);
            for (const one of tracker.pendingDeletions()) tracker.applied(one, undefined);
            actual = new Map(desired);
            break;
        }
        const expected = differences(desired, actual);
        const updates = [...tracker.pendingUpdates()].map(one => [one.key, one.desired] as const);
        const deletions = [...tracker.pendingDeletions()].map(one => [one.key, one.actual] as const);
        t.deepEqual(new Map(updates.sort()), new Map([...expected.updates].sort()));
        t.deepEqual(new Map(deletions.sort()), new Map([...expected.deletions].sort()));
        t.deepEqual(
          [tracker.pendingUpdateCount, tracker.pendingDeletionCount],
          [expected.updates.size, expected.deletions.size],
        );
        t.deepEqual([tracker.desiredCount, tracker.actualCount], [desired.size, actual.size]);
        t.is(tracker.inSync, expected.updates.size + expected.deletions.size === 0);
      }
    }),
  );
});

test('what becomes pending during a walk is visited by it', t => {
  const tracker = new DeltaTracker<string, number>((a, b) => a === b);
  tracker.setDesired('a', 1);
  const visited: string[] = [];
  for (const one of tracker.pendingUpdates()) {
    visited.push(one.key);
    if (one.key === 'a') tracker.setDesired('b', 1);
    tracker.applied(one, one.desired);
  }
  t.deepEqual(visited, ['a', 'b']);
  tracker.deleteActual('a');
  t.deepEqual(
    [...tracker.pendingUpdates()].map(one => one.key),
    ['a'],
  );
});

test('a driver that applies what is pending reaches sync while it iterates', t => {
  const tracker = new DeltaTracker<string, number>((a, b) => a === b);
  tracker.replaceActual([
    ['foreign', 1],
    ['same', 2],
    ['old', 3],
  ]);
  tracker.setDesired('same', 2);
  tracker.setDesired('old', 4);
  tracker.setDesired('new', 5);
  for (const one of tracker.pendingUpdates()) tracker.applied(one, one.desired);
  for (const one of tracker.pendingDeletions()) tracker.applied(one, undefined);
  t.true(tracker.inSync);
  t.is(tracker.actual('foreign'), undefined);
  t.deepEqual(
    ['old', 'same', 'new'].map(name => tracker.actual(name)),
    [4, 2, 5],
  );
});

test('what was applied to a record that is gone counts for its key', t => {
  const tracker = new DeltaTracker<string, number>((a, b) => a === b);
  tracker.setDesired('a', 1);
  const [begun] = [...tracker.pendingUpdates()];
  tracker.deleteDesired('a');
  tracker.applied(begun!, 1);
  t.is(tracker.actual('a'), 1);
  t.deepEqual(
    [...tracker.pendingDeletions()].map(one => one.key),
    ['a'],
  );
});
