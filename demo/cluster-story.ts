/**
 * The demo's story of a cluster that shares a Redis: hosts that find each other, pods that get addresses, a store that is away, a host that dies and
 * one that comes, and sessions that arrange themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterLab, Member } from './cluster-lab.js';
import { podPool, topologyOf } from './documents.js';
import { within } from './host-lab.js';
import { patience } from './patience.js';
import { check, say, show } from './telling.js';

const INTERVAL_SECONDS = 0.01;

export async function clusterStory(lab: ClusterLab): Promise<void> {
  await lab.redis.start();
  for (const host of lab.hosts) lab.startAgent(host);
  say('a Redis, and an agent on each host that knows nothing but its address');
  const [first] = lab.hosts as [Member];
  const knows = async (host: Member) => (await lab.status(host))?.store.state === 'in-sync';
  check('every agent has read the store', await within(30_000, () => every(lab, knows)));
  say(`a pool of addresses: bgpctl apply, on ${first.name}`);
  await lab.apply(first, podPool({ ipipMode: 'Never' }, {}));
  await within(10_000, () =>
    every(lab, async host => ((await lab.status(host))?.store.resources ?? 0) > lab.hosts.length),
  );
  for (const host of lab.hosts) await lab.addPod(host);
  say(`a pod on each: ${lab.pods.map(({ address }) => address).join(', ')}; bgpctl ipam show --blocks:`);
  show(lab.bgpctl(first, 'ipam', 'show', '--blocks').output);
  check('every host has a session and a route to every other', await within(30_000, () => lab.converged()));
  check('all pods reach each other', await within(10_000, () => lab.allReachable()));
  await storeAway(lab);
  await hostsGoAndCome(lab);
  say('bgpctl status --all, what each host said last:');
  show(lab.bgpctl(first, 'status', '--all').output);
  await reflected(lab);
}

async function storeAway(lab: ClusterLab): Promise<void> {
  const [first, second] = lab.hosts as [Member, Member];
  say(
    `pings every ${10 * patience} ms around the hosts; kill -9 of Redis, and of the agent on ${second.name}`,
  );
  const pings = lab.pingAround(lab.hosts, INTERVAL_SECONDS * patience);
  await lab.redis.kill();
  await lab.endAgent(second, 'SIGKILL');
  lab.startAgent(second);
  const isAway = async (host: Member) => (await lab.status(host))?.store.state === 'unavailable';
  check('every agent says so', await within(20_000, () => every(lab, isAway)));
  const isBack = async () => (await lab.status(second))?.peers.established === lab.hosts.length - 1;
  check(
    `the agent of ${second.name} is back all the same, from its copy of the store`,
    await within(20_000, isBack),
  );
  show(storeLine(lab.bgpctl(second, 'status').output));
  await sleep(2000);
  await lab.redis.start();
  say('Redis is started again');
  const isThere = async (host: Member) => (await lab.status(host))?.store.state === 'in-sync';
  check('every agent has caught up', await within(30_000, () => every(lab, isThere)));
  show(storeLine(lab.bgpctl(first, 'status').output));
  await tellPings(pings);
}

async function hostsGoAndCome(lab: ClusterLab): Promise<void> {
  const [first] = lab.hosts as [Member];
  const gone = lab.hosts.at(-1)!;
  const block = /^blackhole (\S+)/m.exec(lab.routes(gone))?.[1] ?? '?';
  say(`the machine of ${gone.name} is gone; bgpctl node delete ${gone.name} --force`);
  await lab.removeHost(gone);
  show(lab.bgpctl(first, 'node', 'delete', gone.name, '--force').output);
  const isGone = () => lab.hosts.every(host => !lab.routes(host).includes(block));
  check(`nobody has a route to its block ${block} any more`, await within(10_000, isGone));
  const added = lab.addHost();
  say(`another one comes: ${added.name}`);
  lab.startAgent(added);
  await within(30_000, async () => (await lab.status(added))?.rib.inSync === true);
  await lab.addPod(added);
  check('its pod is reached by all', await within(20_000, () => lab.allReachable()));
}

async function reflected(lab: ClusterLab): Promise<void> {
  const [first] = lab.hosts as [Member];
  const pings = lab.pingAround(lab.hosts, INTERVAL_SECONDS * patience);
  say('from the mesh to reflectors: bgpctl apply, BGPTopology default, mode: reflectors');
  await lab.apply(first, topologyOf('reflectors'));
  const settled = async () => {
    const { mode, transition } = await lab.client(first).topology();
    return mode === 'reflectors' && transition === null;
  };
  check('the mesh is let go once everybody is in sync with reflectors', await within(90_000, settled));
  show(lab.bgpctl(first, 'topology').output);
  await tellPings(pings);
}

async function tellPings(pings: ReturnType<ClusterLab['pingAround']>): Promise<void> {
  await sleep(500);
  const { sent, received } = await pings.stop();
  check(`${received} of ${sent} pings came back`, sent > 0 && received === sent);
}

async function every(lab: ClusterLab, of: (host: Member) => Promise<boolean>): Promise<boolean> {
  for (const host of lab.hosts) if (!(await of(host))) return false;
  return true;
}

/** With the lines that it goes on in. */
function storeLine(status: string): string {
  return /^Store.*(?:\n +.*)*/m.exec(status)?.[0] ?? '';
}
