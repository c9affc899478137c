/**
 * SHELL: a host with 200 workloads, each behind a veth pair of its own, an outside, and the agent as it runs there, with the file store and a
 * document in each file. All workloads live in one network namespace, which receives what the host lets through to any of them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../../agent/control/client.js';
import type { Implementation } from '../../linux/iptables-choice.js';
import { end, launch } from '../daemons/processes.js';
import { addressOf, type Document, documents, ENDPOINTS, interfaceOf, NODE_NAME } from './agent-documents.js';
import { ipBatch, makePlaces, type Places } from './namespaces.js';

const AGENT_FILE = fileURLToPath(new URL('../../../bin/margay-agent', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const HOST_ADDRESS = '192.0.2.1';
const OUTSIDE_ADDRESS = '192.0.2.9';

export class AgentHost {
  readonly places: Places;
  readonly client: ControlClient;
  readonly #agent: ReturnType<typeof launch>;

  private constructor(places: Places, flags: readonly string[]) {
    const { directory, env } = places;
    const [host] = places.networkNamespaces;
    const socket = join(directory, 'control.sock');
    this.places = places;
    this.client = new ControlClient(socket);
    const args = [
      ...flags,
      AGENT_FILE,
      ...['--node-name', NODE_NAME, '--ipv4-address', `${HOST_ADDRESS}/24`, '--ipv6-address', 'off'],
      ...['--log-level', 'warn', '--policy', 'on', '--stale-time', '1'],
      ...['--store-directory', join(directory, 'store'), '--control-socket', socket],
      ...['--state-directory', join(directory, 'state')],
    ];
    this.#agent = launch(
      { networkNamespace: host!, directory },
      { command: process.execPath, args, env },
      'quiet',
    );
  }

  /** The agent is up and everything is in force. @param flags of its Node */
  static async open(backend: Implementation, flags: readonly string[]): Promise<AgentHost> {
    const places = makePlaces(3);
    try {
      layWires(places);
      writeStore(join(places.directory, 'store'), documents(backend));
    } catch (error) {
      places.remove();
      throw error;
    }
    const host = new AgentHost(places, flags);
    try {
      await host.#untilInForce();
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  get workloads(): string {
    return this.places.networkNamespaces[1]!;
  }

  get outside(): string {
    return this.places.networkNamespaces[2]!;
  }

  async apply(document: Document): Promise<void> {
    const { results } = await this.client.apply({ documents: [{ location: 'bench', document }] });
    const [result] = results;
    if (result?.outcome !== 'updated') throw new Error(`apply: ${JSON.stringify(result)}`);
  }

  async close(): Promise<void> {
    await end(this.#agent);
    this.places.remove();
  }

  async #untilInForce(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const status = await this.client.status().catch(() => undefined);
      if (status?.policy?.inForce === true && status.policy.endpoints === ENDPOINTS) return;
      if (performance.now() > deadline)
        throw new Error(`the agent does not come up: ${JSON.stringify(status?.policy)}`);
      await sleep(100);
    }
  }
}

function layWires({ networkNamespaces }: Places): void {
  const [host, workloads, outside] = networkNamespaces as readonly [string, string, string];
  sysctl(host, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.default.accept_dad=0');
  sysctl(workloads, 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0');
  sysctl(workloads, 'net.ipv6.conf.default.disable_ipv6=1');
  const all = Array.from({ length: ENDPOINTS }, (_, i) => i);
  ipBatch(host, [
    `link add eth0 type veth peer name eth0 netns ${outside}`,
    `address add ${HOST_ADDRESS}/24 dev eth0`,
    'link set eth0 up',
    ...all.flatMap(i => [
      `link add ${interfaceOf(i)} type veth peer name w${i} netns ${workloads}`,
      `link set ${interfaceOf(i)} up`,
    ]),
  ]);
  ipBatch(workloads, [
    ...all.flatMap(i => [`address add ${addressOf(i)}/32 dev w${i}`, `link set w${i} up`]),
    'route add default dev w0',
  ]);
  ipBatch(outside, [
    `address add ${OUTSIDE_ADDRESS}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${HOST_ADDRESS}`,
  ]);
}

function writeStore(directory: string, all: readonly Document[]): void {
  mkdirSync(directory, { recursive: true });
  for (const document of all) {
    const { kind, metadata } = document;
    writeFileSync(join(directory, `${kind}-${metadata.name}.yaml`), JSON.stringify(document));
  }
}

function sysctl(networkNamespace: string, ...settings: readonly string[]): void {
  execFileSync('ip', ['netns', 'exec', networkNamespace, 'sysctl', '-qw', ...settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}
