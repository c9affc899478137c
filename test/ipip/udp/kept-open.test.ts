import test from 'ava';
import { FakeClock } from '../../../bgp/testing/fake-clock.js';
import { KeptOpen } from '../../../ipip/udp/kept-open.js';

/** Opens are told by their times; `refuse` says how many fail. */
function setUp(refuse = 0) {
  const clock = new FakeClock();
  const opens: number[] = [];
  const said: string[] = [];
  let closes = 0;
  let breakIt: (reason: string) => void = () => {};
  let refusals = refuse;
  const kept = new KeptOpen(clock, {
    firstPauseMs: 100,
    longestPauseMs: 800,
    open: broke => {
      opens.push(clock.now());
      if (refusals-- > 0) throw new Error(`refused ${refusals}`);
      breakIt = broke;
      return { close: () => closes++ };
    },
    said: problem => said.push(problem),
  });
  return { clock, opens, said, kept, breakIt: (reason: string) => breakIt(reason), closes: () => closes };
}

test('open at once where it can be', t => {
  const { opens, said, kept } = setUp();
  t.deepEqual([opens, said], [[0], ['']]);
  t.truthy(kept.current);
});

test('what is refused is tried again, ever more seldom', t => {
  const { clock, opens, said, kept } = setUp(6);
  t.is(kept.current, undefined);
  clock.advance(10_000);
  t.deepEqual(opens, [0, 100, 300, 700, 1500, 2300, 3100]);
  t.deepEqual(
    said.map(one => one.slice(0, 7)),
    [...Array(6).fill('refused'), ''],
  );
  t.truthy(kept.current);
});

test('what breaks is opened again: soon if it had worked for a while, ever later if it had not', t => {
  const { clock, opens, said, kept, breakIt } = setUp();
  clock.advance(5000);
  breakIt('gone');
  t.is(kept.current, undefined);
  t.is(said.at(-1), 'gone');
  clock.advance(100);
  t.is(opens.at(-1), 5100);
  breakIt('gone');
  clock.advance(200);
  t.is(opens.at(-1), 5300);
  breakIt('gone');
  clock.advance(399);
  t.is(opens.at(-1), 5300);
  clock.advance(1);
  t.is(opens.at(-1), 5700);
  clock.advance(801);
  breakIt('gone');
  clock.advance(100);
  t.is(opens.at(-1), 6601);
});

test('let go, it is closed once and for all', t => {
  const { clock, opens, kept, breakIt, closes } = setUp();
  kept.close();
  breakIt('late');
  clock.advance(10_000);
  t.deepEqual([opens, closes(), kept.current], [[0], 1, undefined]);
  const refused = setUp(99);
  refused.kept.close();
  refused.clock.advance(10_000);
  t.deepEqual([refused.opens, refused.closes()], [[0], 0]);
});

test('what broke before is not what is open now', t => {
  const clock = new FakeClock();
  const breaks: ((reason: string) => void)[] = [];
  const kept = new KeptOpen(clock, {
    firstPauseMs: 100,
    longestPauseMs: 800,
    open: broke => {
      breaks.push(broke);
      return { close: () => {} };
    },
    said: () => {},
  });
  breaks[0]!('gone');
  clock.advance(100);
  t.is(breaks.length, 2);
  breaks[0]!('gone again');
  t.truthy(kept.current);
  breaks[1]!('gone');
  t.is(kept.current, undefined);
});
