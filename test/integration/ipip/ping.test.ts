/** Probes by the real `ping`, in a network namespace of their own. */
import test from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import { pingProber } from '../../../ipip/check/ping.js';
import type { Probe } from '../../../ipip/check/probe.js';
import { makeNamespace } from '../../support/network-namespace.js';

const never = new AbortController().signal;

function probe(more: { readonly from?: string; readonly to?: string; readonly bytes?: number }): Probe {
  const { from = '127.0.0.1', to = '127.0.0.1', bytes = 84 } = more;
  return { from: from as Ipv4Address, to: to as Ipv4Address, bytes, patienceSeconds: 1 };
}

test('what is answered, too big, lost and not sent', async t => {
  const namespace = makeNamespace(t);
  namespace.ip('link set lo mtu 1400');
  // Nobody is there, and the kernel takes no such packet back.
  namespace.ip('route add 192.0.2.0/24 dev lo');
  const prober = pingProber(['ip', 'netns', 'exec', namespace.name]);
  const outcome = (more: Parameters<typeof probe>[0]) => prober.probe(probe(more), never);
  const answered = await outcome({});
  t.is(answered.kind, 'answered');
  t.true(answered.kind === 'answered' && answered.rttMs > 0 && answered.rttMs < 1000);
  t.is((await outcome({ bytes: 1400 })).kind, 'answered');
  t.deepEqual(await outcome({ bytes: 1401 }), { kind: 'too-big', mtu: 1400 });
  t.is((await outcome({ to: '192.0.2.1' })).kind, 'silent');
  t.is((await outcome({ from: '192.0.2.77' })).kind, 'not-sent');
});

test('a probe that is ended is over at once; one that is ended before it began never begins', async t => {
  const namespace = makeNamespace(t);
  namespace.ip('route add 192.0.2.0/24 dev lo');
  const prober = pingProber(['ip', 'netns', 'exec', namespace.name]);
  const ending = new AbortController();
  const began = performance.now();
  const outcome = prober.probe({ ...probe({ to: '192.0.2.1' }), patienceSeconds: 30 }, ending.signal);
  setTimeout(() => ending.abort(), 200);
  await outcome;
  await prober.probe(probe({}), ending.signal);
  t.true(performance.now() - began < 2000);
});

test('a host without the command says so', async t => {
  await t.throwsAsync(pingProber(['/nonexistent/ip']).probe(probe({}), never), { message: /ping/ });
});
