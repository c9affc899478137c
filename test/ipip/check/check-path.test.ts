import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { checkPath } from '../../../ipip/check/check-path.js';
import type { Path, PathTodo } from '../../../ipip/check/paths.js';
import type { Outcome, Probe } from '../../../ipip/check/probe.js';

const own = '10.9.0.1' as Ipv4Address;
const address = '10.9.0.2' as Ipv4Address;
const [from, to] = ['10.244.1.0', '10.244.2.0'] as unknown as readonly [Ipv4Address, Ipv4Address];
const answered = { kind: 'answered', rttMs: 0.5 } as const;
const silent = { kind: 'silent' } as const;

function path(mode: Path['mode'], todo: PathTodo): Path {
  return { host: 'b', address, mode, todo };
}

const tunnel = path('vxlan', { kind: 'probe', from, to, fullBytes: 1450 });
const plain = path('none', { kind: 'probe', from: own, to: address, fullBytes: 1500 });

async function check(one: Path, answer: (probe: Probe) => Outcome, signal = new AbortController().signal) {
  const probes: Probe[] = [];
  const result = await checkPath(one, {
    prober: {
      probe: async probe => {
        probes.push(probe);
        return answer(probe);
      },
    },
    addresses: { ipv4: own, ipv6: undefined },
    words: { vxlanPort: 4789, udpPort: 8285 },
    signal,
  });
  return { ...result, probes };
}

const brief = ({ from: one, to: other, bytes }: Probe) => `${one} > ${other} ${bytes}`;

test('a tunnel: four probes, and that is all where they are answered', async t => {
  const { finding, words, outcomes, probes } = await check(tunnel, () => answered);
  t.deepEqual(probes.map(brief).sort(), [
    '10.244.1.0 > 10.244.2.0 1450',
    '10.244.1.0 > 10.244.2.0 84',
    '10.9.0.1 > 10.244.2.0 84',
    '10.9.0.1 > 10.9.0.2 84',
  ]);
  t.deepEqual([finding, words], [undefined, '']);
  t.is(outcomes?.largestBytes, undefined);
});

test('plainly: a small one and a full one', async t => {
  const { finding, probes } = await check(plain, () => answered);
  t.deepEqual(probes.map(brief).sort(), ['10.9.0.1 > 10.9.0.2 1500', '10.9.0.1 > 10.9.0.2 84']);
  t.is(finding, undefined);
});

test('a host without a tunnel address of its own has three: what goes out by the tunnel comes back plainly', async t => {
  const one = path('vxlan', { kind: 'probe', from: own, to, fullBytes: 1450 });
  const { probes, finding } = await check(one, probe => (probe.to === address ? answered : silent));
  t.is(probes.length, 3);
  t.is(finding, 'not-arriving');
});

test('a black hole: the largest size that passes is found in about as many probes as it has bits', async t => {
  const { finding, outcomes, probes, words } = await check(tunnel, ({ bytes }) =>
    bytes <= 1354 ? answered : silent,
  );
  t.is(finding, 'mtu-black-hole');
  t.is(outcomes?.largestBytes, 1354);
  t.true(words.includes('1354'));
  t.true(probes.length - 4 <= 11, `${probes.length - 4} probes`);
});

test('where somebody says what passes, one more probe makes sure', async t => {
  const { finding, outcomes, probes } = await check(tunnel, ({ bytes }) =>
    bytes <= 1380 ? answered : { kind: 'too-big', mtu: 1380 },
  );
  t.is(finding, 'mtu-too-large');
  t.is(outcomes?.largestBytes, 1380);
  t.is(probes.length, 5);
});

test('nothing is searched for where small packets are lost, too', async t => {
  const { probes, finding } = await check(tunnel, () => silent);
  t.is(probes.length, 4);
  t.is(finding, 'host-silent');
});

test('without a route the host is asked whether it is there at all', async t => {
  const one = path('vxlan', { kind: 'no-route', why: 'nobody announces it' });
  const there = await check(one, () => answered);
  t.deepEqual(there.probes.map(brief), ['10.9.0.1 > 10.9.0.2 84']);
  t.deepEqual([there.finding, there.words], ['no-route', 'nobody announces it']);
  t.is((await check(one, () => silent)).finding, 'host-silent');
});

test('what is refused is not probed; another pool is a remark', async t => {
  for (const [kind, finding] of [
    ['refused', 'refused'],
    ['no-address', 'no-address'],
    ['other-pool', undefined],
  ] as const) {
    const result = await check(path('ipip', { kind, why: 'because' }), () => answered);
    t.deepEqual([result.finding, result.words, result.probes.length], [finding, 'because', 0]);
  }
});

test('a check that is ended searches no more', async t => {
  const ending = new AbortController();
  const answer = ({ bytes }: Probe) => {
    if (bytes < 1450 && bytes > 84) ending.abort();
    return bytes === 84 ? answered : silent;
  };
  const { probes } = await check(tunnel, answer, ending.signal);
  t.is(probes.length, 5);
});

test('a host on which no probe can be made says so', async t => {
  await t.throwsAsync(
    check(tunnel, () => {
      throw new Error('no ping');
    }),
    { message: 'no ping' },
  );
});
