/** The whole agent with policy: what it lets through, in which order workloads come and go, and what holds while it is dead. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AgentStatus } from '../../../agent/control/types.js';
import type { IpAddress } from '../../../core/ip-address.js';
import { eventually } from '../../support/eventually.js';
import { PacketLab } from '../policy/packet-lab.js';
import { Protocol } from '../policy/packets.js';

const ip = (text: string) => text as IpAddress;
const AGENT = new URL('../../../../bin/margay-agent', import.meta.url).pathname;
const BGPCTL = new URL('../../../../bin/bgpctl', import.meta.url).pathname;

class PolicyHost {
  readonly lab: PacketLab;
  readonly directory = mkdtempSync(join(tmpdir(), 'mgy-policy-'));
  #agent: ReturnType<typeof spawn> | undefined;

  constructor(t: ExecutionContext) {
    this.lab = new PacketLab(t, [
      { name: 'cali1', neighbours: [ip('10.65.0.1')] },
      { name: 'cali2', neighbours: [ip('10.65.0.2')] },
      { name: 'eth0', neighbours: [ip('192.0.2.9')], addresses: ['192.0.2.1/24'] },
    ]);
    mkdirSync(join(this.directory, 'store'));
    // Routes of workloads are the agent's business here.
    for (const number of [1, 2]) this.lab.host.ip(`route del 10.65.0.${number} dev cali${number}`);
    t.teardown(async () => {
      await this.end('SIGKILL');
      rmSync(this.directory, { recursive: true });
    });
    for (const number of [1, 2]) this.write(`endpoint${number}`, endpoint(number));
  }

  write(name: string, document: object): void {
    writeFileSync(join(this.directory, 'store', `${name}.yaml`), JSON.stringify(document));
  }

  remove(name: string): void {
    rmSync(join(this.directory, 'store', `${name}.yaml`));
  }

  start(): void {
    const words = [
      '--store-directory',
      join(this.directory, 'store'),
      '--control-socket',
      this.socket,
      '--state-directory',
      `${this.directory}/state`,
    ];
    const child = spawn(
      'ip',
      ['netns', 'exec', this.lab.host.name, AGENT, ...words, '--policy', 'on', '--node-name', 'host-a'],
      {
        stdio: 'ignore',
      },
    );
    this.#agent = child;
  }

  get socket(): string {
    return join(this.directory, 'control.sock');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = new Promise(resolve => agent.once('exit', resolve));
    agent.kill(signal);
    await ended;
  }

  status(): AgentStatus | undefined {
    try {
      return JSON.parse(
        this.lab.host.run(BGPCTL, '--socket', this.socket, 'status', '-o', 'json'),
      ) as AgentStatus;
    } catch {
      return undefined;
    }
  }

  async inForce(): Promise<boolean> {
    return await eventually(async () => this.status()?.policy?.inForce === true, 20_000, 100);
  }

  /** Whether a connection from one end to the other may begin. */
  async connects(from: number | 'outside', to: number | 'outside', destinationPort = 80): Promise<boolean> {
    await this.lab.forgetConnections();
    const address = (end: number | 'outside') => ip(end === 'outside' ? '192.0.2.9' : `10.65.0.${end}`);
    const name = (end: number | 'outside') => (end === 'outside' ? 'eth0' : `cali${end}`);
    const packet = {
      source: address(from),
      destination: address(to),
      protocol: Protocol.tcp,
      sourcePort: 40_000,
      destinationPort,
    };
    return (await this.lab.pass([{ packet, from: name(from) }]))[0]!.includes(name(to));
  }
}

function endpoint(number: number, more: object = {}) {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: `w${number}`, namespace: 'default', labels: { app: `w${number}` } },
    spec: {
      node: 'host-a',
      interfaceName: `cali${number}`,
      ipNetworks: [`10.65.0.${number}/32`],
      profiles: ['projectcalico-default-allow'],
      ...more,
    },
  };
}

const denySecond = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name: 'only-443', namespace: 'default' },
  spec: {
    selector: "app == 'w2'",
    types: ['Ingress'],
    ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [443] } }],
  },
};

test('policy comes and goes with its documents, and the status says what is in force', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.start();
  t.true(await host.inForce(), JSON.stringify(host.status()));
  t.true(await eventually(() => host.connects(1, 2), 10_000, 100));
  t.true(await host.connects('outside', 2));
  host.write('policy', denySecond);
  t.true(await eventually(async () => !(await host.connects(1, 2)), 10_000, 100));
  t.false(await host.connects('outside', 2));
  t.true(await host.connects(1, 2, 443));
  t.true(await host.connects(2, 1));
  t.like(host.status()?.policy, { endpoints: 2, policies: 1, inForce: true });
  host.remove('policy');
  t.true(await eventually(() => host.connects(1, 2), 10_000, 100));
});

test('a workload has its route once it is guarded, and its chains until its route is gone', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.start();
  t.true(await host.inForce());
  const routes = () => host.lab.host.ip('route show proto 157');
  t.true(await eventually(async () => routes().includes('10.65.0.2 dev cali2'), 10_000, 100), routes());
  const chains = () => host.lab.host.run('iptables-save').match(/^:mgy-\S*cali2\S*/gm) ?? [];
  t.true(chains().length >= 2, chains().join());
  host.remove('endpoint2');
  t.true(await eventually(async () => !routes().includes('10.65.0.2'), 10_000, 20));
  t.true(await eventually(async () => chains().length === 0, 10_000, 50), chains().join());
  t.true(routes().includes('10.65.0.1 dev cali1'));
});

test('what is unknown is dropped while the agent is dead, and what is known goes on', async t => {
  t.timeout(120_000);
  const host = new PolicyHost(t);
  host.write('policy', denySecond);
  host.remove('endpoint1');
  host.start();
  t.true(await host.inForce());
  t.true(
    await eventually(async () => host.lab.host.ip('route show proto 157').includes('10.65.0.2'), 10_000, 100),
  );
  await host.end('SIGKILL');
  const before = host.lab.host.run('iptables-save');
  t.false(await host.connects('outside', 2));
  t.true(await host.connects('outside', 2, 443));
  // An interface like a workload's, of which the agent never heard.
  t.false(await host.connects(1, 'outside'));
  host.start();
  t.true(await eventually(async () => host.status()?.policy?.inForce === true, 20_000, 100));
  const plain = (saved: string) =>
    saved
      .split('\n')
      .filter(line => !/^[:#]/.test(line))
      .join('\n');
  t.is(plain(host.lab.host.run('iptables-save')), plain(before));
});
