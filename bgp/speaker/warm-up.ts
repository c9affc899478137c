/**
 * SHELL: runs the hot path on a throw-away speaker before the real one begins, over real sockets on loopback, so that V8 has compiled
 * it when the first routes come. Without that the first seconds of churn share their core with the optimising compiler.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Asn } from '../../core/asn.js';
import { type IpAddress, type Ipv4Address, ipv4FromNumber, ipv4ToNumber } from '../../core/ip-address.js';
import { type Prefix, prefixOf } from '../../core/prefix.js';
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

const ROUTES = 4000;
const ROUTES_PER_UPDATE = 100;
/** Changes that come one by one, as under churn. */
const LONE_CHANGES = 250;

/**
 * Takes `budgetMs` and a round more (some 100 ms). Whatever hinders it (no loopback, no free port) only leaves the speaker cold.
 *
 * @param transport the one that the real speaker will have
 */
export async function warmUp(transport: Transport, budgetMs = 300): Promise<void> {
  const deadline = performance.now() + budgetMs;
  const rehearsal = new Rehearsal(transport, () => performance.now() < deadline);
  await rehearsal.run();
  rehearsal.close();
}

class Rehearsal {
  readonly #transport: Transport;
  readonly #mayGoOn: () => boolean;
  readonly #speaker: Speaker;
  #port: number | undefined;
  #source: Connection | undefined;
  #sink: Connection | undefined;
  #written = 0;

  constructor(transport: Transport, mayGoOn: () => boolean) {
    this.#transport = transport;
    this.#mayGoOn = mayGoOn;
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

  /** A table, its change route by route, churn, and its end; again and again. */
  async run(): Promise<void> {
    await this.#until(() => this.#port !== undefined);
    this.#dial(SOURCE, SOURCE_ASN, connection => {
      this.#source = connection;
    });
    this.#dial(SINK, SPEAKER_ASN, connection => {
      this.#sink = connection;
    });
    await this.#until(() => this.#established(SOURCE) && this.#established(SINK));
    this.#pull(0);
    const prefixes = Array.from({ length: ROUTES }, (_, i) => prefixOf(ipv4FromNumber(FIRST_PREFIX + i), 32));
    const packed = batches(prefixes, ROUTES_PER_UPDATE).map((batch, i) => announcement(batch, i % 4));
    const single = prefixes.map((prefix, i) => announcement([prefix], 4 + (i % 4)));
    const withdrawals = prefixes.map(prefix => withdrawal(prefix));
    while (this.#mayGoOn()) {
      await this.#write(packed);
      await this.#write(single);
      for (let i = 0; i < LONE_CHANGES && this.#mayGoOn(); i++) {
        await this.#write([withdrawals[i]!]);
        await this.#write([single[i]!]);
      }
      await this.#write(withdrawals);
    }
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

  /** Until the speaker has read all of it and acted on it. */
  async #write(updates: readonly Uint8Array[]): Promise<void> {
    this.#source?.write(Buffer.concat(updates));
    this.#written += updates.length;
    await this.#until(() => this.#received() >= this.#written);
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

/** @param set tells attribute sets apart */
function announcement(announced: readonly Prefix[], set: number): Uint8Array {
  const attributes = {
    origin: Origin.igp,
    asPath: [{ type: 'sequence', asns: [SOURCE_ASN] }],
    nextHop: NEXT_HOP,
    communities: [set],
  } as const;
  return encodeUpdate({ withdrawn: [], announced, attributes }, { fourOctetAs: true, ibgp: false });
}

function withdrawal(prefix: Prefix): Uint8Array {
  const update = { withdrawn: [prefix], announced: [], attributes: {} };
  return encodeUpdate(update, { fourOctetAs: true, ibgp: false });
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
