/**
 * The agent as a service under real systemd, with BIRD 2, FRR (bgpd and zebra) and GoBGP as its peers, one inside the AS and two outside:
 *
 *     BIRD  10.9.9.2 --- [ switch ] --- 10.9.9.1 host --- pod 10.244.1.2
 *     FRR   10.9.9.3 ------|
 *     GoBGP 10.9.9.4 ------|
 *
 * Pings go every 10 ms from a prefix that each daemon announces to the pod: there by what the daemon learnt from the agent, back by what
 * the agent learnt from the daemon. GoBGP writes no routes to a kernel: there its namespace has one by hand.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { startPing } from '../../../demo/ping.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { skip } from '../../support/skip.js';
import { bootHost, newFolder, SYSTEMD, type SystemdHost } from '../../support/systemd-host.js';
import { becomes, comesToHold, watch } from './observation.js';
import { everyPeer } from './peers/every-peer.js';
import type { InteropPeer, PeerSetup, RunningPeer } from './peers/interop-peer.js';

const HOST = '10.9.9.1';
const POD = '10.244.1.2';
const BLOCK = '10.244.1.0/24';
const PING_SECONDS = 0.01;
/** FRR tells a new peer its routes up to a second later. */
const FRR_BATCH_MS = 1500;
/** systemd takes 3 s on a quiet machine, and has taken 25 s on a busy one. */
const BOOT_MS = 90_000;
const ASN = 64_512;
/** `source` is an address of its own inside the `prefix` that it announces. */
interface Neighbour {
  readonly name: InteropPeer['name'];
  readonly address: string;
  readonly asn: number;
  readonly prefix: string;
  readonly source: string;
}

const neighbours: readonly Neighbour[] = [
  { name: 'bird2', address: '10.9.9.2', asn: ASN, prefix: '192.168.1.0/24', source: '192.168.1.1' },
  { name: 'frr', address: '10.9.9.3', asn: 4_200_000_003, prefix: '192.168.2.0/24', source: '192.168.2.1' },
  { name: 'gobgp', address: '10.9.9.4', asn: 4_200_000_004, prefix: '192.168.3.0/24', source: '192.168.3.1' },
];

const ways = [
  { words: '`systemctl restart`', command: ['restart', 'margay-agent'] },
  { words: 'a kill with -9', command: ['kill', '--signal=KILL', 'margay-agent'] },
] as const;

test('bird2, frr and gobgp: the agent restarts under systemd, by order and by a kill, then each of them by a kill: no ping is lost', async t => {
  t.timeout(280_000);
  if (!existsSync(SYSTEMD)) {
    skip(t, 'systemd is not on this machine');
    return;
  }
  const { host, hostNamespace, routeChanges, daemons } = await newLab(t);
  for (const { words, command } of ways) {
    const before = await mainPid(host);
    const watches = daemons.map(({ daemon, peer }) => watch(t, () => daemon.routes(), [BLOCK], peer.pauseMs));
    const pings = startPings(t, daemons);
    await sleep(500);
    await host.run('systemctl', ...command);
    await becomes(
      t,
      `another process after ${words}`,
      async () => !['', '0', before].includes(await mainPid(host)),
    );
    await becomes(t, `a service in sync after ${words}`, async () => /in sync/.test(await statusText(host)));
    for (const { daemon, namespace } of daemons) {
      await becomes(t, 'a session', async () => (await daemon.holdTimeSeconds()) !== undefined);
      await comesToHold(t, () => daemon.routes(), [BLOCK]);
      await becomes(t, 'no stale route', async () => (await daemon.routes()).get(BLOCK)?.stale === false);
      t.regex(namespace.ip('route'), new RegExp(`${BLOCK} .*via ${HOST} dev eth0`));
    }
    await sleep(FRR_BATCH_MS);
    await noPingIsLost(t, words, pings);
    for (const watching of watches) await watching.stop();
    t.deepEqual(routeChanges, []);
  }
  for (const { name, daemon, restart } of daemons) {
    const pings = startPings(t, daemons);
    await sleep(500);
    await daemon.kill();
    const after = await restart();
    await comesToHold(t, () => after.routes(), [BLOCK]);
    await sleep(FRR_BATCH_MS);
    await noPingIsLost(t, `${name} killed`, pings);
  }
  t.deepEqual(routeChanges, []);
  hostNamespace.ip('route add 10.99.0.0/24 dev eth0');
  await becomes(t, 'a monitor that is not deaf', () => routeChanges.length === 1);
});

type Ping = ReturnType<typeof startPing>;

function startPings(t: ExecutionContext, daemons: readonly Daemon[]): readonly Ping[] {
  return daemons.map(({ namespace, source }) => {
    const ping = startPing(namespace.name, ['-I', source, POD], PING_SECONDS);
    t.teardown(() => ping.child.kill());
    return ping;
  });
}

async function noPingIsLost(t: ExecutionContext, words: string, pings: readonly Ping[]): Promise<void> {
  for (const { child, score } of pings) {
    child.kill('SIGINT');
    const { sent, received } = await score;
    t.log(`${words}: ${received} of ${sent} pings`);
    t.true(sent > 100);
    t.is(received, sent);
  }
}

interface Lab {
  readonly host: SystemdHost;
  readonly hostNamespace: NetworkNamespace;
  /** Of the host's kernel, as `ip monitor` tells them once everything is there. */
  readonly routeChanges: readonly string[];
  readonly daemons: readonly Daemon[];
}

async function newLab(t: ExecutionContext): Promise<Lab> {
  const middle = makeNamespace(t);
  middle.ipBatch(['link add br0 type bridge', 'link set br0 up']);
  const onSwitch = (address: string) => {
    const namespace = makeNamespace(t);
    const port = `port${address.slice(address.lastIndexOf('.') + 1)}`;
    join(namespace, 'eth0', middle, port);
    middle.ip(`link set ${port} master br0`);
    namespace.ip(`address add ${address}/24 dev eth0`);
    return namespace;
  };
  const hostNamespace = onSwitch(HOST);
  attachPod(t, hostNamespace);
  const host = bootHost(t, hostNamespace, {
    'etc/margay/agent.yaml': `nodeName: host-a\nipv4: { address: ${HOST}/24 }\n`,
    'var/lib/margay/store/cluster.yaml': documents.map(one => JSON.stringify(one)).join('\n---\n'),
  });
  const started = async () => !['', '0'].includes(await mainPid(host));
  t.true(await eventually(started, BOOT_MS, 500), 'a service');
  const daemons = await Promise.all(neighbours.map(one => startDaemon(t, onSwitch(one.address), one)));
  for (const { daemon, namespace, source } of daemons) {
    await comesToHold(t, () => daemon.routes(), [BLOCK]);
    await becomes(t, 'a pod that answers', async () => {
      const { child, score } = startPing(namespace.name, ['-c', '1', '-W', '1', '-I', source, POD], 1);
      await new Promise(resolve => child.once('exit', resolve));
      return (await score).received === 1;
    });
  }
  await becomes(t, 'a service in sync', async () => /in sync/.test(await statusText(host)));
  return { host, hostNamespace, routeChanges: watchRoutes(t, hostNamespace), daemons };
}

function watchRoutes(t: ExecutionContext, { name }: NetworkNamespace): readonly string[] {
  const monitor = spawn('ip', ['-n', name, 'monitor', 'route'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => monitor.kill());
  const lines: string[] = [];
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  return lines;
}

function mainPid(host: SystemdHost): Promise<string> {
  return host.run('systemctl', 'show', '-P', 'MainPID', 'margay-agent');
}

function statusText(host: SystemdHost): Promise<string> {
  return host.run('systemctl', 'show', '-P', 'StatusText', 'margay-agent');
}

/** As Calico wires it: a /32 in the pod, a gateway that answers by a fixed hardware address. */
function attachPod(t: ExecutionContext, host: NetworkNamespace): void {
  const pod = makeNamespace(t);
  join(host, 'cali1', pod, 'eth0');
  host.ip('link set cali1 address ee:ee:ee:ee:ee:ee');
  pod.ipBatch([
    `address add ${POD}/32 dev eth0`,
    'route add 169.254.1.1 dev eth0 scope link',
    'route add default via 169.254.1.1 dev eth0',
    'neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent',
  ]);
}

interface Daemon extends Neighbour {
  readonly peer: InteropPeer;
  readonly daemon: RunningPeer;
  /** After it has been killed. */
  readonly restart: () => Promise<RunningPeer>;
  readonly namespace: NetworkNamespace;
}

async function startDaemon(
  t: ExecutionContext,
  namespace: NetworkNamespace,
  neighbour: Neighbour,
): Promise<Daemon> {
  const { name, address, asn, prefix, source } = neighbour;
  namespace.ip(`address add ${source}/32 dev lo`);
  if (name === 'gobgp') namespace.ip(`route add ${BLOCK} via ${HOST} dev eth0`);
  const directory = newFolder(t, name);
  const peer = everyPeer.find(one => one.name === name)!;
  const start = async (beginning: 'fresh' | 'after-crash') => {
    const setup: PeerSetup = {
      ...{ networkNamespace: namespace.name, directory, address, asn, port: 179 },
      ...{ speaker: { address: HOST, asn: ASN }, dials: true, holdTimeSeconds: 90 },
      ...{ gracefulRestart: 'on', kernelRoutes: true, originates: [prefix] },
    };
    const daemon = await peer.start(setup, beginning);
    t.teardown(() => daemon.kill());
    return daemon;
  };
  const daemon = await start('fresh');
  return { ...neighbour, peer, daemon, restart: () => start('after-crash'), namespace };
}

const documents = [
  document('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false, asNumber: ASN }),
  document('IPPool', 'pods', { cidr: '10.244.0.0/16', ipipMode: 'Never' }),
  document('BlockAffinity', 'host-a', { node: 'host-a', cidr: BLOCK, state: 'confirmed' }),
  ...neighbours.map(({ name, address, asn }) =>
    document('BGPPeer', name, { peerIP: address, asNumber: asn }),
  ),
  {
    ...document('WorkloadEndpoint', 'pod', {
      node: 'host-a',
      interfaceName: 'cali1',
      profiles: ['projectcalico-default-allow'],
      ipNetworks: [`${POD}/32`],
    }),
    metadata: { name: 'pod', namespace: 'default' },
  },
];

function document(kind: string, name: string, spec: object): object {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
}
