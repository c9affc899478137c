/**
 * One of somebody else's daemons and a speaker of ours, each in a network namespace, on the two ends of a veth pair:
 *
 *     daemon 10.88.0.1/24 eth0 --- eth0 10.88.0.2/24 our speaker
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ask } from '../../../bench/daemons/processes.js';
import type { Family } from '../../../bgp/family.js';
import type { PeerConfig } from '../../../bgp/speaker/contract.js';
import { join, makeNamespace, type NetworkNamespace } from '../../support/network-namespace.js';
import { type OurBeginning, type OurSetup, OurSpeaker } from './our-speaker.js';
import type { GracefulRestart, InteropPeer, PeerSetup, RunningPeer } from './peers/interop-peer.js';

export const DAEMON = '10.88.0.1';
export const OURS = '10.88.0.2';
/** The same two where the session is one over IPv6; their BGP Identifiers stay. */
export const DAEMON_V6 = 'fd88::1';
export const OURS_V6 = 'fd88::2';
/** A second speaker of ours, in the first one's namespace. */
export const SECOND = '10.88.0.3';

export interface Relation {
  readonly name: string;
  readonly asns: { readonly daemon: number; readonly ours: number };
  readonly port: number;
}

/** Every scenario meets each daemon on both terms. */
export const relations: readonly Relation[] = [
  { name: 'inside an AS on port 179', asns: { daemon: 64_512, ours: 64_512 }, port: 179 },
  {
    name: 'between two ASes above 65535 on port 1790',
    asns: { daemon: 4_200_000_001, ours: 4_200_000_002 },
    port: 1790,
  },
];

export interface Terms extends Omit<Relation, 'name'> {
  readonly dials?: 'ours' | 'daemon' | 'both';
  /** What each end offers; 90 by default. */
  readonly holdTimeSeconds?: { readonly ours: number; readonly daemon: number };
  /** Of the daemon; ours has it where that one has. */
  readonly gracefulRestart?: GracefulRestart;
  readonly routerId?: string;
  readonly clockRate?: number;
  readonly collides?: boolean;
  /** Who is a route reflector (RFC 4456), with the two others as its clients. */
  readonly reflector?: 'ours' | 'daemon';
  /** More of the daemon's. */
  readonly theirs?: Partial<
    Pick<
      PeerSetup,
      | 'password'
      | 'ttlSecurity'
      | 'extensions'
      | 'restartTimeSeconds'
      | 'longLivedSeconds'
      | 'communities'
      | 'ownWords'
      | 'kernelRoutes'
    >
  >;
  /** More of what we are told of it. */
  readonly peer?: Partial<PeerConfig>;
  /** We know no peer but this range. */
  readonly range?: string;
  /** The session is one over IPv6, and has these families. */
  readonly overIpv6?: readonly Family[];
}

export class Meeting {
  readonly #t: ExecutionContext;
  readonly #with: InteropPeer;
  readonly #terms: Terms;
  readonly #theirs: NetworkNamespace;
  readonly #ours: NetworkNamespace;
  readonly #directory: string;

  constructor(t: ExecutionContext, peer: InteropPeer, terms: Terms) {
    this.#t = t;
    this.#with = peer;
    this.#terms = terms;
    this.#theirs = makeNamespace(t);
    this.#ours = makeNamespace(t);
    join(this.#theirs, INTERFACE, this.#ours, INTERFACE);
    this.#theirs.ip(`address add ${DAEMON}/24 dev ${INTERFACE}`);
    this.#ours.ip(`address add ${OURS}/24 dev ${INTERFACE}`);
    this.#theirs.ip(`address add ${DAEMON_V6}/64 dev ${INTERFACE} nodad`);
    this.#ours.ip(`address add ${OURS_V6}/64 dev ${INTERFACE} nodad`);
    if (terms.reflector !== undefined) this.#ours.ip(`address add ${SECOND}/24 dev ${INTERFACE}`);
    const run = process.env.MARGAY_RUN_ID ?? process.pid.toString(36);
    this.#directory = mkdtempSync(path(tmpdir(), `mgy-${run}-interop-`));
    t.teardown(() => rmSync(this.#directory, { recursive: true, force: true }));
  }

  async startDaemon(
    originates: readonly string[],
    beginning: 'fresh' | 'after-crash' = 'fresh',
  ): Promise<RunningPeer> {
    const { asns, port, dials = 'ours', holdTimeSeconds, gracefulRestart = 'off', overIpv6 } = this.#terms;
    const setup = {
      networkNamespace: this.#theirs.name,
      directory: this.#directory,
      address: DAEMON,
      asn: asns.daemon,
      port,
      speaker: { address: OURS, asn: asns.ours },
      dials: dials !== 'ours',
      holdTimeSeconds: holdTimeSeconds?.daemon ?? 90,
      gracefulRestart,
      kernelRoutes: false,
      originates,
      ...(this.#terms.reflector === 'daemon' ? { clients: [OURS, SECOND] } : {}),
      ...(overIpv6 === undefined
        ? {}
        : {
            address: DAEMON_V6,
            routerId: DAEMON,
            speaker: { address: OURS_V6, asn: asns.ours },
            families: overIpv6,
          }),
      ...this.#terms.theirs,
    };
    const running = await this.#with.start(setup, beginning);
    this.#t.teardown(() => running.kill());
    return running;
  }

  /** At {@link SECOND}, with the reflector as its peer. */
  startSecond(announces: readonly string[]): OurSpeaker {
    const { asns, port, reflector } = this.#terms;
    const asn = asns.ours;
    const peer = { address: reflector === 'daemon' ? DAEMON : OURS, asn };
    return this.#start({ ...this.#ourSetup(announces), address: SECOND, routerId: SECOND, asn, port, peer });
  }

  startOurs(announces: readonly string[], beginning: OurBeginning = 'fresh'): OurSpeaker {
    const clients = this.#terms.reflector === 'ours' ? { clients: [DAEMON, SECOND] } : {};
    return this.#start({ ...this.#ourSetup(announces), ...clients }, beginning);
  }

  #ourSetup(announces: readonly string[]): OurSetup {
    const terms = this.#terms;
    const { asns, port, dials = 'ours', holdTimeSeconds, gracefulRestart = 'off', overIpv6 } = terms;
    return {
      networkNamespace: this.#ours.name,
      directory: this.#directory,
      address: overIpv6 === undefined ? OURS : OURS_V6,
      routerId: terms.routerId ?? OURS,
      asn: asns.ours,
      port,
      peer: { address: overIpv6 === undefined ? DAEMON : DAEMON_V6, asn: asns.daemon },
      dials: dials !== 'daemon',
      holdTimeSeconds: holdTimeSeconds?.ours ?? 90,
      connectRetrySeconds: 1,
      gracefulRestart: gracefulRestart !== 'off',
      announces,
      more: { ...(overIpv6 === undefined ? {} : { families: overIpv6 }), ...terms.peer },
      range: terms.range,
      process: { clockRate: terms.clockRate ?? 1, collides: terms.collides ?? false },
    };
  }

  #start(setup: OurSetup, beginning: OurBeginning = 'fresh'): OurSpeaker {
    const speaker = new OurSpeaker(setup, beginning);
    this.#t.teardown(() => speaker.kill());
    return speaker;
  }

  /** TCP connections between the two that are up, as the kernel at our end counts them. */
  async connections(): Promise<number> {
    return countLines(await this.#run('ours', 'ss', '-Htn', 'state', 'established', 'dst', DAEMON));
  }

  /** Both ends see their connections reset; false where this machine's kernel cannot do that. */
  async resetConnections(): Promise<boolean> {
    return countLines(await this.#run('ours', 'ss', '-KHtn', 'dst', DAEMON)) > 0;
  }

  /** Nothing gets from one to the other any more, and no interface tells. */
  async cutPath(): Promise<void> {
    await Promise.all([this.#silence('ours'), this.#silence('daemon')]);
  }

  async mendPath(): Promise<void> {
    await Promise.all([this.#unsilence('ours'), this.#unsilence('daemon')]);
  }

  /**
   * That end is gone as by a power failure, and until {@link restorePower} nothing leaves its host, neither FIN nor RST. False where
   * this machine's kernel cannot do that.
   *
   * @param end ends its process
   */
  async losePower(host: Host, end: () => Promise<void>): Promise<boolean> {
    await this.#silence(host);
    await end();
    await this.#run(host, 'ss', '-KHtn');
    return countLines(await this.#run(host, 'ss', '-Htn')) === 0;
  }

  async restorePower(host: Host): Promise<void> {
    await this.#unsilence(host);
  }

  async #silence(host: Host): Promise<void> {
    const towards = host === 'ours' ? DAEMON : OURS;
    await this.#run(host, 'ip', 'rule', 'add', 'pref', '1', 'to', towards, 'blackhole');
  }

  async #unsilence(host: Host): Promise<void> {
    await this.#run(host, 'ip', 'rule', 'delete', 'pref', '1');
  }

  /** Not synchronous: other tests of the file are at work. */
  #run(host: Host, command: string, ...args: readonly string[]): Promise<string> {
    const networkNamespace = (host === 'ours' ? this.#ours : this.#theirs).name;
    return ask({ networkNamespace, directory: this.#directory }, { command, args, env: {} });
  }
}

type Host = 'ours' | 'daemon';

function countLines(text: string): number {
  return text.split('\n').filter(Boolean).length;
}

const INTERFACE = 'eth0';
