/**
 * What becomes of each packet: from the device to the host that serves its destination, from a host to the device, or dropped, counted,
 * and answered as a router answers. Pure; hot path: what carries packets is behind a port, and a packet that goes through makes no object.
 */
import type { Clock } from '../../core/clock.js';
import { type Ipv4Address, ipv4ToNumber } from '../../core/ip-address.js';
import type { Ipv4Prefix } from '../../core/prefix.js';
import { RateLimit } from '../../core/rate-limit.js';
import { type IcmpError, icmpError, mayBeAnswered } from './icmp-error.js';
import {
  decrementTtl,
  destinationOf,
  dontFragment,
  headerChecksumIsRight,
  isWhole,
  ttlOf,
  versionOf,
} from './inner-packet.js';
import { RoutingTable } from './routing-table.js';

/** What became of a packet that was handed on. */
export type Outcome =
  | 'sent'
  /** The kernel has no room for it now. */
  | 'no-room'
  /** The datagram would be longer than the path takes. */
  | 'too-long'
  /** There is no way to the host. */
  | 'unreachable'
  /** Anything else; the carrier has noted what. */
  | 'failed';

export interface Carrier<Host> {
  toHost(packet: Uint8Array, length: number, host: Host): Outcome;
  toHostInFragments(packet: Uint8Array, length: number, host: Host): Outcome;
  toDevice(packet: Uint8Array, length: number): Outcome;
  /** The longest inner packet that the path to the host takes, in bytes; undefined if nobody knows. */
  innerMtu(host: Host): number | undefined;
  /** An error message to a sender, whole. */
  answer(packet: Uint8Array): void;
}

/** Packets since the process began. */
export interface Counters {
  /** From hosts, given to the device. */
  in: number;
  /** From the device, sent to hosts. */
  out: number;
  /** Datagrams from an address that is no known host's, or from another port than hosts send from. */
  droppedUnknownHost: number;
  droppedNoRoute: number;
  /** Datagrams that are no whole IPv4 packet, or whose header is damaged. */
  droppedMalformed: number;
  droppedTtlExpired: number;
  /** Longer than the path takes, and not to be fragmented. */
  droppedTooLong: number;
  /** The kernel had no room: more packets than can be carried. */
  droppedNoRoom: number;
  /** Everything else that went wrong with a packet. */
  errors: number;
}

export function newCounters(): Counters {
  return {
    in: 0,
    out: 0,
    droppedUnknownHost: 0,
    droppedNoRoute: 0,
    droppedMalformed: 0,
    droppedTtlExpired: 0,
    droppedTooLong: 0,
    droppedNoRoom: 0,
    errors: 0,
  };
}

export interface ForwardingTable<Host> {
  readonly routes: Iterable<readonly [Ipv4Prefix, Host]>;
  readonly knownHosts: Iterable<Ipv4Address>;
  /** That every host sends from: whoever else is on a known host cannot put packets into the tunnel. */
  readonly port: number;
  /** Who answers; undefined: nobody. */
  readonly answersFrom: Ipv4Address | undefined;
}

/** As Linux limits its own (net.ipv4.icmp_msgs_per_sec, icmp_msgs_burst). */
const ANSWERS_PER_SECOND = 1000;
const ANSWERS_BURST = 50;
/** RFC 791: every host takes as much; no path that takes less carries IPv4. */
const LEAST_MTU = 68;

export class Forwarder<Host> {
  readonly counters = newCounters();
  readonly #carrier: Carrier<Host>;
  readonly #answerLimit: RateLimit;
  #table = new RoutingTable<Host>([]);
  #knownHosts: ReadonlySet<number> = new Set();
  #port = 0;
  #answersFrom: Ipv4Address | undefined;

  constructor(carrier: Carrier<Host>, clock: Pick<Clock, 'now'>) {
    this.#carrier = carrier;
    this.#answerLimit = new RateLimit(clock, ANSWERS_PER_SECOND, ANSWERS_BURST);
  }

  setTable({ routes, knownHosts, port, answersFrom }: ForwardingTable<Host>): void {
    this.#table = new RoutingTable(routes);
    this.#knownHosts = new Set([...knownHosts].map(ipv4ToNumber));
    this.#port = port;
    this.#answersFrom = answersFrom;
  }

  /** The first `length` bytes are what the kernel has routed into the device. They are changed. */
  fromDevice(packet: Uint8Array, length: number): void {
    // The kernel talks IPv6 on every device that is up. This wire has no place for it, and nobody waits for an answer.
    if (versionOf(packet) === 6) return;
    const { counters } = this;
    if (!isWhole(packet, length)) {
      counters.droppedMalformed++;
    } else if (ttlOf(packet) <= 1) {
      counters.droppedTtlExpired++;
      this.#answer({ kind: 'time-exceeded' }, packet, length);
    } else {
      const host = this.#table.lookup(destinationOf(packet));
      if (host === undefined) {
        counters.droppedNoRoute++;
        this.#answer({ kind: 'net-unreachable' }, packet, length);
      } else {
        decrementTtl(packet);
        this.#sent(this.#carrier.toHost(packet, length, host), packet, length, host);
      }
    }
  }

  /** The first `length` bytes are what came in a datagram. @param sender in host order */
  fromHost(packet: Uint8Array, length: number, sender: number, senderPort: number): void {
    const { counters } = this;
    if (senderPort !== this.#port || !this.#knownHosts.has(sender)) counters.droppedUnknownHost++;
    else if (!isWhole(packet, length) || !headerChecksumIsRight(packet)) counters.droppedMalformed++;
    else {
      const outcome = this.#carrier.toDevice(packet, length);
      if (outcome === 'sent') counters.in++;
      else if (outcome === 'no-room') counters.droppedNoRoom++;
      else counters.errors++;
    }
  }

  #sent(outcome: Outcome, packet: Uint8Array, length: number, host: Host): void {
    const { counters } = this;
    switch (outcome) {
      case 'sent':
        counters.out++;
        break;
      case 'no-room':
        counters.droppedNoRoom++;
        break;
      case 'too-long':
        this.#tooLong(packet, length, host);
        break;
      case 'unreachable':
        counters.errors++;
        this.#answer({ kind: 'host-unreachable' }, packet, length);
        break;
      case 'failed':
        counters.errors++;
        break;
    }
  }

  /** RFC 1191: who asked for no fragments is told how much would fit; for others the datagram goes in pieces. */
  #tooLong(packet: Uint8Array, length: number, host: Host): void {
    const { counters } = this;
    if (dontFragment(packet)) {
      counters.droppedTooLong++;
      const mtu = this.#carrier.innerMtu(host);
      // Where it would fit by now, the sender's next try tells.
      if (mtu !== undefined && mtu < length) {
        this.#answer({ kind: 'fragmentation-needed', mtu: Math.max(LEAST_MTU, mtu) }, packet, length);
      }
      return;
    }
    const outcome = this.#carrier.toHostInFragments(packet, length, host);
    if (outcome === 'sent') counters.out++;
    else if (outcome === 'no-room') counters.droppedNoRoom++;
    else counters.errors++;
  }

  #answer(error: IcmpError, packet: Uint8Array, length: number): void {
    const source = this.#answersFrom;
    if (source === undefined || !mayBeAnswered(packet, length) || !this.#answerLimit.take()) return;
    this.#carrier.answer(icmpError(error, source, packet, length));
  }
}
