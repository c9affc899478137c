/**
 * Runs a list of cluster states through a calculator in every way a store might tell them, and compares each stop with what a
 * fresh calculation of that state alone gives: forwards, reversed, with duplicates, with empties in between, squashed, split.
 */
import type { ExecutionContext } from 'ava';
import type { Delta, ResourceChange } from '../../../agent/calculators/calculator.js';
import { formatResourceId, type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import type { State } from '../documents.js';

/** A calculator under test with its output so far, as something `t.deepEqual` can compare. */
export interface Subject {
  onChange(change: ResourceChange): void;
  flushed(): unknown;
}

type Stop = { readonly changes: readonly ResourceChange[]; readonly state: State };

/** Keeps a keyed output by applying deltas, and fails on a delta that deletes what was never told. */
export function accumulate<K, V>(t: ExecutionContext): { apply(delta: Delta<K, V>): Map<K, V> } {
  const told = new Map<K, V>();
  return {
    apply: delta => {
      for (const key of delta.deleted) t.true(told.delete(key), `deleted ${key}, which was not there`);
      for (const [key, value] of delta.set) {
        t.notDeepEqual(told.get(key), value, `${key} told again unchanged`);
        told.set(key, value);
      }
      return new Map([...told].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
    },
  };
}

export function runStateSequence(
  t: ExecutionContext,
  states: readonly State[],
  create: () => Subject,
  twin: (state: State) => unknown,
): void {
  const reversed = [...states].reverse();
  const withEmpties = states.flatMap(state => [state, []]);
  const variants: Record<string, readonly Stop[]> = {
    forwards: stops(states),
    reversed: stops(reversed),
    'reversed within': stops(states).map(({ changes, state }) => ({
      changes: [...changes].reverse(),
      state,
    })),
    duplicates: stops(
      states.flatMap(state => [state, state]),
      true,
    ),
    'empties between': stops(withEmpties),
    squashed: squash(stops([...states, ...reversed])),
    split: stops(states).flatMap(split),
  };
  for (const [name, sequence] of Object.entries(variants)) {
    const subject = create();
    for (const [i, { changes, state }] of sequence.entries()) {
      for (const change of changes) subject.onChange(change);
      t.deepEqual(subject.flushed(), twin(state), `${name}, stop ${i}`);
    }
  }
}

function stops(states: readonly State[], repeat = false): Stop[] {
  let before: State = [];
  return states.map(state => {
    const stop = { changes: changesBetween(before, state, repeat), state };
    before = state;
    return stop;
  });
}

function changesBetween(before: State, after: State, repeat: boolean): ResourceChange[] {
  const old = new Map(before.map(resource => [idText(resource), resource]));
  const current = new Set(after.map(idText));
  const gone = before.filter(resource => !current.has(idText(resource)));
  const changed = after.filter(
    resource => repeat || JSON.stringify(old.get(idText(resource))) !== JSON.stringify(resource),
  );
  return [
    ...gone.map(resource => ({ kind: 'deleted', id: resourceIdOf(resource) }) as const),
    ...changed.map(resource => ({ kind: 'changed', resource }) as const),
  ];
}

function idText(resource: Resource): string {
  return formatResourceId(resourceIdOf(resource));
}

/** Every change, one flush at the end. */
function squash(sequence: readonly Stop[]): Stop[] {
  const last = sequence.at(-1);
  return last === undefined ? [] : [{ changes: sequence.flatMap(stop => stop.changes), state: last.state }];
}

/** A flush after every single change: the state in between is whatever has been told so far. */
function split(stop: Stop, index: number, all: readonly Stop[]): Stop[] {
  const known = new Map((all[index - 1]?.state ?? []).map(resource => [idText(resource), resource]));
  return stop.changes.map(change => {
    if (change.kind === 'changed') known.set(idText(change.resource), change.resource);
    else known.delete(formatResourceId(change.id));
    return { changes: [change], state: [...known.values()] };
  });
}
