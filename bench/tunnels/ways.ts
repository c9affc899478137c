/**
 * SHELL: two hosts in two subnets with a router between them, which knows the way to the pods, so that plain routing works across it, too.
 * The way from pod to pod is changed as a user changes it: by the pool, while the agents run.
 *
 * A veth pair passes what TCP hands over whole, up to 64 kB, from one pod to the other, which no wire does; and the router's bridge cuts what is
 * encapsulated, and that alone. So the hosts cut everything to the underlay's MTU where it leaves them, unless `offload` is asked for.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { logTail, within } from '../../demo/host-lab.js';
import { type Host, Lab } from '../../demo/lab.js';
import { devices, type Mode, setMode } from '../../demo/mode.js';
import { patience } from '../../demo/patience.js';
import type { Path } from './measure.js';

const START_MS = 60_000;
const CHANGE_MS = 10_000;
const ANSWER_MS = 5000;
/** For what a change leaves the agents to do. */
const SETTLE_MS = 500;

export class Ways {
  readonly path: Path;
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    const [from, to] = lab.pods;
    this.path = { from: from!, to: to!, directory: lab.directory };
    this.#lab = lab;
  }

  /** Both agents up, every route in place, plainly. `udp`: with the data path of UDP encapsulation beside them. */
  static async open(
    runId: string,
    { udp, offload }: { readonly udp: boolean; readonly offload: boolean },
  ): Promise<Ways> {
    const lab = new Lab({ runId, hosts: ['a', 'b'], subnets: [0, 1], podsPerHost: 1 });
    try {
      for (const host of lab.hosts) {
        ip(lab.router, `route add ${host.block} via ${host.address}`);
        if (!offload) ip(host.namespace, 'link set eth0 gso_max_segs 1');
        if (udp) lab.startUdp(host);
        lab.startAgent(host);
      }
      if (await within(START_MS, () => lab.converged())) return new Ways(lab);
      throw new Error(`the hosts do not come up:\n${logTails(lab.hosts)}`);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /**
   * Resolves when both hosts send that way and pods answer.
   *
   * @returns why one of them cannot; undefined where both do
   * @throws if they do not, and none says why
   */
  async take(mode: Mode): Promise<string | undefined> {
    await setMode(this.#lab, mode);
    if (await within(CHANGE_MS, () => this.takes(mode))) {
      this.#forget();
      const { from, to } = this.path;
      if (!(await within(ANSWER_MS, () => this.#lab.reaches(from, to))))
        throw new Error(`${to.name} does not answer ${from.name}`);
      await sleep(SETTLE_MS * patience);
      return undefined;
    }
    const reason = await this.#lack(mode);
    if (reason === undefined)
      throw new Error(`no route leads by ${devices[mode]}:\n${logTails(this.#lab.hosts)}`);
    return reason;
  }

  takes(mode: Mode): boolean {
    return this.#lab.everyRouteBy(devices[mode]);
  }

  close(): Promise<void> {
    return this.#lab.close();
  }

  /** What pods learned of another way: the path's MTU, and how TCP fared. */
  #forget(): void {
    for (const { namespace } of this.#lab.pods) {
      ip(namespace, 'route flush cache');
      ip(namespace, 'tcp_metrics flush');
    }
  }

  async #lack(mode: Mode): Promise<string | undefined> {
    for (const host of this.#lab.hosts) {
      const status = await this.#lab.status(host);
      const tunnel = status?.tunnels.find(one => one.tunnel === mode);
      if (tunnel?.state === 'unavailable') return tunnel.detail;
    }
    return undefined;
  }
}

function ip(namespace: string, words: string): void {
  execFileSync('ip', ['-n', namespace, ...words.split(' ')], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function logTails(hosts: readonly Host[]): string {
  return hosts.map(host => logTail(host)).join('\n');
}
