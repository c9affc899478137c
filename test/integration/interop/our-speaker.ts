/** A speaker of ours in a process and a network namespace of its own, driven over the speaker's contract, with one peer. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { exited, kill, launch, type Place } from '../../../bench/daemons/processes.js';
import type {
  OriginatedRoute,
  PeerConfig,
  PeerStatus,
  RouteDetail,
  RouteTable,
  SpeakerAnswer,
  SpeakerCommand,
  SpeakerConfig,
  SpeakerEvent,
  SpeakerQuery,
} from '../../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../../bgp/speaker/defaults.js';
import type { Asn } from '../../../core/asn.js';
import type { IpAddress, Ipv4Address } from '../../../core/ip-address.js';
import type { Prefix } from '../../../core/prefix.js';
import type { SpeakerProcessOptions } from './speaker-process.js';

const PROCESS_FILE = fileURLToPath(new URL('./speaker-process.js', import.meta.url));
const RESTART_TIME_SECONDS = 30;

/** On every route that it announces. */
export const COMMUNITY = '64512:7';
const COMMUNITY_NUMBER = 64512 * 65536 + 7;

export interface OurSetup extends Place {
  readonly address: string;
  readonly routerId: string;
  readonly asn: number;
  /** TCP port of both ends. */
  readonly port: number;
  readonly peer: { readonly address: string; readonly asn: number };
  readonly dials: boolean;
  readonly holdTimeSeconds: number;
  readonly connectRetrySeconds: number;
  readonly gracefulRestart: boolean;
  readonly announces: readonly string[];
  /** Clients of ours (RFC 4456) by address, the peer among them or not: others than the peer are peers as well, of our own AS. */
  readonly clients?: readonly string[];
  readonly more: Partial<PeerConfig>;
  /** Instead of a peer that is configured. */
  readonly range: string | undefined;
  readonly process: SpeakerProcessOptions;
}

/**
 * `restarting`: as an agent that found its routes in the kernel (RFC 4724 section 4.1); `-unconfigured`: one whose store is slow, until
 * {@link OurSpeaker.completeConfiguration}.
 */
export type OurBeginning = 'fresh' | 'restarting' | 'restarting-unconfigured';

interface Waiting {
  readonly resolve: (answer: SpeakerAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class OurSpeaker {
  readonly #child: ChildProcess;
  readonly #setup: OurSetup;
  readonly #answers = new Map<number, Waiting>();
  #queries = 0;

  constructor(setup: OurSetup, beginning: OurBeginning) {
    const args = [PROCESS_FILE, JSON.stringify(setup.process)];
    this.#child = launch(setup, { command: process.execPath, args, env: {} }, 'ipc');
    this.#child.on('message', (event: SpeakerEvent) => this.#hear(event));
    this.#child.on('exit', () => this.#ended());
    this.#send({ kind: 'configure', config: speakerConfig(setup, beginning) });
    this.#setup = setup;
    if (setup.range === undefined) this.change({});
    else this.#setRange(setup, setup.range);
    for (const address of setup.clients ?? []) {
      if (address === setup.peer.address) continue;
      const client = { ...setup, peer: { address, asn: setup.asn }, dials: false };
      this.#send({ kind: 'set-peer', peer: { ...peerConfig(client), key: address } });
    }
    this.announce(...setup.announces);
    if (beginning !== 'restarting-unconfigured') this.completeConfiguration();
  }

  /** The configuration of the peer. */
  change(more: Partial<PeerConfig>): void {
    this.#send({ kind: 'set-peer', peer: { ...peerConfig(this.#setup), ...more } });
  }

  clear(how: 'hard' | 'soft-in' | 'soft-out', message = ''): void {
    this.#send({ kind: 'clear-peer', key: 'peer', how, message });
  }

  completeConfiguration(): void {
    this.#send({ kind: 'configuration-complete' });
  }

  announce(...prefixes: readonly string[]): void {
    const routes = prefixes.map(prefix => ({
      prefix: prefix as Prefix,
      nextHop: undefined,
      communities: [COMMUNITY_NUMBER],
      largeCommunities: [],
      localPref: undefined,
      med: undefined,
    }));
    this.#send({ kind: 'originate', routes });
  }

  withdraw(...prefixes: readonly string[]): void {
    this.#send({ kind: 'withdraw', prefixes: prefixes as readonly Prefix[] });
  }

  async status(): Promise<PeerStatus> {
    const answer = await this.#query({ kind: 'peers' });
    return (answer as Extract<SpeakerAnswer, { kind: 'peers' }>).peers[0]!;
  }

  async established(): Promise<boolean> {
    return (await this.status())?.state === 'Established';
  }

  /** Best routes that came from the peer, by prefix. */
  async routes(table: RouteTable = { kind: 'best' }): Promise<ReadonlyMap<string, RouteDetail>> {
    const families = this.#setup.more.families ?? (['ipv4-unicast'] as const);
    const answers = await Promise.all(
      families.map(family =>
        this.#query({
          kind: 'routes',
          table,
          family,
          prefix: undefined,
          after: undefined,
          limit: 1000,
        }),
      ),
    );
    const routes = answers.flatMap(answer => (answer as Extract<SpeakerAnswer, { kind: 'routes' }>).routes);
    return new Map(routes.filter(({ from }) => from !== 'own').map(route => [route.prefix, route]));
  }

  /** All paths to a prefix that others told. */
  async paths(prefix: string): Promise<readonly RouteDetail[]> {
    const answer = await this.#query({
      kind: 'routes',
      table: { kind: 'all-paths' },
      family: 'ipv4-unicast',
      prefix: prefix as Prefix,
      after: undefined,
      limit: 1000,
    });
    const { routes } = answer as Extract<SpeakerAnswer, { kind: 'routes' }>;
    return routes.filter(({ from }) => from !== 'own');
  }

  /** Routes with a next hop of their own. */
  announceVia(nextHop: string, communities: readonly number[], ...prefixes: readonly string[]): void {
    const routes = prefixes.map(prefix => ({
      prefix: prefix as Prefix,
      nextHop: nextHop as IpAddress,
      communities,
      largeCommunities: [],
      localPref: undefined,
      med: undefined,
    }));
    this.#send({ kind: 'originate', routes });
  }

  /** Routes with other communities than {@link COMMUNITY}. */
  announceWith(
    communities: readonly number[],
    largeCommunities: OriginatedRoute['largeCommunities'],
    ...prefixes: readonly string[]
  ): void {
    const more = { nextHop: undefined, communities, largeCommunities, localPref: undefined, med: undefined };
    const routes = prefixes.map(prefix => ({ prefix: prefix as Prefix, ...more }));
    this.#send({ kind: 'originate', routes });
  }

  /** Cease, and the process ends. */
  async close(): Promise<void> {
    this.#send({ kind: 'close', goodbye: 'cease', message: '' });
    await exited(this.#child);
  }

  /** SIGKILL: the kernel closes the connection, nobody says a word. */
  async kill(): Promise<void> {
    await kill(this.#child, 'SIGKILL');
  }

  #setRange(setup: OurSetup, prefix: string): void {
    const { key: _key, address: _address, asn, passive: _passive, ...template } = peerConfig(setup);
    const range = { key: 'range', prefix: prefix as Prefix, asns: [{ first: asn, last: asn }] };
    this.#send({ kind: 'set-peer-range', range: { ...range, limit: 1, idleRemovalSeconds: 60, template } });
  }

  #send(command: SpeakerCommand): void {
    this.#child.send(command);
  }

  /** @throws if the process ends before it has answered */
  #query(query: SpeakerQuery): Promise<SpeakerAnswer> {
    const id = ++this.#queries;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#send({ kind: 'query', id, query });
    });
  }

  #hear(event: SpeakerEvent): void {
    if (event.kind !== 'answer') return;
    this.#answers.get(event.id)?.resolve(event.answer);
    this.#answers.delete(event.id);
  }

  #ended(): void {
    for (const { reject } of this.#answers.values()) reject(new Error('our speaker has ended'));
    this.#answers.clear();
  }
}

function speakerConfig({ address, routerId, asn, port }: OurSetup, beginning: OurBeginning): SpeakerConfig {
  return {
    ...speakerDefaults,
    asn: asn as Asn,
    routerId: routerId as Ipv4Address,
    listen: [{ address: address as IpAddress, port }],
    gracefulRestart: {
      restartTimeSeconds: RESTART_TIME_SECONDS,
      staleTimeSeconds: RESTART_TIME_SECONDS,
      selectionDeferralSeconds: RESTART_TIME_SECONDS,
      forwardingPreserved: ['ipv4-unicast'],
    },
    restarting: beginning !== 'fresh',
  };
}

function peerConfig(setup: OurSetup): PeerConfig {
  const { address, asn } = setup.peer;
  return {
    ...peerDefaults,
    key: 'peer',
    address: address as IpAddress,
    port: setup.port,
    asn: asn as Asn,
    localAddress: setup.address as IpAddress,
    passive: !setup.dials,
    families: ['ipv4-unicast'],
    holdTimeSeconds: setup.holdTimeSeconds,
    connectRetrySeconds: setup.connectRetrySeconds,
    gracefulRestart: setup.gracefulRestart,
    routeReflectorClient: setup.clients?.includes(address) ?? false,
    ...setup.more,
  };
}
