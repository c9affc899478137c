import test from 'ava';
import { TunnelCheckTable } from '../../bgpctl/format/tunnel-checks.js';
import { tunnelCheck } from '../agent/control/fake-backend.js';

const format = { width: 80, colour: false, wide: false, hosts: ['b', 'worker-17'] };
const widest = (text: string) => Math.max(...text.split('\n').map(line => line.length));
const words =
  'MTU black hole: packets of 1354 bytes pass to worker-17, larger ones up to the MTU of 1450 do not, and nobody says so, so that TCP hangs.';
const blackHole = tunnelCheck('worker-17', {
  mode: 'vxlan',
  full: 'silent',
  fullBytes: 1450,
  largestBytes: 1354,
  finding: 'mtu-black-hole',
  words,
});
const refused = tunnelCheck('b', {
  small: 'not-probed',
  full: 'not-probed',
  fullBytes: null,
  rttMs: null,
  finding: 'refused',
  words: 'no ipip',
});

test('a line for each way, and below it what is wrong, within the width; later lines stay in line', t => {
  const table = new TunnelCheckTable(format);
  const text =
    table.part([tunnelCheck('b')]) +
    table.part([refused]) +
    table.part([blackHole]) +
    table.part([
      tunnelCheck('b', { mode: 'plain', small: 'silent', full: 'rejected', fullBytes: 1500, rttMs: null }),
    ]);
  t.is(
    text,
    [
      'HOST       MODE   SMALL     FULL SIZE            RTT',
      'b          IPIP   ok        1480 ok          0.25 ms',
      'b          IPIP   -         -',
      '    no ipip',
      'worker-17  VXLAN  ok        1354 of 1450     0.25 ms',
      '    MTU black hole: packets of 1354 bytes pass to worker-17, larger ones up to',
      '    the MTU of 1450 do not, and nobody says so, so that TCP hangs.',
      'b          plain  lost      1500 rejected',
      '',
    ].join('\n'),
  );
});

test('long names are cut to 80 columns, and wide cuts nothing', t => {
  const name = `${'worker-with-a-very-long-name-'.repeat(3)}1`;
  const long = tunnelCheck(name, { small: 'not-sent', full: 'not-sent', fullBytes: 65535, rttMs: null });
  t.true(widest(new TunnelCheckTable({ ...format, hosts: [name] }).part([long])) <= 80);
  const wide = new TunnelCheckTable({ ...format, wide: true }).part([long, blackHole]);
  t.true(wide.includes(name));
  t.true(wide.includes(words));
  t.true(['UNDERLAY', 'OUTWARD', '10.244.1.0', 'mtu-black-hole'].every(word => wide.includes(word)));
});

test('colour tells the fine from the wrong and leaves widths alone', t => {
  const plain = new TunnelCheckTable(format).part([tunnelCheck('b'), blackHole]);
  const painted = new TunnelCheckTable({ ...format, colour: true }).part([tunnelCheck('b'), blackHole]);
  t.not(painted, plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes
  t.is(painted.replaceAll(/\u001b\[\d+m/g, ''), plain);
});
