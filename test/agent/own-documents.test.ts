import test from 'ava';
import { type Kept, KeptDocument } from '../../agent/own-documents.js';
import { FakeClock } from '../../bgp/testing/fake-clock.js';

const unchanged: Kept = { kind: 'unchanged' };

test('a request while another one is at work is done when what it asked for has been tried', async t => {
  const turns: (() => void)[] = [];
  const document = new KeptDocument(
    new FakeClock(),
    () => new Promise(resolve => turns.push(() => resolve(unchanged))),
    () => {},
  );
  const done: string[] = [];
  const first = document.request().then(() => done.push('first'));
  const second = document.request().then(() => done.push('second'));
  turns[0]!();
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(done, []);
  t.is(turns.length, 2);
  turns[1]!();
  await Promise.all([first, second]);
  t.deepEqual(done, ['first', 'second']);
});

test('what failed is tried again after a while, until it is closed', async t => {
  const clock = new FakeClock();
  let tries = 0;
  const document = new KeptDocument(
    clock,
    async () => {
      tries++;
      return { kind: 'failed', problem: 'full' };
    },
    () => {},
  );
  await document.request();
  clock.advance(5000);
  await new Promise(resolve => setImmediate(resolve));
  t.is(tries, 2);
  document.close();
  clock.advance(60_000);
  t.is(tries, 2);
});
