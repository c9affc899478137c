import test from 'ava';
import { OrderedGate } from '../../agent/ordered-gate.js';
import { FakeClock } from '../../bgp/testing/index.js';

const settled = () => new Promise(resolve => setImmediate(resolve));
const now = () => undefined;

function newGate() {
  const clock = new FakeClock();
  const done: string[] = [];
  const gate = new OrderedGate(clock, 5000);
  const run = (name: string, ready: () => Promise<unknown> | undefined) =>
    gate.run(() => done.push(name), ready);
  return { clock, done, run };
}

test('where nothing is waited for it happens at once', t => {
  const { done, run } = newGate();
  run('a', now);
  t.deepEqual(done, ['a']);
});

test('what comes after something that waits waits, too, and keeps its place', async t => {
  const { done, run } = newGate();
  let open: (() => void) | undefined;
  run('a', () => new Promise<void>(resolve => (open = resolve)));
  run('b', now);
  run('c', async () => {});
  await settled();
  t.deepEqual(done, []);
  open?.();
  await settled();
  t.deepEqual(done, ['a', 'b', 'c']);
  run('d', now);
  t.deepEqual(done, ['a', 'b', 'c', 'd']);
});

test('patience has an end, and a failure is no reason to wait', async t => {
  const { clock, done, run } = newGate();
  run('a', () => new Promise(() => {}));
  run('b', () => Promise.reject(new Error('no ipset')));
  clock.advance(5000);
  await settled();
  t.deepEqual(done, ['a', 'b']);
});
