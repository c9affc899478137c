import test from 'ava';
import {
  describeFinding,
  type Finding,
  findingOf,
  type PathOutcomes,
} from '../../../ipip/check/diagnosis.js';
import type { Path } from '../../../ipip/check/paths.js';
import type { Outcome } from '../../../ipip/check/probe.js';
import type { Encapsulation } from '../../../ipip/desired.js';

const outcome = {
  answered: { kind: 'answered', rttMs: 0.1 },
  silent: { kind: 'silent' },
  rejected: { kind: 'rejected', detail: '10.9.0.254 says "Packet filtered"' },
  'too-big': { kind: 'too-big', mtu: 1400 },
  'not-sent': { kind: 'not-sent', detail: 'connect: Invalid argument' },
} as const satisfies Record<Outcome['kind'], Outcome>;

type Word = keyof typeof outcome;
const words = Object.keys(outcome) as Word[];

const outcomes = (underlay: Word, outward: Word, small: Word, full: Word): PathOutcomes => ({
  underlay: outcome[underlay],
  outward: outcome[outward],
  small: outcome[small],
  full: outcome[full],
  largestBytes: undefined,
});

/** Whether each of underlay, outward, small and full is answered (1) or not (0): every combination. */
const table: readonly (readonly [string, Finding | undefined])[] = [
  ['0000', 'host-silent'],
  ['0001', 'lossy'],
  ['0010', 'mtu-black-hole'],
  // Pings between the hosts are filtered, and the tunnel is fine.
  ['0011', undefined],
  ['0100', 'no-way-back'],
  ['0101', 'lossy'],
  ['0110', 'mtu-black-hole'],
  ['0111', undefined],
  ['1000', 'not-arriving'],
  ['1001', 'lossy'],
  ['1010', 'mtu-black-hole'],
  ['1011', undefined],
  ['1100', 'no-way-back'],
  ['1101', 'lossy'],
  ['1110', 'mtu-black-hole'],
  ['1111', undefined],
];

test('the table has every combination once', t => {
  t.deepEqual(
    table.map(([bits]) => Number.parseInt(bits, 2)),
    [...Array(16).keys()],
  );
});

for (const [bits, finding] of table) {
  test(`underlay, outward, small, full ${bits}: ${finding ?? 'fine'}`, t => {
    const words = [...bits].map(bit => (bit === '1' ? 'answered' : 'silent')) as [Word, Word, Word, Word];
    t.is(findingOf(outcomes(...words)), finding);
    const rejected = words.map(word => (word === 'silent' ? 'rejected' : word)) as typeof words;
    t.is(findingOf(outcomes(...rejected)), finding);
  });
}

test('what this host does not send is its own affair, whatever became of the others', t => {
  for (const underlay of words) {
    for (const outward of words) {
      t.is(findingOf(outcomes(underlay, outward, 'not-sent', 'not-sent')), 'not-sent');
      t.is(findingOf(outcomes(underlay, outward, 'answered', 'not-sent')), 'not-sent');
    }
  }
});

test('full packets that somebody says are too large are no black hole', t => {
  for (const underlay of words) {
    for (const outward of words) {
      t.is(findingOf(outcomes(underlay, outward, 'answered', 'too-big')), 'mtu-too-large');
    }
  }
});

const modes: readonly Encapsulation[] = ['none', 'ipip', 'vxlan', 'udp'];

function path(mode: Encapsulation): Path {
  const todo = { kind: 'probe', from: '10.244.1.0', to: '10.244.2.0', fullBytes: 1450 } as never;
  return { host: 'b', address: '10.9.0.2' as never, mode, todo };
}

function describe(finding: Finding, mode: Encapsulation, largestBytes?: number): string {
  const all = { ...outcomes('answered', 'silent', 'rejected', 'silent'), largestBytes };
  return describeFinding(finding, path(mode), all, { vxlanPort: 4790, udpPort: 8285 });
}

test('the words name what would have to be let through, by mode', t => {
  const filtered = modes.map(mode => describe('not-arriving', mode));
  t.deepEqual(
    filtered.map(text => /is (.+) filtered/.exec(text)?.[1]),
    ['ICMP', 'IP protocol 4 (IPIP)', 'UDP port 4790 (VXLAN)', 'UDP port 8285'],
  );
  t.true(filtered.every(text => text.includes('10.9.0.254 says "Packet filtered"')));
  t.true(describe('no-way-back', 'ipip').includes('10.244.1.0'));
});

test('the cure of an MTU names the field where there is one, and the MTU that the underlay would need', t => {
  const cures = modes.map(mode => describe('mtu-black-hole', mode, 1354));
  t.true(cures.every(text => text.includes('1354 bytes') && text.includes('1450')));
  t.deepEqual(
    cures.map(text => [/(\w+MTU) of Felix/.exec(text)?.[1], /interfaces to (\d+)/.exec(text)?.[1]]),
    [
      [undefined, '1354'],
      ['ipipMTU', '1374'],
      ['vxlanMTU', '1404'],
      [undefined, '1382'],
    ],
  );
});

test('what is not probed says why in the words of whoever decided it', t => {
  for (const kind of ['no-route', 'refused', 'no-address'] as const) {
    const refused = { ...path('ipip'), todo: { kind, why: 'because' } };
    t.is(describeFinding(kind, refused, undefined, { vxlanPort: 4789, udpPort: 8285 }), 'because');
  }
});
