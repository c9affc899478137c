import test from 'ava';
import { inOrder } from '../../agent/in-order.js';
import { eventually } from '../support/eventually.js';

/** Work that ends when it is told to. */
function pendingWork() {
  const open = new Map<number, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const begun: number[] = [];
  const run = (item: number) => {
    begun.push(item);
    return new Promise<string>((resolve, reject) => open.set(item, { resolve, reject }));
  };
  const end = (item: number) => {
    open.get(item)!.resolve(`done ${item}`);
    open.delete(item);
  };
  const fail = (item: number) => open.get(item)!.reject(new Error(`failed ${item}`));
  return { run, begun, end, fail, running: () => open.size };
}

async function collect(results: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test('results come in order, whatever order they are ready in; never more than so many at once', async t => {
  const work = pendingWork();
  const all = collect(inOrder([0, 1, 2, 3, 4], 2, work.run));
  for (const item of [1, 0, 3, 2, 4]) {
    t.true(await eventually(() => work.begun.includes(item)));
    t.true(work.running() <= 2);
    work.end(item);
  }
  t.deepEqual(
    await all,
    [0, 1, 2, 3, 4].map(item => `done ${item}`),
  );
  t.deepEqual(work.begun, [0, 1, 2, 3, 4]);
});

test('the first is told before the last has begun', async t => {
  const work = pendingWork();
  const results = inOrder([0, 1, 2], 1, work.run);
  const first = results.next();
  t.true(await eventually(() => work.begun.length === 1));
  work.end(0);
  t.deepEqual(await first, { done: false, value: 'done 0' });
});

test('nothing more is begun once the reader has stopped', async t => {
  const work = pendingWork();
  const results = inOrder([0, 1, 2, 3], 2, work.run);
  const first = results.next();
  t.true(await eventually(() => work.begun.length === 2));
  work.end(0);
  await first;
  await results.return(undefined);
  const { length } = work.begun;
  work.end(1);
  await new Promise(resolve => setImmediate(resolve));
  t.is(work.begun.length, length);
});

test('a failure ends it, at its place; those behind it fail unheard', async t => {
  const work = pendingWork();
  const results = inOrder([0, 1, 2, 3], 3, work.run);
  const first = results.next();
  t.true(await eventually(() => work.begun.length === 3));
  work.fail(1);
  work.fail(2);
  work.end(0);
  t.deepEqual(await first, { done: false, value: 'done 0' });
  await t.throwsAsync(results.next(), { message: 'failed 1' });
});

test('nothing in, nothing out', async t => {
  t.deepEqual(await collect(inOrder([], 3, async () => 'x')), []);
});
