/**
 * A process that is a speaker and nothing else: no store, no dataplane, every next hop reachable. What the bench measures and
 * what the keep-alive test blocks.
 *
 * Its set-up is the first argument as JSON; commands and answers go over Node's IPC channel; it ends with that channel.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import type { PeerConfig, SpeakerCommand, SpeakerEvent } from '../bgp/speaker/contract.js';
import { acceptAll, peerDefaults, rejectAll, speakerDefaults } from '../bgp/speaker/defaults.js';
import type { Asn } from '../core/asn.js';
import type { IpAddress, Ipv4Address } from '../core/ip-address.js';
import { startSpeaker } from './speaker-host.js';

export interface SpeakerProcessSetup {
  readonly thread: 'main' | 'worker';
  readonly address: string;
  readonly port: number;
  readonly asn: number;
  /** Keepalive is a third of it. */
  readonly holdTimeSeconds: number;
  readonly peers: readonly SpeakerProcessPeer[];
}

export interface SpeakerProcessPeer {
  readonly address: string;
  readonly asn: number;
  /** Whether routes of other peers go on to it. */
  readonly exports: boolean;
  /** Of a route reflector; by default it is none. */
  readonly client?: boolean;
}

export type SpeakerProcessCommand =
  | { readonly kind: 'count-routes' }
  /** Blocks the main thread by computing, as a long pause in the agent would; answered when it is over. */
  | { readonly kind: 'block-main-thread'; readonly seconds: number }
  /** After a garbage collection: the process needs `--expose-gc`, and its speaker to be in the main thread. */
  | { readonly kind: 'measure-memory' }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

export interface SpeakerProcessAnswer {
  /** For `count-routes`: accepted from all peers. */
  readonly routes: number | undefined;
  /** For `measure-memory`. */
  readonly memory: SpeakerProcessMemory | undefined;
}

export interface SpeakerProcessMemory {
  /** Objects and buffers that something still refers to. */
  readonly usedBytes: number;
  readonly residentBytes: number;
}

const setup = JSON.parse(process.argv[2] ?? '') as SpeakerProcessSetup;
const answers = new Map<number, (routes: number) => void>();
let queries = 0;

function peerConfig(peer: SpeakerProcessPeer): PeerConfig {
  return {
    ...peerDefaults,
    key: peer.address,
    type: 'bench',
    address: peer.address as IpAddress,
    port: setup.port,
    asn: peer.asn as Asn,
    localAddress: setup.address as IpAddress,
    passive: true,
    families: ['ipv4-unicast'],
    holdTimeSeconds: setup.holdTimeSeconds,
    gracefulRestart: false,
    routeReflectorClient: peer.client ?? false,
    exportPolicy: peer.exports ? acceptAll : rejectAll,
  };
}

function onEvent(event: SpeakerEvent): void {
  if (event.kind === 'watch-next-hops') {
    const nextHops = event.nextHops.map(nextHop => ({ nextHop, reachable: true, metric: 0 }));
    speaker.send({ kind: 'next-hop-status', nextHops });
  } else if (event.kind === 'answer' && event.answer.kind === 'peers') {
    answers.get(event.id)?.(event.answer.peers.reduce((sum, peer) => sum + peer.routes.accepted, 0));
  } else if (event.kind === 'listen-failed') {
    process.stderr.write(`${event.endpoint.address}: ${event.error}\n`);
    process.exit(1);
  }
}

function countRoutes(): Promise<number> {
  const id = ++queries;
  // A speaker in this thread answers before `send` returns.
  const answer = new Promise<number>(resolve => answers.set(id, resolve));
  speaker.send({ kind: 'query', id, query: { kind: 'peers' } });
  return answer;
}

function blockMainThread(seconds: number): void {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end);
}

function measureMemory(): SpeakerProcessMemory {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc');
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { usedBytes: heapUsed + external, residentBytes: rss };
}

const inspector = new Session();

async function execute(command: SpeakerProcessCommand): Promise<SpeakerProcessAnswer> {
  switch (command.kind) {
    case 'count-routes':
      return { routes: await countRoutes(), memory: undefined };
    case 'block-main-thread':
      blockMainThread(command.seconds);
      break;
    case 'measure-memory':
      return { routes: undefined, memory: measureMemory() };
    case 'start-profile':
      inspector.connect();
      await inspector.post('Profiler.enable');
      await inspector.post('Profiler.setSamplingInterval', { interval: 1000 });
      await inspector.post('Profiler.start');
      break;
    case 'stop-profile': {
      const { profile } = await inspector.post('Profiler.stop');
      writeFileSync(command.file, JSON.stringify(profile));
      break;
    }
  }
  return { routes: undefined, memory: undefined };
}

const speaker = await startSpeaker(setup.thread, onEvent);
const commands: readonly SpeakerCommand[] = [
  {
    kind: 'configure',
    config: {
      ...speakerDefaults,
      asn: setup.asn as Asn,
      routerId: setup.address as Ipv4Address,
      listen: [{ address: setup.address as IpAddress, port: setup.port }],
    },
  },
  ...setup.peers.map(peer => ({ kind: 'set-peer', peer: peerConfig(peer) }) as const),
  { kind: 'configuration-complete' },
];
for (const command of commands) speaker.send(command);

process.on('message', async (command: SpeakerProcessCommand) => {
  process.send?.(await execute(command));
});
process.on('disconnect', () => process.exit(0));
