/**
 * SHELL: hosts in network namespaces, each with an agent of its own and pods: what every lab does with them. Which hosts there are, and how
 * they are wired, is for those who are made of it.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../agent/control/client.js';
import type { AgentStatus, PeerStatus } from '../agent/control/types.js';
import type { AddressFamily } from '../core/ip-address.js';
import { nodeCommand } from './node-command.js';
import { patience } from './patience.js';
import { type PingScore, startPing } from './ping.js';

/** From dist/demo/host-lab.js. */
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** Where the lab has both families. */
  readonly ipv6Address: string;
}

export interface LabHost {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly pods: readonly Pod[];
  readonly socket: string;
  readonly logFile: string;
}

interface Posing {
  readonly name?: string;
  readonly address?: string;
}

export abstract class HostLab<Host extends LabHost> {
  abstract readonly hosts: readonly Host[];
  abstract readonly directory: string;
  abstract readonly dualStack: boolean;
  /** By role and host. */
  readonly #processes = new Map<string, ChildProcess>();

  /** Flags of a host's agent beside those that say what it is called and where it keeps what is its own. */
  protected abstract flagsOf(host: Host, posingAddress?: string): readonly string[];

  host(name: string): Host {
    const host = this.hosts.find(one => one.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  get pods(): readonly Pod[] {
    return this.hosts.flatMap(host => host.pods);
  }

  /** @param flags more of them, of this host alone @param posing with the name or the address of another */
  agentCommand(host: Host, flags: readonly string[] = [], posing: Posing = {}): readonly string[] {
    return [
      join(root, 'bin/margay-agent'),
      ...['--node-name', posing.name ?? host.name, '--control-socket', host.socket],
      ...['--state-directory', join(this.directory, host.name), '--log-format', 'json'],
      ...this.flagsOf(host, posing.address),
      ...flags,
    ];
  }

  startAgent(host: Host, flags?: readonly string[], posing?: Posing): void {
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

  /** `ip route` of a host, as text. */
  routes(host: Host, family: AddressFamily = 'ipv4'): string {
    const flag = family === 'ipv4' ? '-4' : '-6';
    return execFileSync('ip', [flag, '-n', host.namespace, 'route'], { encoding: 'utf8' });
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

  /** Ends every process. */
  protected async endAll(): Promise<void> {
    for (const host of this.hosts) {
      await this.endAgent(host, 'SIGKILL');
      await this.endUdp(host, 'SIGKILL');
    }
  }
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
export function logTail(host: LabHost, lines = 15): string {
  if (!existsSync(host.logFile)) return '(no log)';
  return readFileSync(host.logFile, 'utf8').trim().split('\n').slice(-lines).join('\n');
}
