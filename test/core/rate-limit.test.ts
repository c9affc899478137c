import test from 'ava';
import { FakeClock } from '../../bgp/testing/fake-clock.js';
import { RateLimit } from '../../core/rate-limit.js';

const taken = (limit: RateLimit, attempts: number) =>
  Array.from({ length: attempts }, () => limit.take()).filter(Boolean).length;

test('a burst at once, then so many a second, and never more than a burst saved up', t => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 100, 5);
  t.is(taken(limit, 20), 5);
  clock.advance(9);
  t.is(taken(limit, 20), 0);
  clock.advance(1);
  t.is(taken(limit, 20), 1);
  clock.advance(3_600_000);
  t.is(taken(limit, 20), 5);
  let count = 0;
  for (let i = 0; i < 1000; i++) {
    clock.advance(1);
    count += taken(limit, 3);
  }
  t.true(count >= 99 && count <= 101, `${count}`);
});
