/**
 * Hosts in network namespaces, each with one pod and a `margay-udp` of its own; routes and addresses as the agent would write them.
 *
 *     pod  10.244.N.2 --- cali0 [ host N ] eth0 10.0.0.N/24 --- [ switch ]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Ipv4Address } from '../../../core/ip-address.js';
import type { Ipv4Prefix } from '../../../core/prefix.js';
import { nodeCommand } from '../../../demo/node-command.js';
import { deviceNames } from '../../../ipip/tunnel-devices.js';
import { DEFAULT_UDP_PORT, type TunnelState } from '../../../ipip/udp/state.js';
import { readUdpStatus, udpStatePath, udpStatusPath, writeUdpState } from '../../../ipip/udp/state-file.js';
import type { UdpStatus } from '../../../ipip/udp/status.js';
import { eventually } from '../../support/eventually.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';

/** From dist/test/integration/ipip. */
const launcher = fileURLToPath(new URL('../../../../bin/margay-udp', import.meta.url));

export class UdpHost {
  readonly number: number;
  readonly namespace: NetworkNamespace;
  readonly pod: NetworkNamespace;
  readonly directory: string;
  readonly podAddress: string;
  #child: ChildProcess | undefined;
  log = '';

  constructor(t: ExecutionContext, number: number) {
    this.number = number;
    this.namespace = makeNamespace(t);
    this.pod = makeNamespace(t);
    this.podAddress = `10.244.${number}.2`;
    this.directory = mkdtempSync(joinPath(tmpdir(), 'mgy-udp-'));
    mkdirSync(this.directory, { recursive: true });
    join(this.namespace, 'cali0', this.pod, 'eth0');
    this.namespace.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    this.namespace.ip(`route add ${this.podAddress} dev cali0`);
    this.namespace.ip('address add 169.254.1.1/32 dev cali0');
    this.pod.ip(`address add ${this.podAddress}/32 dev eth0`);
    this.pod.ip('route add 169.254.1.1 dev eth0 scope link');
    this.pod.ip('route add default via 169.254.1.1 dev eth0');
    t.teardown(async () => {
      await this.end('SIGKILL');
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  get address(): Ipv4Address {
    return `10.0.0.${this.number}` as Ipv4Address;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  state(others: readonly number[], changed: Partial<TunnelState> = {}): TunnelState {
    return {
      device: { name: deviceNames.udp, mtu: 1472 },
      port: DEFAULT_UDP_PORT,
      local: this.address,
      tunnelAddress: `10.244.${this.number}.0` as Ipv4Address,
      routes: others.map(n => [`10.244.${n}.0/24` as Ipv4Prefix, `10.0.0.${n}` as Ipv4Address]),
      knownHosts: others.map(n => `10.0.0.${n}` as Ipv4Address),
      ...changed,
    };
  }

  write(others: readonly number[], changed: Partial<TunnelState> = {}): Promise<boolean> {
    return writeUdpState(this.statePath, this.state(others, changed));
  }

  get statePath(): string {
    return udpStatePath(this.directory);
  }

  /** Resolves when the device is up. */
  async start(t: ExecutionContext): Promise<void> {
    const words = ['--config', '/dev/null', '--state-directory', this.directory];
    const child = spawn('ip', ['netns', 'exec', this.namespace.name, ...nodeCommand, launcher, ...words]);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log += text;
      });
    }
    t.true(await eventually(() => this.isUp, 20_000), this.log);
  }

  /** Address and routes, as the agent gives them to the device. */
  wire(others: readonly number[]): void {
    this.namespace.ip(`address replace 10.244.${this.number}.0/32 dev ${deviceNames.udp}`);
    for (const n of others) {
      this.namespace.ip(`route replace 10.244.${n}.0/24 dev ${deviceNames.udp} src 10.244.${this.number}.0`);
    }
  }

  get isUp(): boolean {
    const path = `/sys/class/net/${deviceNames.udp}/flags`;
    try {
      return (Number(this.namespace.run('cat', path)) & 1) === 1;
    } catch {
      return false;
    }
  }

  /** The exit code; resolves when the process has ended. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
    child.kill(signal);
    return ended;
  }

  status(): Promise<UdpStatus | undefined> {
    return readUdpStatus(udpStatusPath(this.directory));
  }

  /** Whether the status comes to be so. */
  comesToBe(so: (status: UdpStatus) => boolean, withinMs = 5000): Promise<boolean> {
    return eventually(async () => {
      const status = await this.status();
      return status !== undefined && so(status);
    }, withinMs);
  }

  memoryKilobytes(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]);
  }
}

/** Hosts 1 to `count` on one switch, their processes running, every one knowing the others. */
export async function startHosts(t: ExecutionContext, count: number): Promise<readonly UdpHost[]> {
  const hosts = Array.from({ length: count }, (_, i) => new UdpHost(t, i + 1));
  const middle = makeNamespace(t);
  middle.ip('link add br0 type bridge');
  middle.ip('link set br0 up');
  for (const host of hosts) {
    join(host.namespace, 'eth0', middle, `to${host.number}`);
    middle.ip(`link set to${host.number} master br0`);
    host.namespace.ip(`address add ${host.address}/24 dev eth0`);
  }
  await startAll(t, hosts);
  return hosts;
}

export async function startAll(t: ExecutionContext, hosts: readonly UdpHost[]): Promise<void> {
  await Promise.all(
    hosts.map(async host => {
      const others = hosts.map(({ number }) => number).filter(number => number !== host.number);
      await host.write(others);
      await host.start(t);
      host.wire(others);
    }),
  );
  for (const host of hosts) t.true(await host.comesToBe(({ port }) => port !== null), host.log);
}
