/** A speaker of ours in a process and a network namespace of its own, driven over the speaker's contract. */
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { exited, kill, launch } from '../../bench/daemons/processes.js';
import type { Family } from '../../bgp/family.js';
import type {
  PeerConfig,
  PeerStatus,
  RouteDetail,
  SpeakerAnswer,
  SpeakerCommand,
  SpeakerConfig,
  SpeakerEvent,
  SpeakerQuery,
} from '../../bgp/speaker/contract.js';
import { peerDefaults, speakerDefaults } from '../../bgp/speaker/defaults.js';
import type { Asn } from '../../core/asn.js';
import { addressFamily, type IpAddress, type Ipv4Address } from '../../core/ip-address.js';
import type { Prefix } from '../../core/prefix.js';
import { eventually } from './eventually.js';

const PROCESS_FILE = fileURLToPath(new URL('../integration/interop/speaker-process.js', import.meta.url));

export class NamespacedSpeaker {
  /** All that it has said, as it came over the wire between threads or processes. */
  readonly events: SpeakerEvent[] = [];
  readonly namespace: string;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (answer: SpeakerAnswer) => void>();
  #queries = 0;

  constructor(
    t: ExecutionContext,
    namespace: string,
    config: Partial<Omit<SpeakerConfig, 'asn' | 'routerId'>> & {
      readonly asn: number;
      readonly routerId: string;
    },
  ) {
    this.namespace = namespace;
    const place = { networkNamespace: namespace, directory: tmpdir() };
    const args = [PROCESS_FILE, JSON.stringify({ clockRate: 1, collides: false })];
    this.#child = launch(place, { command: process.execPath, args, env: {} }, 'ipc');
    this.#child.on('message', (event: SpeakerEvent) => this.#hear(event));
    t.teardown(() => this.kill());
    const { asn, routerId, ...rest } = config;
    const whole = { ...speakerDefaults, ...rest, asn: asn as Asn, routerId: routerId as Ipv4Address };
    this.send({ kind: 'configure', config: whole });
    this.send({ kind: 'configuration-complete' });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  send(command: SpeakerCommand): void {
    this.#child.send(command);
  }

  setPeer(peer: PeerConfig): void {
    this.send({ kind: 'set-peer', peer });
  }

  announce(prefix: string): void {
    const nothing = { communities: [], largeCommunities: [], localPref: undefined, med: undefined };
    const route = { prefix: prefix as Prefix, nextHop: undefined, ...nothing };
    this.send({ kind: 'originate', routes: [route] });
  }

  async peers(): Promise<readonly PeerStatus[]> {
    const answer = await this.#query({ kind: 'peers' });
    return (answer as Extract<SpeakerAnswer, { kind: 'peers' }>).peers;
  }

  async peer(key: string): Promise<PeerStatus | undefined> {
    return (await this.peers()).find(peer => peer.key === key);
  }

  listens(): Promise<boolean> {
    return eventually(() => this.events.some(({ kind }) => kind === 'ready'), 20_000);
  }

  established(key: string, withinMs = 20_000): Promise<boolean> {
    return eventually(async () => (await this.peer(key))?.state === 'Established', withinMs, 50);
  }

  /** Prefixes of best routes that peers told it. */
  async learnt(family: Family = 'ipv4-unicast'): Promise<readonly string[]> {
    const query = {
      kind: 'routes',
      table: { kind: 'best' },
      family,
      prefix: undefined,
      after: undefined,
      limit: 1000,
    } as const;
    const { routes } = (await this.#query(query)) as { routes: readonly RouteDetail[] };
    return routes.filter(({ from }) => from !== 'own').map(({ prefix }) => prefix);
  }

  async kill(): Promise<void> {
    await kill(this.#child, 'SIGKILL');
  }

  /** Cease, and the process ends. */
  async close(): Promise<void> {
    this.send({ kind: 'close', goodbye: 'cease', message: '' });
    await exited(this.#child);
  }

  #query(query: SpeakerQuery): Promise<SpeakerAnswer> {
    const id = ++this.#queries;
    return new Promise(resolve => {
      this.#answers.set(id, resolve);
      this.send({ kind: 'query', id, query });
    });
  }

  #hear(event: SpeakerEvent): void {
    this.events.push(event);
    if (event.kind !== 'answer') return;
    this.#answers.get(event.id)?.(event.answer);
    this.#answers.delete(event.id);
  }
}

/** One that is tried again every second, with no more than IPv4 routes. */
export function testPeer(
  key: string,
  address: string,
  asn: number,
  more: Partial<PeerConfig> = {},
): PeerConfig {
  return {
    ...peerDefaults,
    key,
    address: address as IpAddress,
    asn: asn as Asn,
    families: [addressFamily(address as IpAddress) === 'ipv4' ? 'ipv4-unicast' : 'ipv6-unicast'],
    connectRetrySeconds: 1,
    idleHoldMaxSeconds: 2,
    gracefulRestart: false,
    ...more,
  };
}
