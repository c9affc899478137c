/**
 * SHELL: hosts that share a Redis, in network namespaces on one switch. They come and go; what addresses their pods have is for the cluster's
 * address management to say. For the demo and for tests.
 *
 *     pod --- caliN [ host N, 10.9.0.N/24 ] eth0 --- [ switch ] --- Redis at 10.9.0.254, in the switch's namespace
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlError } from '../agent/control/client.js';
import type { IpamAssignRequest } from '../agent/control/ipam-types.js';
import type { IpAddress } from '../core/ip-address.js';
import { podEndpoint } from './documents.js';
import { HostLab, type LabHost, type Pod } from './host-lab.js';
import { type PingScore, startPing } from './ping.js';
import { RedisServerProcess } from './redis-server.js';
import { batch, ip, wirePod } from './wiring.js';

export interface Member extends LabHost {
  address: string;
  readonly pods: Pod[];
}

export interface ClusterLabOptions {
  /** Everything is named by it, so that a runner can sweep what is left. */
  readonly runId: string;
  readonly hosts: number;
  /** More flags for each agent. */
  readonly flags?: readonly string[];
}

const REDIS_ADDRESS = '10.9.0.254';
const REDIS_PORT = 6379;
const ASSIGN_PATIENCE_MS = 40_000;
const ASSIGN_PAUSE_MS = 300;

export class ClusterLab extends HostLab<Member> {
  readonly hosts: Member[] = [];
  readonly directory: string;
  readonly dualStack = false;
  readonly redis: RedisServerProcess;
  readonly #runId: string;
  readonly #switch: string;
  readonly #flags: readonly string[];
  #added = 0;

  constructor({ runId, hosts, flags = [] }: ClusterLabOptions) {
    super();
    this.#runId = runId;
    this.#switch = `mgy-${runId}-switch`;
    this.#flags = flags;
    this.directory = `/tmp/mgy-${runId}-lab`;
    mkdirSync(this.directory, { recursive: true });
    ip(['netns', 'add', this.#switch]);
    batch(this.#switch, [
      'link set lo up',
      'link add br0 type bridge',
      `address add ${REDIS_ADDRESS}/24 dev br0`,
      'link set br0 up',
    ]);
    this.redis = new RedisServerProcess({
      directory: join(this.directory, 'redis'),
      address: REDIS_ADDRESS,
      port: REDIS_PORT,
      networkNamespace: this.#switch,
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    });
    for (let i = 0; i < hosts; i++) this.addHost();
  }

  protected flagsOf(host: Member): readonly string[] {
    return [
      ...['--ipv4-address', `${host.address}/24`, '--ipv6-address', 'off'],
      ...['--redis-nodes', `${REDIS_ADDRESS}:${REDIS_PORT}`, ...this.#flags],
    ];
  }

  /** A machine without an agent yet. @param name of its own, where another one had it before */
  addHost(name = `host-${this.#added + 1}`): Member {
    const number = ++this.#added;
    const host: Member = {
      name,
      namespace: `mgy-${this.#runId}-h${number}`,
      address: `10.9.0.${number}`,
      pods: [],
      socket: join(this.directory, name, 'run', 'control.sock'),
      logFile: join(this.directory, `${name}.log`),
    };
    this.hosts.push(host);
    ip(['netns', 'add', host.namespace]);
    batch(host.namespace, [
      'link set lo up',
      `link add eth0 type veth peer name port${number} netns ${this.#switch}`,
      `address add ${host.address}/24 dev eth0`,
      'link set eth0 up',
    ]);
    batch(this.#switch, [`link set port${number} master br0 up`]);
    return host;
  }

  /** Its machine is gone, without a word. */
  async removeHost(host: Member): Promise<void> {
    await this.endAgent(host, 'SIGKILL');
    for (const { namespace } of host.pods) ip(['netns', 'delete', namespace]);
    ip(['netns', 'delete', host.namespace]);
    this.hosts.splice(this.hosts.indexOf(host), 1);
  }

  /** Another address, as after a move; its agent is to be started anew. */
  renumber(host: Member, address: string): void {
    batch(host.namespace, [
      `address delete ${host.address}/24 dev eth0`,
      `address add ${address}/24 dev eth0`,
    ]);
    host.address = address;
  }

  /** With an address that the cluster gives out. @throws where it gives none */
  async addPod(host: Member): Promise<Pod> {
    const number = host.pods.length + 1;
    const name = `${host.name}-pod-${number}`;
    const handle = `lab.${name}`;
    const attributes = { namespace: 'default', workload: name, 'kept-by': 'lab' };
    const address = await this.#assigned(host, { handle, attributes });
    const pod: Pod = { name, namespace: `${host.namespace}p${number}`, address, ipv6Address: '' };
    wirePod(host, pod, `cali${number}`, false);
    host.pods.push(pod);
    await this.apply(host, podEndpoint(host.name, name, `cali${number}`, [`${address}/32`]));
    return pod;
  }

  /** Asked for again while the store takes no new claims: it may just have been started. */
  async #assigned(host: Member, request: IpamAssignRequest): Promise<IpAddress> {
    for (const end = performance.now() + ASSIGN_PATIENCE_MS; ; await sleep(ASSIGN_PAUSE_MS)) {
      try {
        return (await this.client(host).ipamAssign(request)).addresses[0]!.address;
      } catch (error) {
        if (!(error instanceof ControlError) || error.status !== 503 || performance.now() > end) throw error;
      }
    }
  }

  /** By the agent of a host. @throws with what is wrong with a document */
  async apply(host: Member, ...documents: readonly object[]): Promise<void> {
    const request = { documents: documents.map(document => ({ location: 'lab', document })) };
    const { results } = await this.client(host).apply(request);
    const problems = results.flatMap(result => result.problems.map(({ error }) => error));
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  /** True if each host's agent says that it is in sync, and each has a route to every block of the others. */
  async converged(): Promise<boolean> {
    const blocks = new Map<Member, readonly string[]>();
    for (const host of this.hosts) {
      const status = await this.status(host);
      if (status?.store.state !== 'in-sync' || !status.rib.inSync || status.dataplane.pending > 0)
        return false;
      blocks.set(host, ownBlocks(this.routes(host)));
    }
    return this.hosts.every(host => {
      const routes = this.routes(host);
      return this.hosts.every(
        other => other === host || blocks.get(other)!.every(block => routes.includes(`${block} via`)),
      );
    });
  }

  /** True if the first pod of each host reaches that of each other one. */
  async allReachable(): Promise<boolean> {
    const firsts = this.hosts.flatMap(({ pods }) => pods.slice(0, 1));
    for (const from of firsts) {
      const answers = await Promise.all(firsts.filter(to => to !== from).map(to => this.reaches(from, to)));
      if (answers.includes(false)) return false;
    }
    return firsts.length > 1;
  }

  /** Pings between the first pods around the hosts, and across the circle, until `stop`. */
  pingAround(hosts: readonly Member[], intervalSeconds: number): { readonly stop: () => Promise<PingScore> } {
    const pods = hosts.map(({ pods: [first] }) => first!);
    const steps = [1, Math.floor(pods.length / 2)];
    const pings = pods.flatMap((from, i) =>
      steps.map(step =>
        startPing(from.namespace, [pods[(i + step) % pods.length]!.address], intervalSeconds),
      ),
    );
    return {
      stop: async () => {
        for (const { child } of pings) child.kill('SIGINT');
        const scores = await Promise.all(pings.map(({ score }) => score));
        const sum = (of: (score: PingScore) => number) =>
          scores.reduce((total, score) => total + of(score), 0);
        return { sent: sum(({ sent }) => sent), received: sum(({ received }) => received) };
      },
    };
  }

  /** Agents, Redis, namespaces, files. */
  async close(): Promise<void> {
    await this.endAll();
    await this.redis.kill();
    const pods = this.hosts.flatMap(host => [...host.pods.map(({ namespace }) => namespace), host.namespace]);
    for (const namespace of [...pods, this.#switch]) {
      if (existsSync(`/run/netns/${namespace}`)) spawnSync('ip', ['netns', 'delete', namespace]);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** By their blackhole routes. */
function ownBlocks(routes: string): readonly string[] {
  return [...routes.matchAll(/^blackhole (\S+)/gm)].map(([, block]) => block!);
}
