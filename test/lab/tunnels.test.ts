/**
 * Tunnels of every kind between agents, in a kernel that has them. One lab for all modes: hosts are slow to start here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { logTail, within } from '../../demo/lab.js';
import { sufferDrifts } from '../support/tunnel-drifts.js';
import {
  captured,
  newTunnelLab,
  passes,
  routeTo,
  setMode,
  setModeStaggered,
  setReversePathFilter,
  takes,
  unreachable,
  watchKernel,
} from '../support/tunnel-lab.js';

test('IPIP across subnets, plainly inside them, at once; full-size packets pass', async t => {
  t.timeout(300_000);
  const lab = await newTunnelLab(t, 'ipip', 'CrossSubnet');
  t.true(await takes(lab, 'ipip', 'CrossSubnet'), logTail(lab.hosts[0]!));
  const [a, , c] = lab.hosts;
  const seen = await captured(a!, async () => t.deepEqual(await unreachable(lab), []));
  t.log(JSON.stringify(seen));
  t.true(seen.ipip > 0 && seen.plain > 0);
  t.is(seen.vxlan + seen.udp, 0);
  t.regex(routeTo(lab, a!, c!), /dev margay\.ipip .* src 10\.244\.1\.0 .*onlink mtu 1480/);
  const [from, to] = [a!.pods[0]!, c!.pods[0]!];
  t.true(await passes(from, to, 1400));
  t.true(await passes(from, to, 1480));
  t.false(await passes(from, to, 1481));
});

test('Never, IPIP, VXLAN, Never with hosts that learn of it seconds apart: hardly a ping is lost', async t => {
  t.timeout(600_000);
  const lab = await newTunnelLab(t, 'plain');
  for (const filter of [0, 1, 2] as const) {
    setReversePathFilter(lab, filter);
    for (const mode of ['ipip', 'vxlan', 'plain'] as const) {
      const pings = lab.pingAll(0.01);
      await sleep(300);
      await setModeStaggered(lab, mode);
      t.true(await takes(lab, mode), logTail(lab.hosts[0]!));
      await sleep(500);
      const { sent, received } = await pings.stop();
      t.log(`rp_filter ${filter}, to ${mode}: ${received} of ${sent}`);
      t.true(sent > 500);
      t.true(sent - received <= 2, `${sent - received} lost`);
    }
  }
});

test('killed with -9 and started again under IPIP: no ping is lost, nothing is written', async t => {
  t.timeout(300_000);
  const lab = await newTunnelLab(t, 'ipip');
  t.true(await takes(lab, 'ipip'));
  await sleep(1000);
  const watches = lab.hosts.map(host => watchKernel(t, host));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  const victim = lab.hosts[1]!;
  await lab.endAgent(victim, 'SIGKILL');
  await sleep(1000);
  lab.startAgent(victim);
  t.true(await within(30_000, () => lab.converged()), logTail(victim));
  await sleep(2000);
  const { sent, received } = await pings.stop();
  t.true(sent > 500);
  t.is(received, sent);
  t.deepEqual(
    watches.flatMap(({ lines }) => lines),
    [],
  );
});

test('whatever becomes of an IPIP device, its routes and what it travels on, it is put right', async t => {
  t.timeout(300_000);
  const lab = await newTunnelLab(t, 'ipip');
  t.true(await takes(lab, 'ipip'));
  await sufferDrifts(t, lab, 'margay.ipip');
});

test('the same for VXLAN', async t => {
  t.timeout(300_000);
  const lab = await newTunnelLab(t, 'plain');
  await setMode(lab, 'vxlan');
  t.true(await takes(lab, 'vxlan'));
  await sufferDrifts(t, lab, 'margay.vxlan');
});
