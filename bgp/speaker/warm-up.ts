/**
 * SHELL: runs the hot path on a throw-away speaker before the real one begins, over real sockets on loopback, so that V8 has compiled
 * it when the first routes come. Without that the first seconds of churn share their core with the optimising compiler.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Asn } from '../../core/asn.js';
import { type IpAddress, type Ipv4Address, ipv4ToNumber } from '../../core/ip-address.js';
import { Origin } from '../iana.js';
import { familyNumbers } from '../wire/capabilities.js';
import { encodeKeepalive } from '../wire/keepalive.js';
import { encodeOpen } from '../wire/open.js';
import { encodeUpdate } from '../wire/update.js';
import type { PeerConfig, SpeakerConfig, SpeakerEvent } from './contract.js';
import { peerDefaults, speakerDefaults } from './defaults.js';
import { Speaker } from './speaker.js';
import { systemClock } from './system-clock.js';
import { type Connection, plainTerms, type Transport } from './transport.js';

const SPEAKER = '127.0.0.1' as Ipv4Address;
const SOURCE = '127.0.0.2' as Ipv4Address;
const SINK = '127.0.0.3' as Ipv4Address;
/** RFC 5398: AS numbers that nobody has. */
const SPEAKER_ASN = 64496 as Asn;
const SOURCE_ASN = 64497 as Asn;
/** RFC 2544: addresses that nobody routes. */
const FIRST_PREFIX = ipv4ToNumber('198.18.0.0' as Ipv4Address);
const NEXT_HOP = ipv4ToNumber('192.0.2.1' as Ipv4Address);

/** NLRI of a host route; and an UPDATE that says nothing, with its two lengths at the end. */
const ROUTE_LENGTH = 5;
const EMPTY_UPDATE_LENGTH = 23;

const context = { fourOctetAs: true, ibgp: false };

const ROUTES = 4000;
const ROUTES_PER_UPDATE = 100;
/** Changes that come one by one, as under churn. */
const LONE_CHANGES = 60;

/**
 * Takes `budgetMs`, on a slow machine too. Whatever hinders it (no loopback, no free port) only leaves the speaker cold.
 *
 * A speaker of its own for each rehearsal: tables that grow and sessions that come up are as new to the compiled code as the real
 * ones will be.
 *
 * @param transport the one that the real speaker will have
 */
export async function warmUp(transport: Transport, budgetMs = 400): Promise<void> {
  const deadline = performance.now() + budgetMs;
  const script = newScript();
  while (performance.now() < deadline) {
    const rehearsal = new Rehearsal(transport, deadline);
    await rehearsal.run(script);
    rehearsal.close();
  }
}

/** UPDATEs of the source. */
interface Script {
  readonly packed: readonly Uint8Array[];
  readonly single: readonly Uint8Array[];
  readonly withdrawals: readonly Uint8Array[];
}

/** Messages are put together from a few that were encoded: to encode them all would take as long as the rehearsals. */
function newScript(): Script {
  const heads = Array.from({ length: 8 }, (_, set) => announcement(set));
  const each = (count: number) => Array.from({ length: count }, (_, i) => i);
  // Attribute sets in runs, as a table has them.
  const packed = each(ROUTES / ROUTES_PER_UPDATE).map(i =>
    withRoutes(heads[(i >> 1) % 4]!, ROUTES_PER_UPDATE * i, ROUTES_PER_UPDATE),
  );
  const single = each(ROUTES).map(i => withRoutes(heads[4 + ((i >> 4) % 4)]!, i, 1));
  const nothing = encodeUpdate({ withdrawn: [], announced: [], attributes: {} }, context);
  return { packed, single, withdrawals: each(ROUTES).map(i => withdrawal(nothing, i)) };
}

class Rehearsal {
  readonly #transport: Transport;
  readonly #deadline: number;
  readonly #speaker: Speaker;
  #port: number | undefined;
  #source: Connection | undefined;
  #sink: Connection | undefined;
  #written = 0;

  /** @param deadline by performance.now(): then it ends wherever it is */
  constructor(transport: Transport, deadline: number) {
    this.#transport = transport;
    this.#deadline = deadline;
    const onEvent = (event: SpeakerEvent) => this.#hear(event);
    this.#speaker = new Speaker({
      transport,
      clock: systemClock,
      random: Math.random,
      unixMs: Date.now,
      onEvent,
    });
    this.#speaker.command({ kind: 'configure', config: speakerConfig });
    this.#speaker.command({ kind: 'set-peer', peer: peerConfig(SOURCE, SOURCE_ASN) });
    this.#speaker.command({ kind: 'set-peer', peer: peerConfig(SINK, SPEAKER_ASN) });
    this.#speaker.command({ kind: 'configuration-complete' });
  }

  /** A table, its change route by route, churn, and its end. */
  async run({ packed, single, withdrawals }: Script): Promise<void> {
    await this.#until(() => this.#port !== undefined);
    this.#dial(SOURCE, SOURCE_ASN, connection => {
      this.#source = connection;
    });
    this.#dial(SINK, SPEAKER_ASN, connection => {
      this.#sink = connection;
    });
    await this.#until(() => this.#established(SOURCE) && this.#established(SINK));
    this.#pull(0);
    await this.#write(packed);
    await this.#write(single);
    for (let i = 0; i < LONE_CHANGES && this.#mayGoOn(); i++) {
      await this.#write([withdrawals[i]!]);
      await this.#write([single[i]!]);
    }
    await this.#write(withdrawals);
  }

  close(): void {
    this.#source?.destroy();
    this.#sink?.destroy();
    this.#speaker.command({ kind: 'close', goodbye: 'silent', message: '' });
  }

  #hear(event: SpeakerEvent): void {
    if (event.kind === 'ready') this.#port = event.listening[0]?.port;
    else if (event.kind === 'best-routes') this.#pull(event.batch.sequence);
    else if (event.kind === 'watch-next-hops') {
      const nextHops = event.nextHops.map(nextHop => ({ nextHop, reachable: true, metric: 0 }));
      this.#speaker.command({ kind: 'next-hop-status', nextHops });
    }
  }

  #pull(sequence: number): void {
    this.#speaker.command({ kind: 'pull-best-routes', family: 'ipv4-unicast', sequence });
  }

  #established(peer: IpAddress): boolean {
    return this.#speaker.peerStatus(peer)?.state === 'Established';
  }

  /** The other end of a session: says what it must and forgets what it hears. */
  #dial(from: Ipv4Address, asn: Asn, connected: (connection: Connection) => void): void {
    if (this.#port === undefined) return;
    const target = { address: SPEAKER, port: this.#port, localAddress: from, ...plainTerms };
    this.#transport.dial(target, {
      connected: connection => {
        connection.start({ received: () => {}, drained: () => {}, closed: () => {} });
        connection.write(openFrom(from, asn));
        connection.write(encodeKeepalive());
        connected(connection);
      },
      failed: () => {},
    });
  }

  /** Until the speaker has read all of it and acted on it. What it reads first ends within a message. */
  async #write(updates: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(updates);
    const within = updates.length === 1 ? bytes.length : bytes.length - Math.ceil(updates.at(-1)!.length / 2);
    this.#source?.write(bytes.subarray(0, within));
    if (within < bytes.length) {
      await nextTurn();
      this.#source?.write(bytes.subarray(within));
    }
    this.#written += updates.length;
    await this.#until(() => this.#received() >= this.#written);
  }

  #mayGoOn(): boolean {
    return performance.now() < this.#deadline;
  }

  #received(): number {
    return this.#speaker.peerStatus(SOURCE)?.counters.updatesReceived ?? 0;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && this.#mayGoOn()) await nextTurn();
  }
}

const speakerConfig: SpeakerConfig = {
  ...speakerDefaults,
  asn: SPEAKER_ASN,
  routerId: SPEAKER,
  listen: [{ address: SPEAKER, port: 0 }],
};

function peerConfig(address: Ipv4Address, asn: Asn): PeerConfig {
  return {
    ...peerDefaults,
    key: address,
    type: 'rehearsal',
    address,
    asn,
    localAddress: SPEAKER,
    passive: true,
    families: ['ipv4-unicast'],
    connectRetrySeconds: 120,
    idleHoldMaxSeconds: 120,
    gracefulRestart: false,
  };
}

function openFrom(routerId: Ipv4Address, asn: Asn): Uint8Array {
  return encodeOpen({
    version: 4,
    asn,
    holdTimeSeconds: 90,
    routerId,
    capabilities: [
      { kind: 'multiprotocol', ...familyNumbers('ipv4-unicast') },
      { kind: 'four-octet-as', asn },
    ],
  });
}

/** Without its prefixes. @param set tells attribute sets apart */
function announcement(set: number): Uint8Array {
  const attributes = {
    origin: Origin.igp,
    asPath: [{ type: 'sequence', asns: [SOURCE_ASN] }],
    nextHop: NEXT_HOP,
    communities: [set],
  } as const;
  return encodeUpdate({ withdrawn: [], announced: [], attributes }, context);
}

/** An UPDATE and, at its end, host routes from the `first` on. */
function withRoutes(head: Uint8Array, first: number, count: number): Uint8Array {
  const message = new Uint8Array(head.length + ROUTE_LENGTH * count);
  message.set(head);
  for (let i = 0; i < count; i++) writeRoute(message, head.length + ROUTE_LENGTH * i, first + i);
  new DataView(message.buffer).setUint16(16, message.length);
  return message;
}

/** One host route that is withdrawn, and no attributes. */
function withdrawal(nothing: Uint8Array, route: number): Uint8Array {
  const message = new Uint8Array(EMPTY_UPDATE_LENGTH + ROUTE_LENGTH);
  message.set(nothing);
  writeRoute(message, EMPTY_UPDATE_LENGTH - 2, route);
  const view = new DataView(message.buffer);
  view.setUint16(16, message.length);
  view.setUint16(19, ROUTE_LENGTH);
  return message;
}

function writeRoute(message: Uint8Array, at: number, route: number): void {
  message[at] = 32;
  new DataView(message.buffer).setUint32(at + 1, FIRST_PREFIX + route);
}
