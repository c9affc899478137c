/**
 * SHELL: hosts in network namespaces on one switch, each with an agent of its own and pods as Calico wires them: a veth pair, a /32 in the
 * pod, a gateway that answers by a fixed hardware address. For the demo and for tests.
 *
 *     pod  10.244.N.2/32 --- cali1 [ host N, 10.9.S.N/24 ] eth0 --- [ switch of subnet S ] --- eth0 [ host M ] --- pods
 *
 * With both families the same for fd10:0:0:N::2/128 and fd09:0:0:S::N/64; the gateway is the link-local address of its hardware address.
 *
 * Where there are several subnets, what switches them is a router, too, with the address 10.9.S.254 in each.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../agent/control/client.js';
import type { AgentStatus, PeerStatus } from '../agent/control/types.js';
import type { AddressFamily } from '../core/ip-address.js';
import { allowOnly, clusterDocuments, ipv6Pool, podPool } from './documents.js';
import { nodeCommand } from './node-command.js';
import { patience } from './patience.js';
import { type PingScore, startPing } from './ping.js';

/** From dist/demo/lab.js. */
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** Where the lab has both families. */
  readonly ipv6Address: string;
}

export interface Host {
  readonly name: string;
  readonly subnet: number;
  readonly namespace: string;
  readonly address: string;
  readonly block: string;
  /** Where the lab has both families. */
  readonly ipv6Address: string;
  readonly ipv6Block: string;
  readonly pods: readonly Pod[];
  readonly socket: string;
  readonly logFile: string;
}

export interface LabOptions {
  /** Everything is named by it, so that a runner can sweep what is left. */
  readonly runId: string;
  readonly hosts: readonly string[];
  readonly podsPerHost: number;
  /** Of each host, in order; all in subnet 0 by default. */
  readonly subnets?: readonly number[];
  /** More of the pool's spec than its CIDR: routed plainly by default. */
  readonly pool?: object;
  readonly poolAnnotations?: object;
  /** IPv6 beside IPv4, on hosts and pods, in a pool of its own; false by default. */
  readonly dualStack?: boolean;
  /** Agents find their address by themselves, as the one of the default route's interface. */
  readonly autodetect?: boolean;
  /** More flags for each agent. */
  readonly flags?: readonly string[];
}

const GATEWAY = '169.254.1.1';
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';
const IPV6_GATEWAY = 'fe80::ecee:eeff:feee:eeee';

export class Lab {
  readonly hosts: readonly Host[];
  readonly directory: string;
  readonly store: string;
  /** The namespace of the switches, which routes between them. */
  readonly router: string;
  readonly #pool: object;
  readonly #poolAnnotations: object;
  readonly #flags: readonly string[];
  readonly #autodetect: boolean;
  readonly dualStack: boolean;
  /** By role and host. */
  readonly #processes = new Map<string, ChildProcess>();

  constructor(options: LabOptions) {
    const { runId } = options;
    this.directory = `/tmp/mgy-${runId}-lab`;
    this.store = join(this.directory, 'store');
    this.router = `mgy-${runId}-switch`;
    this.#flags = options.flags ?? [];
    this.#autodetect = options.autodetect ?? false;
    this.dualStack = options.dualStack ?? false;
    this.#pool = options.pool ?? { ipipMode: 'Never' };
    this.#poolAnnotations = options.poolAnnotations ?? {};
    this.hosts = options.hosts.map((name, i) =>
      this.#newHost(runId, { name, number: i + 1, subnet: options.subnets?.[i] ?? 0 }, options.podsPerHost),
    );
    mkdirSync(this.store, { recursive: true });
    this.#wire();
    this.#writeDocuments();
  }

  host(name: string): Host {
    const host = this.hosts.find(one => one.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  get pods(): readonly Pod[] {
    return this.hosts.flatMap(host => host.pods);
  }

  /** @param flags more of them, of this host alone @param posing with the name or the address of another */
  agentCommand(
    host: Host,
    flags: readonly string[] = [],
    posing: { readonly name?: string; readonly address?: string } = {},
  ): readonly string[] {
    const state = join(this.directory, host.name);
    const own = this.#autodetect ? 'autodetect' : `${host.address}/24`;
    return [
      join(root, 'bin/margay-agent'),
      ...['--node-name', posing.name ?? host.name],
      ...['--ipv4-address', posing.address === undefined ? own : `${posing.address}/24`],
      ...['--ipv6-address', this.dualStack ? `${host.ipv6Address}/64` : 'off'],
      ...['--store-directory', this.store, '--control-socket', host.socket, '--state-directory', state],
      ...['--log-format', 'json', ...this.#flags, ...flags],
    ];
  }

  startAgent(host: Host, flags?: readonly string[], posing?: Parameters<Lab['agentCommand']>[2]): void {
    this.#start('agent', host, this.agentCommand(host, flags, posing));
  }

  /** Resolves when it has ended. */
  endAgent(host: Host, signal: NodeJS.Signals): Promise<void> {
    return this.#end('agent', host, signal);
  }

  agentPid(host: Host): number | undefined {
    return this.#processes.get(`agent ${host.name}`)?.pid;
  }

  /** The data path of UDP encapsulation, which lives beside the agent. */
  startUdp(host: Host): void {
    const state = join(this.directory, host.name);
    this.#start('udp', host, [
      join(root, 'bin/margay-udp'),
      ...['--node-name', host.name, '--state-directory', state, '--log-format', 'json'],
    ]);
  }

  endUdp(host: Host, signal: NodeJS.Signals): Promise<void> {
    return this.#end('udp', host, signal);
  }

  #start(role: 'agent' | 'udp', host: Host, command: readonly string[]): void {
    const words = ['netns', 'exec', host.namespace, ...nodeCommand, ...command];
    const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(host.logFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#processes.set(`${role} ${host.name}`, child);
  }

  async #end(role: 'agent' | 'udp', host: Host, signal: NodeJS.Signals): Promise<void> {
    const key = `${role} ${host.name}`;
    const child = this.#processes.get(key);
    this.#processes.delete(key);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  client(host: Host): ControlClient {
    return new ControlClient(host.socket);
  }

  /** Undefined while the agent does not answer. */
  async status(host: Host): Promise<AgentStatus | undefined> {
    return this.client(host)
      .status()
      .catch(() => undefined);
  }

  async peers(host: Host): Promise<readonly PeerStatus[]> {
    return this.client(host)
      .peers()
      .then(({ peers }) => peers)
      .catch(() => []);
  }

  /** Every session up and every route where it belongs. */
  async converged(): Promise<boolean> {
    for (const host of this.hosts) {
      const peers = await this.peers(host);
      const names = new Set(peers.map(({ name }) => name));
      if (names.size !== this.hosts.length - 1) return false;
      if (peers.some(({ state }) => state !== 'Established')) return false;
      const routes = this.routes(host);
      for (const other of this.hosts) if (!routes.includes(other.block)) return false;
      const ipv6 = this.dualStack ? this.routes(host, 'ipv6') : undefined;
      for (const other of this.hosts) if (ipv6?.includes(other.ipv6Block) === false) return false;
      const status = await this.status(host);
      if (status?.rib.inSync !== true || status.dataplane.pending > 0) return false;
    }
    return true;
  }

  /** `ip route` of a host, as text. */
  routes(host: Host, family: AddressFamily = 'ipv4'): string {
    const flag = family === 'ipv4' ? '-4' : '-6';
    return execFileSync('ip', [flag, '-n', host.namespace, 'route'], { encoding: 'utf8' });
  }

  /** True if each host's routes to the others' blocks leave by that device. */
  everyRouteBy(device: string, family: AddressFamily = 'ipv4'): boolean {
    return this.hosts.every(host => {
      const lines = this.routes(host, family).split('\n');
      const others = this.hosts.filter(other => other !== host);
      const blocks = others.map(other => (family === 'ipv4' ? other.block : other.ipv6Block));
      return blocks.every(block =>
        lines.some(line => line.startsWith(block) && line.includes(` dev ${device} `)),
      );
    });
  }

  /** Another spec of the pods' pool, beside its CIDR, through an agent. */
  async setPool(spec: object, annotations: object = {}): Promise<void> {
    await this.#apply(podPool(spec, annotations));
  }

  /** The same of the pool of IPv6. */
  async setIpv6Pool(spec: object): Promise<void> {
    await this.#apply(ipv6Pool(spec));
  }

  /** From now on a pod is reached by another alone. */
  async allowOnly(to: Pod, from: Pod): Promise<void> {
    await this.#apply(allowOnly(to, from));
  }

  async #apply(resource: object): Promise<void> {
    const request = { documents: [{ location: 'lab', document: resource }] };
    const { results } = await this.client(this.hosts[0]!).apply(request);
    const problems = results.flatMap(result => result.problems.map(({ error }) => error));
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  bgpctl(host: Host, ...words: readonly string[]): { readonly status: number; readonly output: string } {
    const [node, ...flags] = nodeCommand;
    const command = [...flags, join(root, 'bin/bgpctl'), ...words, '--socket', host.socket];
    const { status, stdout, stderr } = spawnSync(node, command, { encoding: 'utf8' });
    return { status: status ?? 1, output: `${stdout}${stderr}` };
  }

  /** One packet each way; true if it came back within a second (times the machine's patience). */
  async reaches(from: Pod, to: Pod, family: AddressFamily = 'ipv4'): Promise<boolean> {
    const target = family === 'ipv4' ? to.address : to.ipv6Address;
    const words = ['netns', 'exec', from.namespace, 'ping', '-c1', `-W${patience}`, '-q', target];
    const ping = spawn('ip', words, { stdio: 'ignore' });
    return await new Promise(resolve => ping.on('exit', code => resolve(code === 0)));
  }

  /** Pings between all pairs of pods of different hosts until `stop`; the interval is a longer one where patience is asked for. */
  pingAll(intervalSeconds: number): { readonly stop: () => Promise<PingScore> } {
    const pairs = this.hosts.flatMap(a =>
      this.hosts.flatMap(b => (a === b ? [] : [[a.pods[0]!, b.pods[0]!] as const])),
    );
    const pings = pairs.flatMap(([from, to]) =>
      [to.address, ...(this.dualStack ? [to.ipv6Address] : [])].map(target =>
        startPing(from.namespace, [target], intervalSeconds * patience),
      ),
    );
    return {
      stop: async () => {
        for (const { child } of pings) child.kill('SIGINT');
        const scores = await Promise.all(pings.map(({ score }) => score));
        return {
          sent: scores.reduce((sum, { sent }) => sum + sent, 0),
          received: scores.reduce((sum, { received }) => sum + received, 0),
        };
      },
    };
  }

  /** Agents, namespaces, files. */
  async close(): Promise<void> {
    for (const host of this.hosts) {
      await this.endAgent(host, 'SIGKILL');
      await this.endUdp(host, 'SIGKILL');
    }
    for (const namespace of this.namespaces()) {
      if (existsSync(`/run/netns/${namespace}`)) spawnSync('ip', ['netns', 'delete', namespace]);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  namespaces(): readonly string[] {
    return [
      ...this.hosts.flatMap(host => [...host.pods.map(pod => pod.namespace), host.namespace]),
      this.router,
    ];
  }

  #newHost(
    runId: string,
    { name, number, subnet }: { readonly name: string; readonly number: number; readonly subnet: number },
    pods: number,
  ): Host {
    return {
      name,
      subnet,
      namespace: `mgy-${runId}-${name}`,
      address: `10.9.${subnet}.${number}`,
      block: `10.244.${number}.0/24`,
      ipv6Address: `fd09:0:0:${subnet}::${number}`,
      ipv6Block: `fd10:0:0:${number}::/64`,
      pods: Array.from({ length: pods }, (_, i) => ({
        name: `${name}-pod-${i + 1}`,
        namespace: `mgy-${runId}-${name}-pod${i + 1}`,
        address: `10.244.${number}.${i + 2}`,
        ipv6Address: `fd10:0:0:${number}::${i + 2}`,
      })),
      socket: join(this.directory, name, 'run', 'control.sock'),
      logFile: join(this.directory, `${name}.log`),
    };
  }

  #wire(): void {
    ip(['netns', 'add', this.router]);
    const subnets = [...new Set(this.hosts.map(({ subnet }) => subnet))];
    for (const subnet of subnets) {
      batch(this.router, [`link add br${subnet} type bridge`, `link set br${subnet} up`]);
      if (subnets.length > 1) batch(this.router, [`address add 10.9.${subnet}.254/24 dev br${subnet}`]);
      if (subnets.length > 1 && this.dualStack)
        batch(this.router, [`address add fd09:0:0:${subnet}::fe/64 dev br${subnet} nodad`]);
    }
    if (subnets.length > 1 && this.dualStack)
      inside(this.router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
    if (subnets.length > 1) inside(this.router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    for (const [i, host] of this.hosts.entries()) {
      ip(['netns', 'add', host.namespace]);
      batch(host.namespace, [
        'link set lo up',
        `link add eth0 type veth peer name port${i} netns ${this.router}`,
        `address add ${host.address}/24 dev eth0`,
        'link set eth0 up',
        ...(subnets.length > 1 ? [`route add default via 10.9.${host.subnet}.254`] : []),
        ...(this.dualStack ? [`address add ${host.ipv6Address}/64 dev eth0 nodad`] : []),
        ...(this.dualStack && subnets.length > 1 ? [`route add ::/0 via fd09:0:0:${host.subnet}::fe`] : []),
      ]);
      batch(this.router, [`link set port${i} master br${host.subnet} up`]);
      for (const [j, pod] of host.pods.entries()) this.#wirePod(host, pod, `cali${j + 1}`);
    }
  }

  #wirePod(host: Host, pod: Pod, interfaceName: string): void {
    ip(['netns', 'add', pod.namespace]);
    batch(host.namespace, [
      `link add ${interfaceName} address ${GATEWAY_MAC} type veth peer name eth0 netns ${pod.namespace}`,
      `link set ${interfaceName} up`,
    ]);
    batch(pod.namespace, [
      'link set lo up',
      'link set eth0 up',
      `address add ${pod.address}/32 dev eth0`,
      `route add ${GATEWAY} dev eth0 scope link`,
      `route add default via ${GATEWAY} dev eth0`,
      `neigh add ${GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`,
    ]);
    if (!this.dualStack) return;
    batch(pod.namespace, [
      `address add ${pod.ipv6Address}/128 dev eth0 nodad`,
      `route add ::/0 via ${IPV6_GATEWAY} dev eth0`,
      `neigh add ${IPV6_GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`,
    ]);
  }

  #writeDocuments(): void {
    const documents = clusterDocuments(
      this.hosts,
      podPool(this.#pool, this.#poolAnnotations),
      this.dualStack,
    );
    const text = documents.map(one => JSON.stringify(one, null, 2)).join('\n---\n');
    writeFileSync(join(this.store, 'cluster.yaml'), `${text}\n`);
  }
}

function ip(words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function inside(namespace: string, ...words: readonly string[]): void {
  execFileSync('ip', ['netns', 'exec', namespace, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function batch(namespace: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

/** Polls until it is true; false when the time (times the machine's patience) is over. */
export async function within(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + milliseconds * patience;
  for (;;) {
    if (await probe()) return true;
    if (performance.now() > deadline) return false;
    await sleep(50 * patience);
  }
}

/** The last lines of an agent's log, for whoever has to find out. */
export function logTail(host: Host, lines = 15): string {
  if (!existsSync(host.logFile)) return '(no log)';
  return readFileSync(host.logFile, 'utf8').trim().split('\n').slice(-lines).join('\n');
}
