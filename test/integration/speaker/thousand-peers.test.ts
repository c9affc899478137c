/** Peers that make themselves, a thousand at once, and connections that never become one; with real sockets in one network namespace. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { kill, launch } from '../../../bench/daemons/processes.js';
import type { PeerRangeConfig } from '../../../bgp/speaker/contract.js';
import { eventually } from '../../support/eventually.js';
import { NamespacedSpeaker, testPeer } from '../../support/namespaced-speaker.js';
import { makeNamespace } from '../../support/network-namespace.js';

const CLIENTS_FILE = fileURLToPath(new URL('./many-clients-process.js', import.meta.url));
const HUB = '127.0.0.1';
const PEERS = 1000;
/** Far from what it takes (some 40 KB and a second), near enough to notice what grows with the square of the peers. */
const MOST_KB_A_PEER = 80;
const LONGEST_MS = 10_000;

const { key: _k, address: _a, asn: _n, passive: _p, ...template } = testPeer('', HUB, 65_001);
const range: PeerRangeConfig = {
  ...{ key: 'all', prefix: '127.64.0.0/10' as never, asns: 'any', limit: 2000, idleRemovalSeconds: 2 },
  template,
};

function hubIn(t: ExecutionContext, namespace: string): NamespacedSpeaker {
  const listen = [{ address: HUB as never, port: 179 }];
  const hub = new NamespacedSpeaker(t, namespace, { asn: 64_512, routerId: '10.0.0.1', listen });
  hub.send({ kind: 'set-peer-range', range });
  return hub;
}

function clientsIn(t: ExecutionContext, networkNamespace: string, ...args: readonly string[]): ChildProcess {
  const what = { command: process.execPath, args: [CLIENTS_FILE, HUB, ...args], env: {} };
  const child = launch({ networkNamespace, directory: tmpdir() }, what, 'ipc');
  t.teardown(() => kill(child, 'SIGKILL'));
  return child;
}

const residentKb = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** Milliseconds of CPU time so far; a tick is 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

test(`${PEERS} peers of a range dial at once: all are up soon, cost little, and are gone after they have left`, async t => {
  t.timeout(180_000);
  const namespace = makeNamespace(t);
  const hub = hubIn(t, namespace.name);
  t.true(await hub.listens());
  // What the kernel holds for us while we are at something else; Node's own default is 511.
  t.regex(namespace.run('ss', '-Hltn'), /LISTEN +0 +4096 /);
  const [empty, before] = [residentKb(hub.pid), cpuMs(hub.pid)];
  const clients = clientsIn(t, namespace.name, `${PEERS}`);
  const up = await new Promise<{ milliseconds: number }>(resolve =>
    clients.once('message', resolve as never),
  );
  const accepting = cpuMs(hub.pid) - before;
  t.is((await hub.peers()).filter(({ state }) => state === 'Established').length, PEERS);
  await sleep(2000);
  const [full, idleFrom] = [residentKb(hub.pid), cpuMs(hub.pid)];
  await sleep(10_000);
  const idle = cpuMs(hub.pid) - idleFrom;
  const kbEach = (full - empty) / PEERS;
  t.log(
    `up after ${Math.round(up.milliseconds)} ms (CPU ${accepting} ms), ${empty} KB before and ${full} KB with them: ` +
      `${kbEach.toFixed(1)} KB a peer; idle ${(idle / 100).toFixed(2)} % CPU`,
  );
  t.true(up.milliseconds < LONGEST_MS);
  t.true(kbEach < MOST_KB_A_PEER, `${kbEach} KB`);
  await kill(clients, 'SIGKILL');
  t.true(await eventually(async () => (await hub.peers()).length === 0, 20_000, 200));
});

test('connections that never say OPEN are bounded, and let go of', async t => {
  t.timeout(120_000);
  const namespace = makeNamespace(t);
  const hub = hubIn(t, namespace.name);
  t.true(await hub.listens());
  const clients = clientsIn(t, namespace.name, '3000', 'silent');
  let closed = 0;
  clients.on('message', (message: { closed: number }) => {
    closed = message.closed;
  });
  const before = openFiles(hub.pid);
  let most = 0;
  const all = () => {
    most = Math.max(most, openFiles(hub.pid) - before);
    return closed === 3000;
  };
  t.true(await eventually(all, 90_000, 20), `${closed}`);
  t.log(`${most} at once`);
  // Enough to say that there is a bound, and what it is.
  t.true(most > 1000 && most <= 2048 + 64, `${most}`);
  t.deepEqual(await hub.peers(), []);
});
