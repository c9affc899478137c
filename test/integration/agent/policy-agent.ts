/** An agent that enforces policy in a namespace, its store and its commands. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { AgentStatus } from '../../../agent/control/types.js';
import { eventually } from '../../support/eventually.js';
import type { NetworkNamespace } from '../../support/network-namespace.js';

const AGENT = new URL('../../../../bin/margay-agent', import.meta.url).pathname;
const BGPCTL = new URL('../../../../bin/bgpctl', import.meta.url).pathname;

export class PolicyAgent {
  readonly host: NetworkNamespace;
  readonly directory = mkdtempSync(join(tmpdir(), 'mgy-policy-'));
  #agent: ReturnType<typeof spawn> | undefined;

  /** With the workloads {@link endpoint} 1 and 2; it is not started yet. */
  constructor(t: ExecutionContext, host: NetworkNamespace) {
    this.host = host;
    mkdirSync(join(this.directory, 'store'));
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

  start(policy: 'on' | 'off' = 'on'): void {
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
      ['netns', 'exec', this.host.name, AGENT, ...words, '--policy', policy, '--node-name', 'host-a'],
      {
        stdio: 'ignore',
      },
    );
    this.#agent = child;
  }

  /** What `bgpctl apply --dry-run` says of a document. */
  dryRun(document: object): string {
    const file = join(this.directory, 'dry-run.json');
    writeFileSync(file, JSON.stringify(document));
    return this.host.run(BGPCTL, '--socket', this.socket, 'apply', '--dry-run', '-f', file);
  }

  /** What `margay-agent cleanup` says. */
  cleanUp(): string {
    const words = ['--control-socket', this.socket, '--state-directory', `${this.directory}/state`];
    return this.host.run(AGENT, 'cleanup', ...words);
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

  /** @throws where it fails, or finds something */
  bgpctl(...words: readonly string[]): string {
    return this.host.run(BGPCTL, '--socket', this.socket, ...words);
  }

  /** What it prints; a finding is no failure. */
  bgpctlOutput(...words: readonly string[]): string {
    const command = ['netns', 'exec', this.host.name, BGPCTL, '--socket', this.socket, ...words];
    const { stdout, stderr, status } = spawnSync('ip', command, { encoding: 'utf8' });
    if (status !== 0 && status !== 1) throw new Error(stderr);
    return stdout;
  }

  status(): AgentStatus | undefined {
    try {
      return JSON.parse(this.bgpctl('status', '-o', 'json')) as AgentStatus;
    } catch {
      return undefined;
    }
  }

  async inForce(): Promise<boolean> {
    return await eventually(async () => this.status()?.policy?.inForce === true, 20_000, 100);
  }
}

export function endpoint(number: number, more: object = {}) {
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
