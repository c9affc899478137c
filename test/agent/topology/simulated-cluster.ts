/**
 * A cluster in memory under one fake clock: the calculators and the speaker of each host as its agent joins them, documents that reach each
 * host after a while of its own, a controller that plans. Every best route that goes to a host's dataplane is looked at: a block of
 * a host that lives, once known, must never be without a route to that host.
 */
import { BestRouteIntake } from '../../../agent/best-route-intake.js';
import { defaultPeerTimers } from '../../../agent/calculators/peer-context.js';
import { Cluster } from '../../../agent/cluster.js';
import type { ClusterView, HostView } from '../../../agent/controller/task.js';
import { ArrangementView } from '../../../agent/topology/arrangement.js';
import type { TopologyProgress } from '../../../agent/topology/cluster-hosts.js';
import type { TopologyPlan } from '../../../agent/topology/planner.js';
import { goingPeers, topologyProgress } from '../../../agent/topology/progress.js';
import { TopologyTask } from '../../../agent/topology/topology-task.js';
import { FAMILIES } from '../../../bgp/family.js';
import { createSpeaker } from '../../../bgp/index.js';
import type { PeerStatus, SpeakerAnswer, SpeakerEvent, SpeakerQuery } from '../../../bgp/speaker/contract.js';
import { Speaker } from '../../../bgp/speaker/speaker.js';
import { FakeClock, MemoryNetwork } from '../../../bgp/testing/index.js';
import type { IpAddress } from '../../../core/ip-address.js';
import type { BGPTopologyResource, NodeReportResource } from '../../../core/resources/cluster-documents.js';
import { formatResourceId, type Resource, resourceIdOf } from '../../../core/resources/resource.js';
import { MemoryStore } from '../../../store/memory-store.js';
import { block, node, nodeStatus, pool } from '../documents.js';

const gracefulRestart = {
  restartTimeSeconds: 120,
  staleTimeSeconds: 120,
  selectionDeferralSeconds: 120,
  forwardingPreserved: [],
};
const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const addressOf = (index: number) => `10.0.${index >> 8}.${index & 255}` as IpAddress;
const blockOf = (index: number) => `10.244.${index}.0/26`;
const ipv6AddressOf = (index: number) => `fd00::${index.toString(16)}` as IpAddress;
const ipv6BlockOf = (index: number) => `fd10:0:0:${index.toString(16)}::/122`;

class SimulatedHost {
  readonly name: string;
  readonly address: IpAddress;
  readonly ipv6Address: IpAddress;
  readonly cluster: Cluster;
  /** Prefix by next hop, as the kernel would have it. */
  readonly routes = new Map<string, string>();
  readonly #speaker: Speaker;
  readonly #intake: BestRouteIntake;
  readonly #statuses = new Map<string, PeerStatus>();
  readonly #sim: SimulatedCluster;
  /** Sessions of the arrangement in force that were lost between hosts that live: by the names of their peers. */
  readonly resets: string[] = [];
  #pending: Resource[] = [];
  alive = true;
  #answer: SpeakerAnswer | undefined;

  constructor(sim: SimulatedCluster, index: number) {
    this.#sim = sim;
    this.name = `node-${index}`;
    this.address = addressOf(index);
    this.ipv6Address = ipv6AddressOf(index);
    this.cluster = new Cluster({
      nodeName: this.name,
      gracefulRestart,
      restarting: false,
      timers: defaultPeerTimers,
      listen: [{ address: this.address, port: 179 }],
    });
    this.#speaker = new Speaker({
      transport: sim.network.host(this.address),
      clock: sim.clock,
      random: () => sim.random(),
      unixMs: () => sim.clock.now(),
      onEvent: event => this.#heard(event),
    });
    this.#intake = new BestRouteIntake(
      {
        setBest: (prefix, path) => this.#setBest(prefix, path?.nextHops.join()),
        flush: () => {},
        bestPrefixes: () => [],
      },
      command => this.#speaker.command(command),
      () => {},
    );
  }

  start(documents: Iterable<Resource>): void {
    this.#take([...documents]);
    this.#speaker.command({ kind: 'own-addresses', addresses: [this.address, this.ipv6Address] });
    this.#speaker.command({ kind: 'configuration-complete' });
    for (const family of FAMILIES) this.#intake.begin(family);
  }

  /** It hears of a document up to half a second later. */
  tell(resource: Resource): void {
    this.#pending.push(resource);
    this.#sim.clock.schedule(this.#sim.random() * 500, () => {
      const news = this.#pending;
      this.#pending = [];
      if (this.alive && news.length > 0) this.#take(news);
    });
  }

  #take(documents: readonly Resource[]): void {
    for (const resource of documents) this.cluster.onChange({ kind: 'changed', resource });
    for (const command of this.cluster.flush().commands) this.#speaker.command(command);
  }

  query(query: SpeakerQuery): SpeakerAnswer {
    this.#speaker.command({ kind: 'query', id: 1, query });
    return this.#answer!;
  }

  progress(): TopologyProgress {
    const { arranged, topology } = this.cluster;
    const peers = this.query({ kind: 'peers' });
    const dependence = this.query({ kind: 'dependence', ...goingPeers(arranged) });
    if (peers.kind !== 'peers' || dependence.kind !== 'dependence') throw new Error('no answer');
    return topologyProgress({
      generation: topology.inForce.plan?.generation ?? 0,
      arranged,
      peers: new Map(peers.peers.map(peer => [peer.key, peer])),
      dependence: dependence.dependence,
    });
  }

  get sessions(): number {
    return [...this.#statuses.values()].filter(({ state }) => state === 'Established').length;
  }

  die(): void {
    this.alive = false;
    this.#speaker.command({ kind: 'close', goodbye: 'silent', message: '' });
  }

  #heard(event: SpeakerEvent): void {
    switch (event.kind) {
      case 'answer':
        this.#answer = event.answer;
        return;
      case 'watch-next-hops': {
        const nextHops = event.nextHops.map(nextHop => ({ nextHop, reachable: true, metric: 0 }));
        this.#speaker.command({ kind: 'next-hop-status', nextHops });
        return;
      }
      case 'peer-status': {
        const { key, state, name } = event.peer;
        const lost = this.#statuses.get(key)?.state === 'Established' && state !== 'Established';
        if (lost && this.alive && this.#sim.wantsSession(this.name, name)) this.resets.push(name);
        this.#statuses.set(key, event.peer);
        return;
      }
      case 'peer-removed':
        this.#statuses.delete(event.key);
        return;
      case 'best-routes':
        this.#intake.take(event.batch);
        return;
      default:
    }
  }

  #setBest(prefix: string, nextHop: string | undefined): void {
    const before = this.routes.get(prefix);
    if (nextHop === undefined) this.routes.delete(prefix);
    else this.routes.set(prefix, nextHop);
    if (this.alive) this.#sim.routeChanged(this.name, prefix, before, nextHop);
  }
}

export class SimulatedCluster {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly hosts: SimulatedHost[] = [];
  /** What must not be: a host's route to a living host's block gone or leading elsewhere. */
  readonly losses: string[] = [];
  readonly #documents = new Map<string, Resource>();
  readonly #store = new MemoryStore();
  readonly #task = new TopologyTask({ store: this.#store, log: silentLog, unixMs: () => this.clock.now() });
  readonly #deadMs = new Map<string, number>();
  readonly #controlled: boolean;
  readonly #dualStack: boolean;
  #seed: number;
  #roundMs = 0;

  /** @param controlled false: what the plan is, the test says @param dualStack IPv6 beside IPv4, in one session */
  constructor(seed = 1, controlled = true, dualStack = false) {
    this.#dualStack = dualStack;
    this.#seed = seed;
    this.#controlled = controlled;
    this.say(pool('pods', '10.244.0.0/16'));
    if (dualStack) this.say(pool('pods-ipv6', 'fd10::/48'));
  }

  random(): number {
    this.#seed = (this.#seed * 16807) % 2147483647;
    return this.#seed / 2147483647;
  }

  get plan(): TopologyPlan | undefined {
    const found = this.#documents.get('TopologyPlan/default');
    return found?.kind === 'TopologyPlan' ? found.spec : undefined;
  }

  want(topology: BGPTopologyResource): void {
    this.say(topology);
  }

  add(count = 1, labels: (index: number) => Record<string, string> = () => ({})): void {
    for (let i = 0; i < count; i++) {
      const index = this.hosts.length + 1;
      const host = new SimulatedHost(this, index);
      this.hosts.push(host);
      const ipv6 = this.#dualStack ? { ipv6: `${host.ipv6Address}/64` } : {};
      this.say(node(host.name, `${host.address}/16`, { labels: labels(index), ...ipv6 }));
      this.say(block(host.name, blockOf(index)));
      if (this.#dualStack) this.say(block(host.name, ipv6BlockOf(index)));
      if (this.#dualStack) this.say(nodeStatus(host.name, ['ipv4', 'ipv6']));
      host.start(this.#documents.values());
    }
  }

  say(resource: Resource): void {
    this.#documents.set(formatResourceId(resourceIdOf(resource)), resource);
    for (const host of this.hosts) host.tell(resource);
  }

  host(name: string): SimulatedHost {
    return this.hosts.find(host => host.name === name)!;
  }

  /** By what is in force in the end, whether everybody has heard of it or not. */
  wantsSession(name: string, other: string): boolean {
    if (this.plan === undefined || !this.host(other).alive) return false;
    return new ArrangementView(this.plan.current, name).partOf(other) !== undefined;
  }

  /** It is gone, and nobody hears it go. */
  kill(name: string): void {
    const victim = this.host(name);
    for (const other of this.hosts) this.network.cutLink(victim.address, other.address);
    victim.die();
    this.#deadMs.set(name, this.clock.now());
  }

  /** The controller has its rounds meanwhile. */
  async run(seconds: number): Promise<void> {
    for (let ms = 0; ms < seconds * 1000; ms += 100) {
      this.clock.advance(100);
      if (!this.#controlled || this.clock.now() < this.#roundMs) continue;
      this.#roundMs = this.clock.now() + 5000;
      await this.#round();
    }
  }

  /** Seconds until it holds. */
  async until(holds: () => boolean, patienceSeconds = 600): Promise<number> {
    for (let at = 0; at < patienceSeconds; at++) {
      if (holds()) return at;
      await this.run(1);
    }
    throw new Error(`not within ${patienceSeconds} s; the plan is ${JSON.stringify(this.plan)}`);
  }

  /** Every living host has a route to every other one's block, by that host's address. */
  get missing(): readonly string[] {
    const living = this.hosts.filter(({ alive }) => alive);
    return living.flatMap(host =>
      living.flatMap(other => {
        if (other === host) return [];
        const index = this.hosts.indexOf(other) + 1;
        const ways = [
          [blockOf(index), other.address],
          ...(this.#dualStack ? [[ipv6BlockOf(index), other.ipv6Address]] : []),
        ];
        return ways.flatMap(([prefix, nextHop]) => {
          const found = host.routes.get(prefix!);
          return found === nextHop ? [] : [`${host.name} to ${other.name}, ${prefix}: ${found}`];
        });
      }),
    );
  }

  blockOf(name: string): string {
    return blockOf(this.hosts.indexOf(this.host(name)) + 1);
  }

  /** A router outside of the cluster that tells a host two routes. @param heard of each route that it is told */
  stranger(address: string, asn: number, host: IpAddress, heard: (prefix: string) => void): void {
    const speaker = createSpeaker(
      { asn, routerId: address, listen: { address } },
      {
        transport: this.network.host(address as IpAddress),
        clock: this.clock,
        random: () => this.random(),
        unixMs: () => this.clock.now(),
      },
    );
    speaker.addPeer({
      ...{ address: host, asn: 64512, localAddress: address, export: () => 'accept' },
      import: ({ prefix }) => {
        heard(prefix);
        return 'accept';
      },
    });
    speaker.announce('10.244.200.0/26');
    speaker.announce('192.0.2.0/24');
  }

  get resets(): readonly string[] {
    return this.hosts.flatMap(({ name, resets }) => resets.map(other => `${name} ${other}`));
  }

  get sessions(): number {
    return this.hosts.reduce((sum, host) => sum + (host.alive ? host.sessions : 0), 0) / 2;
  }

  routeChanged(host: string, prefix: string, before: string | undefined, now: string | undefined): void {
    const owner = this.hosts.find((_, i) => [blockOf(i + 1), ipv6BlockOf(i + 1)].includes(prefix));
    if (owner === undefined || !owner.alive || owner.name === host || before === undefined) return;
    if (now !== before) this.losses.push(`${this.clock.now()} ms: ${host}, ${prefix}: ${before} -> ${now}`);
  }

  async #round(): Promise<void> {
    const documents = [...this.#documents.values()];
    const hosts = new Map<string, HostView>(
      this.hosts.map(host => {
        const silentSeconds = host.alive ? 0 : (this.clock.now() - this.#deadMs.get(host.name)!) / 1000;
        const topology = host.alive ? host.progress() : undefined;
        const report = { reportedUnixMs: 0, version: '', topology } as NodeReportResource['spec'];
        const alive = silentSeconds < 30;
        return [host.name, { name: host.name, leased: true, alive, silentSeconds, report }];
      }),
    );
    const list = (kind: string) => documents.filter(resource => resource.kind === kind);
    const view = { hosts, list: list as ClusterView['list'], nowMs: this.clock.now() };
    await this.#task.run(view);
    const stored = await this.#store.get({ kind: 'TopologyPlan', name: 'default' });
    if (stored.kind !== 'ok') return;
    const { resource } = stored.value;
    if (resource.kind === 'TopologyPlan' && resource.spec !== this.plan) this.say(resource);
  }
}
