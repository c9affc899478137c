/** Hosts come, pose as others, are renumbered, die and come back: real agents in namespaces on one store. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AgentStatus, HostView } from '../../../agent/control/types.js';
import type { ResourceId } from '../../../core/resources/resource.js';
import { logTail, within } from '../../../demo/host-lab.js';
import { type Host, Lab } from '../../../demo/lab.js';

/** A lease lasts 30 s, and whoever waits for it adds a third of that at most, and a look. */
const LEASE_MS = 60_000;

let labs = 0;

function newLab(t: ExecutionContext, hosts: readonly string[]): Lab {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const lab = new Lab({ runId: `${run}-life${labs++}`, hosts, podsPerHost: 1, autodetect: true });
  t.teardown(() => lab.close());
  return lab;
}

function ip(host: Host, words: string): string {
  return execFileSync('ip', ['-n', host.namespace, ...words.split(' ')], { encoding: 'utf8' });
}

async function standing(lab: Lab, host: Host): Promise<AgentStatus['membership'] | undefined> {
  return (await lab.status(host))?.membership;
}

/** Names of those that it has an Established session with. */
async function established(lab: Lab, host: Host): Promise<string> {
  const peers = await lab.peers(host);
  return peers
    .filter(({ state }) => state === 'Established')
    .map(({ name, address }) => `${name}@${address}`)
    .sort()
    .join(' ');
}

/** By when each session began: nobody has touched them if that is the same. */
async function sessions(lab: Lab, host: Host): Promise<string> {
  return (await lab.peers(host)).map(peer => `${peer.key} ${peer.state} ${peer.sinceUnixMs}`).join('\n');
}

async function viewed(lab: Lab, from: Host, node: string): Promise<HostView | undefined> {
  const view = await lab
    .client(from)
    .hosts()
    .catch(() => undefined);
  return view?.hosts.find(host => host.node === node);
}

async function stored(lab: Lab, from: Host, id: ResourceId): Promise<string> {
  return await lab
    .client(from)
    .resource(id)
    .then(({ resource }) => JSON.stringify(resource))
    .catch(() => 'none');
}

const nodeId = (name: string) => ({ kind: 'Node', name }) as const;

test('hosts that pose as others are refused, renumbered ones taken up, dead ones seen, deleted and let in anew', async t => {
  t.timeout(600_000);
  const lab = newLab(t, ['a', 'b', 'c', 'd']);
  const [a, b, c, d] = lab.hosts as [Host, Host, Host, Host];
  for (const host of [a, b, c]) lab.startAgent(host);
  const meshed = async () => (await established(lab, a)) === `b@${b.address} c@${c.address}`;
  t.true(await within(30_000, meshed), logTail(a));
  await within(5000, async () => (await established(lab, b)) === `a@${a.address} c@${c.address}`);
  const [ofA, ofB] = [await sessions(lab, a), await sessions(lab, b)];

  // A second host of the name a.
  lab.startAgent(d, [], { name: 'a' });
  const refused = async () => (await standing(lab, d))?.standing === 'withheld';
  t.true(await within(LEASE_MS, refused), JSON.stringify(await standing(lab, d)));
  const { instance } = (await standing(lab, a))!;
  const reason = (await standing(lab, d))?.reason ?? '';
  t.true(reason.includes(instance) && reason.includes(a.address), reason);
  t.true(lab.bgpctl(d, 'status').output.includes(instance));
  t.true(readFileSync(d.logFile, 'utf8').includes('this host announces nothing'));
  t.is(ip(d, 'route show proto 157'), '');
  t.true((await stored(lab, b, nodeId('a'))).includes(a.address));
  t.deepEqual([await sessions(lab, a), await sessions(lab, b)], [ofA, ofB]);
  await lab.endAgent(d, 'SIGTERM');

  // A host with the address of a.
  lab.startAgent(d, [], { address: a.address });
  t.true(await within(LEASE_MS, refused), JSON.stringify(await standing(lab, d)));
  t.regex((await standing(lab, d))?.reason ?? '', /is the address of node a, too/);
  t.is(await stored(lab, b, nodeId('d')), 'none');
  t.deepEqual([await sessions(lab, a), await sessions(lab, b)], [ofA, ofB]);
  await lab.endAgent(d, 'SIGTERM');

  // With its own it is one of them at once.
  lab.startAgent(d);
  t.true(await within(30_000, () => lab.converged()), logTail(d));

  // Renumbered while it runs: nothing is left of the old address.
  const [old, renumbered] = [b.address, '10.9.0.77'];
  ip(b, `address del ${old}/24 dev eth0`);
  ip(b, `address add ${renumbered}/24 dev eth0`);
  const moved = async () => (await established(lab, a)).includes(`b@${renumbered} `);
  t.true(await within(30_000, moved), logTail(b));
  const clean = async () =>
    !lab.routes(a).includes(`${old} `) && lab.routes(a).includes(`via ${renumbered} `);
  t.true(await within(30_000, clean), lab.routes(a));
  t.false((await lab.peers(a)).some(({ address }) => address === old));
  for (const id of [nodeId('b'), { kind: 'Lease', name: 'node.b' }] as const)
    t.false((await stored(lab, a, id)).includes(`"${old}`), id.kind);

  // The controller is killed: another takes over, and sees that it is gone.
  const first = (await lab.status(a))?.controller?.node;
  const victim = lab.host(first ?? '');
  const others = lab.hosts.filter(host => host !== victim);
  const whom = others.map(host => host.name);
  await lab.endAgent(victim, 'SIGKILL');
  const killed = performance.now();
  const successor = async () => {
    const said = await Promise.all(others.map(async host => (await lab.status(host))?.controller?.node));
    return new Set(said).size === 1 && whom.includes(said[0] ?? '');
  };
  t.true(await within(LEASE_MS + 30_000, successor), JSON.stringify(await lab.status(others[0]!)));
  t.log(`another controller after ${((performance.now() - killed) / 1000).toFixed(0)} s`);
  const [from] = others as [Host];
  const silent = async () => (await viewed(lab, from, victim.name))?.life === 'silent';
  t.true(await within(LEASE_MS, silent));
  t.log(`seen to be silent after ${((performance.now() - killed) / 1000).toFixed(0)} s`);
  const peers = lab.bgpctl(from, 'peers', '--all');
  t.log(`\n${peers.output}`);
  t.true(peers.output.includes('It is silent'));
  const status = lab.bgpctl(from, 'status', '--all');
  t.log(`\n${status.output}`);
  t.true((await viewed(lab, from, victim.name))!.reportAgeMs! > 30_000);
  t.is(lab.bgpctl(from, 'status', '--all', '--check').status, 1);

  // Gone for good.
  t.is(lab.bgpctl(from, 'node', 'delete', others[1]!.name).status, 1);
  const deletion = lab.bgpctl(from, 'node', 'delete', victim.name);
  t.is(deletion.status, 0, deletion.output);
  t.log(deletion.output.trim());
  t.true(deletion.output.startsWith(`${victim.name} deleted: 1 WorkloadEndpoint, 1 BlockAffinity, `));
  t.is(await stored(lab, from, nodeId(victim.name)), 'none');
  const forgotten = async () => !lab.routes(from).includes(victim.block);
  t.true(await within(150_000, forgotten), lab.routes(from));

  // It comes back.
  lab.startAgent(victim);
  const back = async () =>
    (await lab.peers(victim)).filter(({ state }) => state === 'Established').length === 3;
  t.true(await within(30_000, back), logTail(victim));
  t.not(await stored(lab, from, nodeId(victim.name)), 'none');
  const reported = async () => (await viewed(lab, from, victim.name))?.report?.established === 3;
  t.true(await within(30_000, reported));
  const nodes = lab.bgpctl(from, 'node', 'list', '-o', 'wide');
  t.log(`\n${nodes.output}`);
});

test('the copy of a machine says goodbye, keeps its kernel as it is, and takes over when the first is gone', async t => {
  t.timeout(300_000);
  const lab = newLab(t, ['a', 'b', 'copy']);
  const [a, b, copy] = lab.hosts as [Host, Host, Host];
  for (const host of [a, b]) lab.startAgent(host);
  t.true(await within(30_000, async () => (await established(lab, b)) === `a@${a.address}`), logTail(a));
  const before = await sessions(lab, b);

  const state = (host: Host) => join(lab.directory, host.name);
  mkdirSync(state(copy), { recursive: true });
  copyFileSync(join(state(a), 'instance'), join(state(copy), 'instance'));
  lab.startAgent(copy, [], { name: 'a', address: a.address });
  const mark = 'blackhole 10.244.1.0/24 proto 157';
  t.true(await within(30_000, () => ip(copy, 'route').includes(mark)), logTail(copy));
  t.true(await within(LEASE_MS, async () => (await standing(lab, copy))?.standing === 'withheld'));
  t.regex((await standing(lab, copy))?.reason ?? '', /one of the two machines is a copy/);
  t.true(ip(copy, 'route').includes(mark), ip(copy, 'route'));
  t.is(await sessions(lab, b), before);

  await lab.endAgent(a, 'SIGKILL');
  ip(a, `address del ${a.address}/24 dev eth0`);
  ip(copy, `address del ${copy.address}/24 dev eth0`);
  ip(copy, `address add ${a.address}/24 dev eth0`);
  t.true(
    await within(2 * LEASE_MS, async () => (await standing(lab, copy))?.standing === 'member'),
    logTail(copy),
  );
  const speaks = async () => (await lab.status(copy))?.peers.established === 1;
  t.true(await within(60_000, speaks), logTail(copy));
  t.is(await established(lab, b), `a@${a.address}`);
  t.true(await within(10_000, () => lab.routes(copy).includes(b.block)), lab.routes(copy));
});
