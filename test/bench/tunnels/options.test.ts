/** The command line, as runner and bench both read it. */
import test from 'ava';
import { readOptions, timeLimitSeconds } from '../../../bench/tunnels/options.js';

test('by default three rounds of everything, plain routing first', t => {
  t.deepEqual(readOptions([]), {
    rounds: 3,
    seconds: 3,
    modes: ['plain', 'ipip', 'vxlan', 'udp'],
    offload: false,
    lab: false,
    json: false,
    help: false,
  });
});

test('plain routing is measured whatever else is, and each once', t => {
  t.deepEqual(readOptions(['--only', 'udp,vxlan,udp']).modes, ['plain', 'vxlan', 'udp']);
});

for (const [args, named] of [
  [['--rounds', '0'], /--rounds 0: .*1 to 100/],
  [['--rounds', '1.5'], /--rounds 1\.5: .*1 to 100/],
  [['--rounds='], /--rounds : .*1 to 100/],
  [['--seconds', '61'], /--seconds 61: .*1 to 60/],
  [['--seconds', '1e1'], /--seconds 1e1: .*1 to 60/],
  [['--only', 'plain'], /--only plain: .*ipip, vxlan, udp/],
  [['--only', 'vxlan,gre'], /--only vxlan,gre: "gre" .*ipip, vxlan, udp/],
  [['--prefixes', '5'], /--prefixes/],
  [['tunnels'], /tunnels/],
] as const) {
  test(`${args.join(' ')} is refused, by name and with what is allowed`, t => {
    t.throws(() => readOptions(args), { message: named });
  });
}

test('the time that a run may take grows with what it has to do, and is longer in a guest', t => {
  const options = readOptions([]);
  const limit = timeLimitSeconds(options, false);
  t.true(timeLimitSeconds({ ...options, rounds: 4 }, false) > limit);
  t.true(timeLimitSeconds({ ...options, seconds: 60 }, false) > limit + 3 * 4 * 2 * 50);
  t.true(timeLimitSeconds(options, true) > limit);
});
