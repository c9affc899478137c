/**
 * Agents that share a Redis, from the first start on: they find each other, their pods get addresses and reach each other, and go on doing so
 * while the store is away, agents restart, and hosts come, go and move.
 *
 * As many hosts as MARGAY_CLUSTER_HOSTS says, and Redis away for MARGAY_AWAY_SECONDS; by default few and not long.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ClusterLab, type Member } from '../../../demo/cluster-lab.js';
import { podPool, topologyOf } from '../../../demo/documents.js';
import { logTail, within } from '../../../demo/host-lab.js';

const HOSTS = Number(process.env.MARGAY_CLUSTER_HOSTS ?? 6);
const AWAY_SECONDS = Number(process.env.MARGAY_AWAY_SECONDS ?? 12);
/** For hosts that all begin at once. */
const START_MS = 20_000 + 3000 * HOSTS;
const INTERVAL_SECONDS = 0.01;

const lab = new ClusterLab({
  runId: `${process.env.MARGAY_RUN_ID ?? `t${process.pid.toString(36)}`}-rc`,
  hosts: HOSTS,
});
test.after.always(() => lab.close());

const everyStatus = (of: (host: Member) => Promise<boolean>) => async () => {
  for (const host of lab.hosts) if (!(await of(host))) return false;
  return true;
};

const knowsResources = (least: number) =>
  everyStatus(async host => ((await lab.status(host))?.store.resources ?? 0) >= least);

/** They end with the test at the latest. */
function startPings(t: ExecutionContext, hosts: readonly Member[]) {
  const pings = lab.pingAround(hosts, INTERVAL_SECONDS);
  t.teardown(() => pings.stop());
  return pings;
}

const problems = () => lab.hosts.map(host => `${host.name}:\n${logTail(host, 3)}`).join('\n');

test.serial('from nothing to pods that all reach each other', async t => {
  await lab.redis.start();
  for (const host of lab.hosts) lab.startAgent(host);
  const isInSync = everyStatus(async host => (await lab.status(host))?.store.state === 'in-sync');
  t.true(await within(START_MS, isInSync), problems());
  await lab.apply(lab.hosts[0]!, podPool({ ipipMode: 'Never' }, {}));
  t.true(await within(START_MS, knowsResources(1 + HOSTS)));
  for (const host of lab.hosts) await lab.addPod(host);
  const addresses = new Set(lab.pods.map(({ address }) => address));
  t.is(addresses.size, HOSTS);
  t.true(await within(START_MS, () => lab.converged()), problems());
  t.true(await within(START_MS, () => lab.allReachable()));
  t.is(lab.bgpctl(lab.hosts[0]!, 'ipam', 'check').status, 0);
});

test.serial(
  'Redis is killed and stays away: no packet is lost, and an agent that is restarted meanwhile goes on',
  async t => {
    const [first, second] = lab.hosts as [Member, Member];
    const pings = startPings(t, lab.hosts);
    await lab.redis.kill();
    const isAway = everyStatus(async host => (await lab.status(host))?.store.state === 'unavailable');
    t.true(await within(20_000, isAway));
    const status = lab.bgpctl(first, 'status').output;
    t.regex(status, /Store +away for \d+ ?s/);
    t.regex(status, new RegExp(`${HOSTS - 1} of ${HOSTS - 1} established`));
    await lab.endAgent(second, 'SIGKILL');
    await sleep(1000);
    lab.startAgent(second);
    const established = async () => (await lab.status(second))?.peers.established === HOSTS - 1;
    t.true(await within(START_MS, established), logTail(second));
    t.true((await lab.status(second))?.store.copy);
    const nodes = lab.bgpctl(second, 'get', 'nodes');
    t.is(nodes.status, 0, nodes.output);
    t.true(
      lab.hosts.every(({ name }) => nodes.output.includes(name)),
      nodes.output,
    );
    await sleep(AWAY_SECONDS * 1000);
    await lab.redis.start();
    t.true(await within(START_MS, () => lab.converged()), problems());
    await sleep(500);
    const { sent, received } = await pings.stop();
    t.true(sent > 100 * HOSTS);
    t.is(received, sent);
    t.log(`${received} of ${sent} pings`);
  },
);

test.serial(
  'a host that is gone is deleted, one is added, one moves to another address; no packet of the others is lost',
  async t => {
    const gone = lab.hosts.at(-1)!;
    const moved = lab.hosts.at(-2)!;
    const others = lab.hosts.slice(0, -2);
    const [first] = others as [Member];
    const block = /^blackhole (\S+)/m.exec(lab.routes(gone))?.[1] ?? 'none';
    const pings = startPings(t, others);
    await lab.removeHost(gone);
    const refused = lab.bgpctl(first, 'node', 'delete', gone.name);
    const deleted = lab.bgpctl(first, 'node', 'delete', gone.name, '--force');
    t.is(deleted.status, 0, deleted.output);
    t.true(refused.status !== 0 || /deleted/.test(refused.output));
    // The pods of the lab have addresses that a person keeps.
    const kept = [refused, deleted].map(({ output }) => /bgpctl ipam release --ip (\S+)/.exec(output)?.[1]);
    const released = lab.bgpctl(first, 'ipam', 'release', '--ip', kept.find(Boolean) ?? '');
    t.is(released.status, 0, released.output);
    const isGone = () => lab.hosts.every(host => !lab.routes(host).includes(block));
    t.true(await within(START_MS, isGone));
    const added = lab.addHost();
    lab.startAgent(added);
    t.true(
      await within(START_MS, async () => (await lab.status(added))?.rib.inSync === true),
      logTail(added),
    );
    await lab.addPod(added);
    await lab.endAgent(moved, 'SIGTERM');
    lab.renumber(moved, '10.9.0.200');
    lab.startAgent(moved);
    t.true(await within(START_MS, () => lab.converged()), problems());
    const isTakenUp = async () =>
      (await lab.peers(first)).some(({ name, address, state }) => {
        return name === moved.name && address === moved.address && state === 'Established';
      });
    t.true(await within(START_MS, isTakenUp));
    t.true(await within(START_MS, () => lab.allReachable()));
    const { sent, received } = await pings.stop();
    t.true(sent > 0);
    t.is(received, sent);
    t.log(`${received} of ${sent} pings`);
    const check = lab.bgpctl(first, 'ipam', 'check');
    t.is(check.status, 0, check.output);
  },
);

test.serial('mesh, reflectors, mesh: no packet is lost', async t => {
  const [first] = lab.hosts as [Member];
  const pings = startPings(t, lab.hosts);
  for (const mode of ['reflectors', 'mesh'] as const) {
    await lab.apply(first, topologyOf(mode));
    const settled = async () => {
      const view = await lab.client(first).topology();
      return view.mode === mode && view.plan !== null && view.transition === null;
    };
    t.true(await within(120_000 + START_MS, settled), lab.bgpctl(first, 'topology').output);
    t.true(await within(START_MS, () => lab.converged()), problems());
    await sleep(500);
  }
  const { sent, received } = await pings.stop();
  t.true(sent > 0);
  t.is(received, sent);
  t.log(`${received} of ${sent} pings`);
});
