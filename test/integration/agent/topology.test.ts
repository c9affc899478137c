/**
 * Six agents on one store, whose topology goes from a mesh to reflectors, loses a reflector, and comes back, under pings between all pods and
 * with `ip monitor` at every host: no packet is lost by it, and no route of a living host is touched.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { TopologyView } from '../../../agent/control/topology-types.js';
import { logTail, within } from '../../../demo/host-lab.js';
import { type Host, Lab } from '../../../demo/lab.js';
import { patience } from '../../../demo/patience.js';
import { watchRoutes } from '../../support/route-watch.js';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];

async function want(lab: Lab, spec: object): Promise<void> {
  const document = { apiVersion: 'margay.io/v1', kind: 'BGPTopology', metadata: { name: 'default' }, spec };
  const { results } = await lab.client(lab.hosts[0]!).apply({ documents: [{ location: 'test', document }] });
  const problems = results.flatMap(result => result.problems.map(({ error }) => error));
  if (problems.length > 0) throw new Error(problems.join('; '));
}

/** As each of the hosts sees it; none while an agent does not answer. */
async function views(lab: Lab, hosts: readonly Host[] = lab.hosts): Promise<readonly TopologyView[]> {
  const all = hosts.map(host =>
    lab
      .client(host)
      .topology()
      .catch(() => undefined),
  );
  return (await Promise.all(all)).filter(view => view !== undefined);
}

/** All of them have the arrangement alone, and every session of it. */
async function settled(
  lab: Lab,
  mode: TopologyView['mode'],
  hosts: readonly Host[] = lab.hosts,
  holds: (view: TopologyView) => boolean = () => true,
): Promise<boolean> {
  const found = await views(lab, hosts);
  const living = new Set(hosts.map(({ name }) => name));
  return (
    found.length === hosts.length &&
    found.every(
      view =>
        view.mode === mode &&
        view.transition === null &&
        view.plan !== null &&
        holds(view) &&
        view.sessions.every(({ node, state }) => !living.has(node) || state === 'Established'),
    )
  );
}

async function waitFor(
  t: ExecutionContext,
  lab: Lab,
  what: string,
  probe: () => Promise<boolean>,
): Promise<void> {
  const began = performance.now();
  const came = await within(120_000, probe);
  const shown = lab.bgpctl(lab.hosts[0]!, 'topology').output;
  t.true(came, `${what}\n${shown}\n${lab.hosts.map(host => logTail(host, 4)).join('\n')}`);
  t.log(`${what} after ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

test('from a mesh to reflectors, one of them killed, and back: no ping is lost, and no route is touched', async t => {
  t.timeout(600_000 * patience);
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-topo`, hosts: names, podsPerHost: 1 });
  t.teardown(() => lab.close());
  for (const host of lab.hosts) lab.startAgent(host);
  t.true(await within(60_000, () => lab.converged()), logTail(lab.hosts[0]!));
  await waitFor(t, lab, 'a mesh by plan', () => settled(lab, 'mesh'));
  const watches = new Map(lab.hosts.map(host => [host.name, watchRoutes(t, host.namespace)]));
  await sleep(300);
  const pings = lab.pingAll(0.01);
  t.teardown(() => pings.stop());
  const sessionsOf = async (hosts: readonly Host[] = lab.hosts) =>
    (await views(lab, hosts)).reduce((sum, { sessions }) => sum + sessions.length, 0) / 2;

  await want(lab, { meshLimit: 4, replaceAfterSeconds: 5 });
  await waitFor(t, lab, 'reflectors', () => settled(lab, 'reflectors'));
  t.is(await sessionsOf(), 3 + 6);
  const [{ reflectors: elected }] = (await views(lab)) as [TopologyView];
  t.is(elected.length, 3);
  t.is(lab.bgpctl(lab.hosts[0]!, 'topology', '--check').status, 0);

  const victim = lab.host(elected.map(({ node }) => node).find(name => name !== 'a')!);
  const others = lab.hosts.filter(host => host !== victim);
  await lab.endAgent(victim, 'SIGKILL');
  const replaced = ({ reflectors }: TopologyView) =>
    reflectors.length === 3 && !reflectors.some(({ node }) => node === victim.name);
  await waitFor(t, lab, 'another in place of the killed one', () =>
    settled(lab, 'reflectors', others, replaced),
  );
  lab.startAgent(victim);
  await waitFor(t, lab, 'the killed one a client', () => settled(lab, 'reflectors', lab.hosts, replaced));

  // One agent, which may be the controller's, is killed and comes back in the midst of it.
  await want(lab, { mode: 'mesh' });
  await sleep(2000);
  await lab.endAgent(lab.hosts[0]!, 'SIGKILL');
  lab.startAgent(lab.hosts[0]!);
  await waitFor(t, lab, 'a mesh again', () => settled(lab, 'mesh'));
  t.true(await within(20_000, () => lab.converged()), logTail(lab.hosts[0]!));
  t.is(await sessionsOf(), 15);
  const { sent, received } = await pings.stop();
  t.log(`${received} of ${sent} pings`);
  t.true(sent > 1000);
  t.is(received, sent);
  t.deepEqual([...watches.values()].flat(), []);
});
