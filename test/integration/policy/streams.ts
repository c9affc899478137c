/** Packets that go through a host all the time, one after another, while an applier and others write its packet filter. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../../bgp/speaker/system-clock.js';
import type { Prefix } from '../../../core/prefix.js';
import type { Implementation } from '../../../linux/iptables-choice.js';
import type { FilterApplier } from '../../../policy/apply/applier.js';
import { filterCommands } from '../../../policy/apply/commands.js';
import { filterSettings } from '../../../policy/filter-settings.js';
import type { AddressSet, HostPolicy, Packet } from '../../../policy/model.js';
import { renderFilter } from '../../../policy/render/render.js';
import type { RenderedFilter } from '../../../policy/rendered.js';
import type { FilterSettings } from '../../../policy/settings.js';
import {
  ip,
  makeHost,
  makeHostPolicy,
  makePolicy,
  makeProfile,
  makeRule,
  makeTier,
  makeWorkload,
  net,
  tcp,
  udp,
} from '../../policy/host-policies.js';
import { eventually } from '../../support/eventually.js';
import { PacketLab } from './packet-lab.js';
import { startApplier, toolsOf } from './real-applier.js';

const execute = promisify(execFile);

export type Way = readonly [from: string, to: string, packet: (sourcePort: number) => Packet];

export const denied: readonly Way[] = [
  ['cali1', 'cali2', port => udp('10.65.0.1', '10.65.0.2', 54, port)],
  ['eth0', 'cali2', port => udp('192.0.2.9', '10.65.0.2', 53, port)],
  ['cali1', 'cali2', port => udp('fd65::1', 'fd65::2', 53, port)],
  // No endpoint is known of it.
  ['calix', 'eth0', port => tcp('10.65.0.7', '192.0.2.9', 80, port)],
];
export const deniedByHost: readonly Way[] = [
  ['eth0', 'host', port => tcp('192.0.2.9', '192.0.2.1', 80, port)],
  ['host', 'eth0', port => tcp('192.0.2.1', '192.0.2.9', 80, port)],
];
export const allowed: readonly Way[] = [['cali1', 'cali2', port => udp('10.65.0.1', '10.65.0.2', 53, port)]];
export const failsafe: readonly Way[] = [
  ['eth0', 'host', port => tcp('192.0.2.9', '192.0.2.1', 22, port)],
  ['eth0', 'host', port => tcp('192.0.2.9', '192.0.2.1', 179, port)],
  ['host', 'eth0', port => tcp('192.0.2.1', '192.0.2.9', 179, port)],
];

/** @param round each is another policy, with other members in its set, and lets the same of the packets above through */
function policyOf(round: number): HostPolicy {
  const friends: AddressSet = {
    id: 'friends',
    kind: 'nets',
    what: 'friends',
    members: new Set<Prefix>([
      net('10.65.0.1/32'),
      ...Array.from({ length: 500 }, (_, i) => net(`10.${70 + (round % 50)}.${i >> 8}.${i & 255}/32`)),
    ]),
  };
  const other = { min: 1000 + round, max: 2000 + round };
  return makeHostPolicy({
    workloads: [
      makeWorkload('cali1', ['10.65.0.1/32', 'fd65::1/128'], { profiles: ['open'] }),
      makeWorkload('cali2', ['10.65.0.2/32', 'fd65::2/128'], {
        tiers: [makeTier(['other', 'friends'])],
        profiles: ['open'],
      }),
    ],
    hosts: [makeHost('eth0', { tiers: [makeTier(['closed'])] })],
    policies: [
      makePolicy('other', [makeRule('allow', { protocol: 6 }, { destination: { ports: [other] } })]),
      makePolicy('friends', [
        makeRule(
          'allow',
          { protocol: 17 },
          { source: { sets: ['friends'] }, destination: { ports: [{ min: 53, max: 53 }] } },
        ),
      ]),
      makePolicy('closed', [makeRule('deny')]),
    ],
    profiles: [makeProfile('open', [makeRule('allow')])],
    sets: [friends],
  });
}

/** Calico's, as they are where nobody has set anything. */
const defaults = filterSettings(() => undefined, {}, { pools: [], nodeAddresses: [], tunnels: [] });

export function rendered(round: number, more: Partial<FilterSettings> = {}): RenderedFilter {
  return renderFilter(policyOf(round), { ...defaults, ...more });
}

/** Packets of every way, one after another, until it is ended. */
class Stream {
  readonly #lab: PacketLab;
  readonly #ways: readonly Way[];
  #port = 0;
  #ended = false;
  readonly #running: Promise<void>;
  /** Times at which packets were sent that came out where they were addressed to. */
  readonly passedMs: number[][];
  sent = 0;

  constructor(lab: PacketLab, ways: readonly Way[]) {
    this.#lab = lab;
    this.#ways = ways;
    this.passedMs = ways.map(() => []);
    this.#running = this.#run();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  /** @returns how many of each passed */
  get passed(): readonly number[] {
    return this.passedMs.map(({ length }) => length);
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const sourcePort = 20_000 + (this.#port++ % 40_000);
      const nowMs = systemClock.now();
      const packets = this.#ways.map(([from, , packet]) => ({ from, packet: packet(sourcePort) }));
      const arrivals = await this.#lab.pass(packets, 1);
      this.sent++;
      for (const [i, [, to]] of this.#ways.entries())
        if (arrivals[i]!.includes(to)) this.passedMs[i]!.push(nowMs);
    }
  }
}

export class Filtered {
  readonly lab: PacketLab;
  readonly backend: Implementation;
  readonly #t: ExecutionContext;
  readonly #prefix: readonly string[];
  applier: FilterApplier;

  constructor(t: ExecutionContext, backend: Implementation) {
    this.#t = t;
    this.backend = backend;
    this.lab = new PacketLab(t, [
      { name: 'cali1', neighbours: [ip('10.65.0.1'), ip('fd65::1')] },
      { name: 'cali2', neighbours: [ip('10.65.0.2'), ip('fd65::2')] },
      { name: 'calix', neighbours: [ip('10.65.0.7')] },
      { name: 'eth0', neighbours: [ip('192.0.2.9')], addresses: ['192.0.2.1/24'] },
    ]);
    this.#prefix = toolsOf(t, this.lab.host);
    this.applier = this.newApplier();
  }

  newApplier(): FilterApplier {
    const kernel = filterCommands(this.#prefix);
    return startApplier(this.#t, this.lab.host, { kernel, backend: this.backend });
  }

  stream(ways: readonly Way[]): Stream {
    const stream = new Stream(this.lab, ways);
    this.#t.teardown(() => stream.end());
    return stream;
  }

  async apply(filter: RenderedFilter): Promise<void> {
    this.applier.setDesired(filter);
    const inForce = await this.applier.applied();
    const { problems, waiting } = this.applier.status();
    if (!inForce || problems.length > 0) throw new Error(JSON.stringify({ problems, waiting }));
  }

  /** By somebody else, while packets go on. */
  async run(...command: readonly string[]): Promise<string> {
    return (await execute(this.#prefix[0]!, [...this.#prefix.slice(1), ...command])).stdout;
  }

  /** Until the exposure of this number is over. */
  async healed(number: number): Promise<boolean> {
    return await eventually(() => {
      const { exposureCount, exposures } = this.applier.status();
      return exposureCount === number + 1 && exposures.at(-1)?.untilMs !== undefined;
    }, 3000);
  }
}
