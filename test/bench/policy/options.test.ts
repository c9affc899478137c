/** The command line, as runner and bench both read it. */
import test from 'ava';
import { readOptions, timeLimitSeconds } from '../../../bench/policy/options.js';
import { rowIds } from '../../../bench/policy/rows.js';

test('by default three rounds of everything', t => {
  t.deepEqual(readOptions([]), { rounds: 3, rows: rowIds, profile: undefined, json: false, help: false });
});

test('rows are measured in the order of the report, and each once', t => {
  t.deepEqual(readOptions(['--rows', 'sets,nft,sets']).rows, ['nft', 'sets']);
});

for (const [args, named] of [
  [['--rounds', '0'], /--rounds 0: .*1 to 100/],
  [['--rounds', '1.5'], /--rounds 1\.5: .*1 to 100/],
  [['--rounds='], /--rounds : .*1 to 100/],
  [['--rows', 'nft,bpf'], /--rows nft,bpf: "bpf" .*nft, legacy, sets, calculation/],
  [['--rows='], /--rows : "" .*nft/],
  [['--prefixes', '5'], /--prefixes/],
  [['policy'], /policy/],
] as const) {
  test(`${args.join(' ')} is refused, by name and with what is allowed`, t => {
    t.throws(() => readOptions(args), { message: named });
  });
}

test('the time that a run may take grows with what it has to do', t => {
  const few = timeLimitSeconds(readOptions(['--rows', 'sets']));
  t.true(timeLimitSeconds(readOptions(['--rows', 'sets,nft'])) > few);
  t.true(timeLimitSeconds(readOptions(['--rows', 'sets', '--rounds', '4'])) > few);
});
