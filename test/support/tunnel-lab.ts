/**
 * Four hosts in two subnets with a router between them, for the tests of tunnels: on this machine's kernel where it has what they need, in the
 * lab's for the rest. The router knows the way to the pods, so that plain routing works across it, too.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { IpAddress } from '../../core/ip-address.js';
import { logTail, type Pod, within } from '../../demo/host-lab.js';
import { type Host, Lab } from '../../demo/lab.js';
import { devices, type Mode, poolMode, setMode, type When } from '../../demo/mode.js';
import { patience as patienceFactor } from '../../demo/patience.js';
import { insideNamespace } from '../../linux/namespace.js';
import { openDial, openListener } from '../../linux/tcp-options.js';
import { dumped } from './tcpdump.js';

let labs = 0;

/**
 * Up, with every session established and every route in place. `shared`: of several tests, which close it themselves. In a slow kernel, where
 * each command of the packet filter costs the others their turn, without policy: test/lab/policy.test.ts has it.
 */
export async function newTunnelLab(
  t: ExecutionContext,
  mode: Mode,
  when: When = 'Always',
  more: { readonly autodetect?: boolean; readonly shared?: true } = {},
): Promise<Lab> {
  const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
  const pool = poolMode(mode, when);
  const lab = new Lab({
    runId: `${run}-t${labs++}`,
    hosts: ['a', 'b', 'c', 'd'],
    subnets: [0, 0, 1, 1],
    podsPerHost: 1,
    pool: pool.spec,
    poolAnnotations: pool.annotations,
    autodetect: more.autodetect ?? false,
    flags: patienceFactor > 1 ? ['--policy', 'off'] : [],
  });
  if (more.shared !== true) t.teardown(() => lab.close());
  for (const host of lab.hosts) ip(lab.router, `route add ${host.block} via ${host.address}`);
  for (const host of lab.hosts) {
    if (mode === 'udp') lab.startUdp(host);
    lab.startAgent(host);
  }
  t.true(await within(60_000, () => lab.converged()), lab.hosts.map(host => logTail(host)).join('\n'));
  return lab;
}

/** Another mode, of which all hosts but the first hear one, two and three seconds later: their agents are stopped meanwhile. */
export async function setModeStaggered(lab: Lab, mode: Mode, when: When = 'Always'): Promise<void> {
  const others = lab.hosts.slice(1);
  const signal = (host: Host, name: NodeJS.Signals) => process.kill(lab.agentPid(host)!, name);
  for (const host of others) signal(host, 'SIGSTOP');
  try {
    await setMode(lab, mode, when);
  } finally {
    for (const host of others) {
      await sleep(1000);
      signal(host, 'SIGCONT');
    }
  }
}

/** The line of `ip route` that leads from a host to another's pods; "" if there is none. */
export function routeTo(lab: Lab, from: Host, to: Host): string {
  return lineFor(lab.routes(from), to);
}

function lineFor(routes: string, to: Host): string {
  return routes.split('\n').find(line => line.startsWith(to.block)) ?? '';
}

/**
 * Every tunnel that is open, in the kernel: a host gets its address inside tunnels after its first routes, which are then written with it, and
 * its agent knows of it a moment before the kernel does.
 */
async function haveAddresses(lab: Lab): Promise<boolean> {
  for (const host of lab.hosts) {
    const open = ((await lab.status(host))?.tunnels ?? []).filter(({ state }) => state === 'open');
    const routes = lab.routes(host).split('\n');
    for (const { device, address } of open) {
      if (address === null || !ip(host.namespace, `-o address show dev ${device}`).includes(` ${address}/`))
        return false;
      const ours = routes.filter(line => line.includes(` dev ${device} `) && line.includes(' proto 157 '));
      if (!ours.every(line => line.includes(` src ${address} `))) return false;
    }
  }
  return true;
}

/** True once every host sends to every other as the mode says. */
export async function takes(
  lab: Lab,
  mode: Mode,
  when: When = 'Always',
  milliseconds = 30_000,
): Promise<boolean> {
  const device = (from: Host, to: Host) =>
    when === 'CrossSubnet' && from.subnet === to.subnet ? devices.plain : devices[mode];
  // One look per host: starting a command is dear in the lab.
  const isTaken = await within(milliseconds, () =>
    lab.hosts.every(from => {
      const routes = lab.routes(from);
      return lab.hosts.every(to => from === to || lineFor(routes, to).includes(` dev ${device(from, to)} `));
    }),
  );
  return isTaken && (await within(milliseconds, () => haveAddresses(lab)));
}

/** Every pod from every other one, as "a-pod-1 > b-pod-1" where one did not answer. */
export async function unreachable(lab: Lab): Promise<readonly string[]> {
  const pairs = lab.pods.flatMap(from => lab.pods.flatMap(to => (from === to ? [] : [[from, to] as const])));
  const failures: string[] = [];
  for (const [from, to] of pairs)
    if (!(await lab.reaches(from, to))) failures.push(`${from.name} > ${to.name}`);
  return failures;
}

/** A ping of so many octets, IP header included, that must not be fragmented. */
export async function passes(from: Pod, to: Pod, octets: number): Promise<boolean> {
  const ICMP_AND_IP = 28;
  // What a narrower tunnel has taught the pod lasts ten minutes.
  ip(from.namespace, 'route flush cache');
  const words = ['-c1', '-W3', '-q', '-M', 'do', '-s', String(octets - ICMP_AND_IP), to.address];
  const ping = spawn('ip', ['netns', 'exec', from.namespace, 'ping', ...words], { stdio: 'ignore' });
  return new Promise(resolve => ping.on('exit', code => resolve(code === 0)));
}

/** Octets that arrive of those sent over TCP from one pod to another. */
export async function transferred(from: Pod, to: Pod, octets: number): Promise<number> {
  const PORT = 5001;
  const address = to.address as IpAddress;
  const inside = <T>(pod: Pod, make: () => T) => insideNamespace(`/run/netns/${pod.namespace}`, make);
  const listening = inside(to, () => openListener({ address, port: PORT }, 1));
  const server = createServer();
  server.listen({ fd: listening });
  const arrived = new Promise<number>(resolve => {
    server.on('connection', socket => {
      let count = 0;
      socket.on('data', chunk => {
        count += chunk.length;
      });
      socket.on('close', () => resolve(count));
      socket.on('error', () => resolve(count));
    });
  });
  const dialled = inside(from, () => openDial({ address, port: PORT, localAddress: undefined, ttl: 64 }));
  const client = new Socket({ fd: dialled, readable: true, writable: true });
  client.on('error', () => {});
  client.end(Buffer.alloc(octets));
  const patience = sleep(30_000 * patienceFactor, -1, { ref: false });
  const count = await Promise.race([arrived, patience]);
  client.destroy();
  server.close();
  return count;
}

export interface Seen {
  readonly ipip: number;
  readonly vxlan: number;
  readonly udp: number;
  readonly plain: number;
}

/** What crosses a host's eth0 while something is done, by the kinds of packets that carry pods' pings. */
export async function captured(host: Host, what: () => Promise<unknown>): Promise<Seen> {
  const lines = await dumped(host.namespace, 'eth0', ['not', 'port', '179'], what);
  const count = (pattern: RegExp) => lines.filter(line => pattern.test(line)).length;
  return {
    ipip: count(/ IP 10\.9\.\d+\.\d+ > 10\.9\.\d+\.\d+: IP 10\.244\./),
    vxlan: count(/\.4789: VXLAN/),
    udp: count(/\.8285 > .*\.8285: UDP/),
    plain: count(/ IP 10\.244\.\d+\.\d+ > 10\.244\./),
  };
}

/** Every change of a host's routes of ours, devices and neighbours, as `ip monitor` tells it: from outside the agent. */
export function watchKernel(t: ExecutionContext, host: Host): { readonly lines: string[] } {
  const monitor = spawn('ip', ['-n', host.namespace, 'monitor', 'route', 'link', 'address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => monitor.kill());
  const lines: string[] = [];
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    const ours = (line: string) => line.includes('proto 157') || line.includes('margay.');
    // A new device's link-local address is the kernel's own doing, a second or two later.
    lines.push(...text.split('\n').filter(line => ours(line) && !line.includes('fe80::')));
  });
  return { lines };
}

export function ip(namespace: string, words: string): string {
  return execFileSync('ip', ['-n', namespace, ...words.split(' ')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function ipBatch(namespace: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: lines.join('\n'),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

/** Of every host, for all interfaces and the underlay's own. */
export function setReversePathFilter(lab: Lab, value: 0 | 1 | 2): void {
  for (const host of lab.hosts) {
    for (const name of ['all', 'default', 'eth0']) {
      const file = `/proc/sys/net/ipv4/conf/${name}/rp_filter`;
      execFileSync('ip', ['netns', 'exec', host.namespace, 'sh', '-c', `echo ${value} > ${file}`]);
    }
  }
}
