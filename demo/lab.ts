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

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressFamily } from '../core/ip-address.js';
import { allowOnly, clusterDocuments, ipv6Pool, podPool } from './documents.js';
import { HostLab, type LabHost, type Pod } from './host-lab.js';
import { batch, inside, ip, wirePod } from './wiring.js';

export interface Host extends LabHost {
  readonly subnet: number;
  readonly block: string;
  /** Where the lab has both families. */
  readonly ipv6Address: string;
  readonly ipv6Block: string;
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

export class Lab extends HostLab<Host> {
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

  constructor(options: LabOptions) {
    super();
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

  protected flagsOf(host: Host, posingAddress?: string): readonly string[] {
    const own = this.#autodetect ? 'autodetect' : `${host.address}/24`;
    return [
      ...['--ipv4-address', posingAddress === undefined ? own : `${posingAddress}/24`],
      ...['--ipv6-address', this.dualStack ? `${host.ipv6Address}/64` : 'off'],
      ...['--store-directory', this.store, ...this.#flags],
    ];
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

  /** Agents, namespaces, files. */
  async close(): Promise<void> {
    await this.endAll();
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
      for (const [j, pod] of host.pods.entries()) wirePod(host, pod, `cali${j + 1}`, this.dualStack);
    }
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
