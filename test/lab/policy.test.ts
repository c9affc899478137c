/** Policy where pods are reached through IPIP, in a kernel that has it: what it denies does not come out of a tunnel. */
import test from 'ava';
import { logTail, within } from '../../demo/host-lab.js';
import { type Host, Lab } from '../../demo/lab.js';

test('what comes by IPIP is judged as it comes out: a policy shuts a pod and opens it again', async t => {
  t.timeout(300_000);
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-p`, hosts: ['a', 'b'], podsPerHost: 2, pool: { ipipMode: 'Always' } });
  t.teardown(() => lab.close());
  for (const host of lab.hosts) lab.startAgent(host);
  const logs = () => lab.hosts.map(host => logTail(host)).join('\n');
  t.true(await within(60_000, () => lab.converged()), logs());
  const [a, b] = lab.hosts as [Host, Host];
  const [from, friend, to] = [a.pods[0]!, a.pods[1]!, b.pods[0]!];
  const byTunnel = () => lab.everyRouteBy('margay.ipip');
  t.true(await within(30_000, async () => byTunnel() && (await lab.reaches(from, to))), logs());
  await lab.allowOnly(to, friend);
  t.true(await within(20_000, async () => !(await lab.reaches(from, to))), logs());
  t.true(await lab.reaches(friend, to));
  t.true(byTunnel());
  t.is((await lab.status(b))?.policy?.exposureCount, 0, 'nobody has changed anything');
  t.is(lab.bgpctl(b, 'delete', 'NetworkPolicy', `default/only-${friend.name}`).status, 0);
  t.true(await within(20_000, () => lab.reaches(from, to)), logs());
});
