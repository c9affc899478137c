/**
 * A route reflector with a hundred clients: three agents with pods and kernel routes, and 97 light ones, speakers of the library in one
 * process that write down what they hear (`light-clients-process.ts`).
 *
 *     [ hosts a, b, c of the lab ] --- [ switch ] --- [ a host without pods: the reflector and the light clients, an address each ]
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { kill, launch } from '../../../bench/daemons/processes.js';
import { apiOf, type ResourceKind } from '../../../core/resources/resource.js';
import { type Host, Lab } from '../../../demo/lab.js';
import { startPing } from '../../../demo/ping.js';
import { makeNamespace } from '../../support/network-namespace.js';
import { type RouteChange, watchRoutes } from '../../support/route-watch.js';
import type { LightClientReport, LightClientsCommand, LightClientsSetup } from './light-clients-process.js';

const LIGHT_CLIENTS_FILE = fileURLToPath(new URL('./light-clients-process.js', import.meta.url));
const ASN = 64_512;
const REFLECTOR = '10.9.0.100';
let labs = 0;

export const lightClients = Array.from({ length: 97 }, (_, i) => ({
  address: `10.9.0.${101 + i}`,
  prefix: `10.250.${i}.0/24`,
}));

export class ReflectorLab {
  readonly lab: Lab;
  readonly reflector: Host;
  /** What everybody is told, each but for its own. */
  live: readonly string[];
  readonly #light: ChildProcess;
  readonly #passing = new Map<string, string>();

  /** @param known how the reflector knows its light clients: a document for each, or their range */
  constructor(t: ExecutionContext, known: 'documents' | 'range') {
    const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
    this.lab = new Lab({ runId: `${run}-r${labs++}`, hosts: ['a', 'b', 'c'], podsPerHost: 1 });
    t.teardown(() => this.lab.close());
    this.#writeCluster(known);
    this.reflector = this.#wireReflector(t);
    t.teardown(() => this.lab.endAgent(this.reflector, 'SIGKILL'));
    this.#light = this.#startLightClients(t);
    this.live = [...this.hosts.map(({ block }) => block), ...lightClients.map(({ prefix }) => prefix)];
  }

  get hosts(): readonly Host[] {
    return this.lab.hosts;
  }

  startReflector(...flags: readonly string[]): void {
    this.lab.startAgent(this.reflector, ['--mode', 'route-reflector', ...flags]);
  }

  killReflector(): Promise<void> {
    return this.lab.endAgent(this.reflector, 'SIGKILL');
  }

  /** A block of the first host that it will not have for long. */
  addPassing(prefix: string): void {
    const [host] = this.hosts;
    const spec = { node: host!.name, cidr: prefix, state: 'confirmed' };
    this.#passing.set(prefix, this.#write('BlockAffinity', prefix.replace('/', '-'), spec));
    this.live = [...this.live, prefix];
  }

  /** While the reflector is away: that block, and the route of that light client, are no more. Their prefixes. */
  async takeAway(passing: string, client: number): Promise<readonly string[]> {
    rmSync(this.#passing.get(passing)!);
    await this.ask({ kind: 'withdraw', client });
    const gone = [passing, lightClients[client]!.prefix];
    this.live = this.live.filter(prefix => !gone.includes(prefix));
    return gone;
  }

  ask(command: LightClientsCommand): Promise<readonly LightClientReport[]> {
    return new Promise(resolve => {
      this.#light.once('message', resolve as (message: unknown) => void);
      this.#light.send(command);
    });
  }

  reports(): Promise<readonly LightClientReport[]> {
    return this.ask({ kind: 'report' });
  }

  holds(host: Host, prefixes: readonly string[]): boolean {
    const routes = this.lab.routes(host);
    return prefixes.every(prefix => routes.includes(`${prefix} `));
  }

  /** Every light client has heard End-of-RIB so often, nothing is stale, and every agent's kernel has all there is. */
  async converged(endOfRibs: number): Promise<boolean> {
    const done = (report: LightClientReport) =>
      report.established && report.stale === 0 && report.endOfRibsUnixMs.length >= endOfRibs;
    if (!(await this.reports()).every(done)) return false;
    for (const host of this.hosts) {
      const [peer] = await this.lab.peers(host);
      if (peer?.state !== 'Established' || peer.routes.stale > 0 || !this.holds(host, this.live))
        return false;
    }
    return true;
  }

  watchRoutes(t: ExecutionContext): ReadonlyMap<Host, readonly RouteChange[]> {
    return new Map(this.hosts.map(host => [host, watchRoutes(t, host.namespace)]));
  }

  /** Every 10 ms between all pairs of pods of different hosts. */
  ping(t: ExecutionContext): () => Promise<{ readonly sent: number; readonly received: number }> {
    const pings = this.hosts.flatMap(from =>
      this.hosts
        .filter(to => to !== from)
        .map(to => startPing(from.pods[0]!.namespace, [to.pods[0]!.address], 0.01)),
    );
    const stop = async () => {
      for (const { child } of pings) child.kill('SIGINT');
      const scores = await Promise.all(pings.map(({ score }) => score));
      const sum = (of: 'sent' | 'received') => scores.reduce((total, score) => total + score[of], 0);
      return { sent: sum('sent'), received: sum('received') };
    };
    t.teardown(stop);
    return stop;
  }

  #write(kind: ResourceKind, name: string, spec: object, labels: object = {}): string {
    const file = join(this.lab.store, `${kind}-${name}.yaml`);
    writeFileSync(file, JSON.stringify({ apiVersion: apiOf(kind), kind, metadata: { name, labels }, spec }));
    return file;
  }

  #writeCluster(known: 'documents' | 'range'): void {
    this.#write('BGPConfiguration', 'default', { asNumber: ASN, nodeToNodeMeshEnabled: false });
    this.#write('Node', 'rr', {}, { role: 'rr' });
    this.#write('BGPPeer', 'rr', { nodeSelector: '!has(role)', peerSelector: "role == 'rr'" });
    if (known === 'range') {
      this.#write('BGPPeerRange', 'light', { node: 'rr', cidr: '10.9.0.0/24', asNumbers: [ASN] });
      return;
    }
    for (const [i, { address }] of lightClients.entries()) {
      this.#write('BGPPeer', `light-${i}`, { node: 'rr', peerIP: address, asNumber: ASN });
    }
  }

  #wireReflector(t: ExecutionContext): Host {
    const namespace = makeNamespace(t);
    const addresses = [REFLECTOR, ...lightClients.map(({ address }) => address)];
    namespace.ipBatch([
      `link add eth0 type veth peer name portrr netns ${this.lab.router}`,
      ...addresses.map(address => `address add ${address}/24 dev eth0`),
      'link set eth0 up',
    ]);
    execFileSync('ip', ['-n', this.lab.router, 'link', 'set', 'portrr', 'master', 'br0', 'up']);
    const { directory } = this.lab;
    return {
      ...{ ipv6Address: '', ipv6Block: '' },
      ...{ name: 'rr', subnet: 0, namespace: namespace.name, address: REFLECTOR, block: '', pods: [] },
      ...{ socket: join(directory, 'rr', 'run', 'control.sock'), logFile: join(directory, 'rr.log') },
    };
  }

  #startLightClients(t: ExecutionContext): ChildProcess {
    const setup: LightClientsSetup = { reflector: REFLECTOR, asn: ASN, clients: lightClients };
    const place = { networkNamespace: this.reflector.namespace, directory: this.lab.directory };
    const args = [LIGHT_CLIENTS_FILE, JSON.stringify(setup)];
    const child = launch(place, { command: process.execPath, args, env: {} }, 'ipc');
    t.teardown(() => kill(child, 'SIGKILL'));
    return child;
  }
}
