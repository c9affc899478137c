/** Agents that share a store and speak BGP with each other on loopback addresses: speakers alone, nothing is written to the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { ControlClient } from '../../../agent/control/client.js';
import type { AgentStatus, PeerStatus } from '../../../agent/control/types.js';
import { apiOf, type ResourceKind } from '../../../core/resources/resource.js';
import { nodeCommand } from '../../../demo/node-command.js';

/** From dist/test/integration/agent. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const [node, ...flags] = nodeCommand;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class LoopbackAgents {
  readonly directory: string;
  readonly store: string;
  readonly port: number;
  readonly #agents = new Map<string, ChildProcess>();

  private constructor(port: number) {
    this.directory = mkdtempSync(join(tmpdir(), 'mgy-loopback-'));
    this.store = join(this.directory, 'store');
    this.port = port;
    mkdirSync(this.store);
    this.write('default', { kind: 'BGPConfiguration', spec: { listenPort: port, bindMode: 'NodeIP' } });
  }

  /** Gone with the test. */
  static async create(t: ExecutionContext): Promise<LoopbackAgents> {
    const agents = new LoopbackAgents(await freePort());
    t.teardown(() => agents.close());
    return agents;
  }

  /** Writes a document as an editor would. */
  write(
    name: string,
    {
      kind,
      labels = {},
      ...content
    }: { readonly kind: ResourceKind; readonly labels?: object; readonly [field: string]: unknown },
  ): void {
    const document = { apiVersion: apiOf(kind), kind, metadata: { name, labels }, ...content };
    writeFileSync(join(this.store, `${kind}-${name}.yaml`), JSON.stringify(document));
  }

  socket(name: string): string {
    return join(this.directory, name, 'control.sock');
  }

  client(name: string): ControlClient {
    return new ControlClient(this.socket(name));
  }

  /** Starts `name` on 127.0.0.`host`, with a control socket of its own, unless told otherwise; resolves when it ends. */
  start(
    name: string,
    host: number,
    more: { readonly socket?: string; readonly address?: string; readonly flags?: readonly string[] } = {},
  ): Promise<Ended> {
    const { socket = this.socket(name), address = `127.0.0.${host}/32`, flags: given = [] } = more;
    const words = [
      ...['--config', '/dev/null', '--dataplane', 'none', '--node-name', name],
      ...['--ipv4-address', address, '--ipv6-address', 'off', '--store-directory', this.store],
      ...['--control-socket', socket, '--state-directory', join(this.directory, name)],
      ...given,
    ];
    const child = spawn(node, [...flags, join(root, 'bin/margay-agent'), ...words]);
    this.#agents.set(name, child);
    return output(child);
  }

  /** Resolves when it has ended. */
  async end(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#agents.get(name);
    this.#agents.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Undefined while the agent does not answer. */
  async status(name: string): Promise<AgentStatus | undefined> {
    return this.client(name)
      .status()
      .catch(() => undefined);
  }

  async peers(name: string): Promise<readonly PeerStatus[]> {
    return this.client(name)
      .peers()
      .then(
        ({ peers }) => peers,
        () => [],
      );
  }

  async established(name: string): Promise<boolean> {
    const peers = await this.peers(name);
    return peers.length > 0 && peers.every(({ state }) => state === 'Established');
  }

  bgpctl(name: string, ...words: readonly string[]): Promise<Ended> {
    const environment = { ...process.env, MARGAY_SOCKET: this.socket(name), COLUMNS: '80' };
    return output(spawn(node, [...flags, join(root, 'bin/bgpctl'), ...words], { env: environment }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.keys()].map(name => this.end(name, 'SIGKILL')));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function output(child: ChildProcess): Promise<Ended> {
  return new Promise(resolve => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

/** One that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
