import test from 'ava';
import { latest } from '../../bgpctl/latest.js';
import { eventually } from '../support/eventually.js';

/** A stream that tells what it is given. */
function source() {
  const queue: string[] = [];
  let wake: () => void = () => {};
  let closed = false;
  let left = false;
  async function* values() {
    try {
      for (;;) {
        while (queue.length > 0) yield queue.shift() as string;
        if (closed) return;
        await new Promise<void>(resolve => (wake = resolve));
      }
    } finally {
      left = true;
    }
  }
  const tell = (value: string) => {
    queue.push(value);
    wake();
  };
  const close = () => {
    closed = true;
    wake();
  };
  return { values: values(), tell, close, left: () => left };
}

test('nothing before all have told, then the newest of each whenever one tells', async t => {
  const [a, b] = [source(), source()];
  const seen: string[] = [];
  const reading = (async () => {
    for await (const all of latest([a.values, b.values])) seen.push(all.join());
  })();
  a.tell('a1');
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(seen, []);
  b.tell('b1');
  t.true(await eventually(() => seen.length === 1));
  b.tell('b2');
  t.true(await eventually(() => seen.length === 2));
  a.tell('a2');
  t.true(await eventually(() => seen.length === 3));
  t.deepEqual(seen, ['a1,b1', 'a1,b2', 'a2,b2']);
  a.close();
  await reading;
  b.close();
  t.true(await eventually(() => b.left()));
});

test('a stream that fails fails it', async t => {
  const broken = (async function* () {
    yield 'x';
    throw new Error('broken');
  })();
  const other = source();
  other.tell('y');
  const results = latest([broken, other.values]);
  await t.throwsAsync(
    async () => {
      for await (const _ of results);
    },
    { message: 'broken' },
  );
  other.close();
});
