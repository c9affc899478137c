/** Tunnels between agents on this machine's kernel: VXLAN, and what becomes of a mode that a kernel does not have. */
import test from 'ava';
import { logTail, within } from '../../../demo/host-lab.js';
import type { Host, Lab } from '../../../demo/lab.js';
import { devices, setMode } from '../../../demo/mode.js';
import { skip } from '../../support/skip.js';
import { sufferDrifts } from '../../support/tunnel-drifts.js';
import { captured, ip, newTunnelLab, passes, routeTo, takes, unreachable } from '../../support/tunnel-lab.js';
import { changeModes, surviveKill } from '../../support/tunnel-scenarios.js';
import { takesNewHostAtOnce, turnsStrangersAway } from '../../support/tunnel-strangers.js';

test('VXLAN across subnets, plainly inside them, at once; full-size packets pass', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'vxlan', 'CrossSubnet');
  t.true(await takes(lab, 'vxlan', 'CrossSubnet'), logTail(lab.hosts[0]!));
  const [a, , c] = lab.hosts;
  const seen = await captured(a!, async () => t.deepEqual(await unreachable(lab), []));
  t.log(JSON.stringify(seen));
  t.true(seen.vxlan > 0 && seen.plain > 0);
  t.is(seen.ipip + seen.udp, 0);
  t.regex(routeTo(lab, a!, c!), /dev margay\.vxlan .* src 10\.244\.1\.0 .*onlink mtu 1450/);
  const [from, to] = [a!.pods[0]!, c!.pods[0]!];
  t.true(await passes(from, to, 1400));
  t.true(await passes(from, to, 1450));
  t.false(await passes(from, to, 1451));
});

test('Never to VXLAN and back with hosts that learn of it seconds apart: hardly a ping is lost', async t => {
  t.timeout(240_000);
  const lab = await newTunnelLab(t, 'plain');
  await changeModes(t, lab, ['vxlan', 'plain'], [0, 1, 2]);
});

test('killed with -9 and started again under VXLAN: no ping is lost, nothing is written', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'vxlan');
  t.true(await takes(lab, 'vxlan'));
  await surviveKill(t, lab, lab.hosts[1]!);
});

test('VXLAN packets of a stranger never reach a pod; those of a new host do from the first one on', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'vxlan');
  t.true(await takes(lab, 'vxlan'));
  await turnsStrangersAway(t, lab, 'vxlan');
  await takesNewHostAtOnce(t, lab, devices.vxlan);
});

test('UDP encapsulation: killing its own process interrupts it, killing the agent does not', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'udp', 'CrossSubnet');
  t.true(await takes(lab, 'udp', 'CrossSubnet'), logTail(lab.hosts[0]!));
  const [a, , c] = lab.hosts as [Host, Host, Host];
  const seen = await captured(a, async () => t.deepEqual(await unreachable(lab), []));
  t.log(JSON.stringify(seen));
  t.true(seen.udp > 0 && seen.plain > 0);
  t.is(seen.vxlan + seen.ipip, 0);
  t.true(await passes(a.pods[0]!, c.pods[0]!, 1472));
  t.false(await passes(a.pods[0]!, c.pods[0]!, 1473));

  await surviveKill(t, lab, a);

  await lab.endUdp(c, 'SIGKILL');
  t.false(await lab.reaches(a.pods[0]!, c.pods[0]!));
  lab.startUdp(c);
  t.true(await within(15_000, () => lab.reaches(a.pods[0]!, c.pods[0]!)), logTail(c));
});

test('whatever becomes of a VXLAN device, its routes and what it travels on, it is put right', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'vxlan');
  t.true(await takes(lab, 'vxlan'));
  await sufferDrifts(t, lab, 'margay.vxlan');
});

test('a host that is given another address: its tunnel, its Node and its sessions follow', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'vxlan', 'Always', { autodetect: true });
  t.true(await takes(lab, 'vxlan'));
  const [a, b] = lab.hosts;
  ip(a!.namespace, `address del ${a!.address}/24 dev eth0`);
  ip(a!.namespace, 'address add 10.9.0.11/24 dev eth0');
  ip(a!.namespace, 'route add default via 10.9.0.254');
  const began = performance.now();
  const local = () => ip(a!.namespace, '-d -o link show dev margay.vxlan').includes(' local 10.9.0.11 ');
  t.true(await within(5000, local), logTail(a!));
  t.log(`the device has the new address after ${Math.round(performance.now() - began)} ms`);
  const back = () => routeTo(lab, b!, a!).includes('via 10.9.0.11 dev margay.vxlan');
  t.true(await within(30_000, back), logTail(b!));
  t.log(`the others have the new way after ${Math.round(performance.now() - began)} ms`);
  t.true(await within(10_000, async () => (await unreachable(lab)).length === 0));
});

test('a kernel without ipip: each host says so with the cure, nobody sends what cannot be received, the rest goes on', async t => {
  t.timeout(120_000);
  const lab = await newTunnelLab(t, 'plain');
  const [a, b] = lab.hosts;
  await setMode(lab, 'ipip');
  const unavailable = async () =>
    (await lab.status(a!))?.tunnels.some(
      ({ tunnel, state }) => tunnel === 'ipip' && state === 'unavailable',
    ) ?? false;
  if (!(await within(15_000, unavailable))) {
    skip(t, 'this kernel has ipip');
    return;
  }
  const status = await lab.status(a!);
  t.true(status?.conditions.some(({ message }) => message.includes('modprobe ipip')));
  t.true(
    await within(15_000, () => lab.hosts.every(one => lab.hosts.every(to => routeTo(lab, one, to) === ''))),
  );
  t.regex(lab.bgpctl(a!, 'routes', b!.block, '--why').output, /IPIP/);
  await apply(lab, [
    ['IPPool', 'plain', { cidr: '10.245.0.0/16' }],
    ['BlockAffinity', 'plain-b', { node: 'b', cidr: '10.245.2.0/24', state: 'confirmed' }],
  ]);
  t.true(await within(15_000, () => lab.routes(a!).includes('10.245.2.0/24 via 10.9.0.2 dev eth0')));
  await setMode(lab, 'plain');
  t.true(await takes(lab, 'plain'), logTail(a!));
});

async function apply(
  lab: Lab,
  documents: readonly (readonly [kind: string, name: string, spec: object])[],
): Promise<void> {
  const request = documents.map(([kind, name, spec]) => ({
    location: name,
    document: { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec },
  }));
  await lab.client(lab.hosts[0]!).apply({ documents: request });
}
