import test from 'ava';
import { FlushScheduler } from '../../../bgp/speaker/flush-scheduler.js';
import { FakeClock } from '../../../bgp/testing/index.js';

/** A change every `everyMs` for a second; the times of the flushes, each of which takes `costMs` and makes `writes`. */
function flushesUnder(options: { everyMs: number; costMs: number; writes: number }): {
  count: number;
  longestWaitMs: number;
} {
  const clock = new FakeClock();
  let slow = 0;
  // Time passes while the flush works.
  const busy = { now: () => clock.now() + slow, schedule: clock.schedule.bind(clock) };
  let count = 0;
  let waitingSince: number | undefined;
  let longestWaitMs = 0;
  const scheduler = new FlushScheduler(busy, () => {
    count++;
    longestWaitMs = Math.max(longestWaitMs, clock.now() - (waitingSince ?? clock.now()));
    waitingSince = undefined;
    slow += options.costMs;
    return options.writes;
  });
  for (let ms = 0; ms < 1000; ms += options.everyMs) {
    clock.advance(options.everyMs);
    waitingSince ??= clock.now();
    scheduler.request();
    slow = 0;
  }
  clock.advance(100);
  return { count, longestWaitMs };
}

test('a lone change is flushed at once, and so is every one while flushes are cheap', t => {
  t.deepEqual(flushesUnder({ everyMs: 1, costMs: 0.1, writes: 20 }), { count: 1000, longestWaitMs: 0 });
  t.deepEqual(flushesUnder({ everyMs: 50, costMs: 7, writes: 1000 }), { count: 20, longestWaitMs: 0 });
});

test('the more peers are written to, the more changes share a flush, and none waits longer than the bound', t => {
  const hundred = flushesUnder({ everyMs: 0.25, costMs: 0.25, writes: 100 });
  t.true(hundred.count > 500 && hundred.count < 1100, `${hundred.count}`);
  t.true(hundred.longestWaitMs <= 1);
  const thousand = flushesUnder({ everyMs: 1, costMs: 1, writes: 1000 });
  t.true(thousand.count >= 80 && thousand.count <= 110, `${thousand.count}`);
  t.true(thousand.longestWaitMs <= 10);
  const many = flushesUnder({ everyMs: 1, costMs: 1, writes: 100_000 });
  t.true(many.count >= 40 && many.longestWaitMs <= 20, `${many.count} ${many.longestWaitMs}`);
});

test('a table that takes long is followed by as long a window, up to the bound', t => {
  const { count, longestWaitMs } = flushesUnder({ everyMs: 1, costMs: 8, writes: 1 });
  t.true(count > 50 && count < 150, `${count}`);
  t.true(longestWaitMs <= 16);
});
