/** The named timers of a session, with a clock that remembers what it was asked for. */
import test from 'ava';
import { Timers } from '../../../bgp/speaker/timers.js';
import { FakeClock } from '../../../bgp/testing/index.js';

/** The longest Long-lived Stale Time (RFC 9494 section 3). */
const LONGEST_SECONDS = 0xffffff;

function setting() {
  const clock = new FakeClock();
  const delays: number[] = [];
  const fired: string[] = [];
  const timers = new Timers<'long' | 'short'>(
    {
      now: () => clock.now(),
      schedule: (milliseconds, callback) => {
        delays.push(milliseconds);
        return clock.schedule(milliseconds, callback);
      },
    },
    name => fired.push(`${name} ${clock.now() / 1000}`),
  );
  return { clock, delays, fired, timers };
}

test('what is longer than the clock can count is waited for in parts, and to the second', t => {
  const { clock, delays, fired, timers } = setting();
  timers.set('long', LONGEST_SECONDS);
  clock.advance(LONGEST_SECONDS * 1000 - 1);
  t.deepEqual(fired, []);
  clock.advance(1);
  t.deepEqual(fired, [`long ${LONGEST_SECONDS}`]);
  t.true(delays.every(delay => delay > 0 && delay <= 0x7fffffff));
  t.is(delays.length, Math.ceil((LONGEST_SECONDS * 1000) / 0x7fffffff));
});

test('a later deadline arms nothing, an earlier one does', t => {
  const { clock, delays, fired, timers } = setting();
  timers.set('short', 10);
  clock.advance(5000);
  timers.set('short', 10);
  t.is(delays.length, 1);
  timers.set('short', 1);
  clock.advance(1000);
  t.deepEqual(fired, ['short 6']);
  clock.advance(60_000);
  t.is(fired.length, 1);
});
