/**
 * All BFD sessions of this host: which packet is for which of them (RFC 5880 section 6.8.6, RFC 5881 section 3, RFC 5883 section 4),
 * their discriminators, and the ways to their peers, which are opened again and again where they cannot be.
 *
 * A packet that names a session by its discriminator must come from that session's peer all the same, over the path of that session:
 * whoever guesses a discriminator needs the address as well, and a TTL of 255 where the peer is one hop away.
 */
import type { Timer } from '../../core/clock.js';
import type { BfdCommand, BfdReport, BfdSessionConfig, BfdSessionStatus, BfdView } from './contract.js';
import { type ControlPacket, decodeControlPacket } from './control-packet.js';
import { FloodWatch } from './flood-watch.js';
import { BfdSession, type SessionPorts } from './session.js';
import type { BfdArrival, BfdChannel, BfdPath, BfdTransport } from './transport.js';

export interface BfdOptions extends Pick<SessionPorts, 'clock' | 'random' | 'unixMs'> {
  readonly transport: BfdTransport;
  readonly onReport: (report: BfdReport) => void;
}

interface Member {
  readonly session: BfdSession;
  /** Undefined: there is no way to the peer now; `retry` looks for one. */
  channel: BfdChannel | undefined;
  retry: Timer | undefined;
  /** Ends its goodbye. */
  leaving: Timer | undefined;
  /** What stands in its way. */
  info: string;
}

const RETRY_MS = 1000;
/** Until a second goodbye, should the first be lost. */
const GOODBYE_PAUSE_MS = 100;
/** How long a goodbye may last, whatever intervals the peer asks for: three of the slowest that we ask for ourselves, and some more. */
const LONGEST_GOODBYE_MS = 5000;

export class Bfd {
  readonly #options: BfdOptions;
  readonly #members = new Map<string, Member>();
  readonly #byPath = new Map<string, Member>();
  readonly #discriminators = new Set<number>();
  readonly #discarded = { strangers: 0, wrongTtl: 0, malformed: 0 };
  readonly #flood: FloodWatch;
  #closing = false;

  constructor(options: BfdOptions) {
    this.#options = options;
    this.#flood = new FloodWatch(options.clock, options.transport);
    options.transport.receiver = arrival => this.#receive(arrival);
  }

  command(command: BfdCommand): void {
    switch (command.kind) {
      case 'set-session':
        this.#set(command.session);
        return;
      case 'remove-session':
        this.#remove(command.key);
        return;
      case 'query':
        this.#options.onReport({ kind: 'answer', id: command.id, view: this.#view() });
        return;
      case 'close':
        this.#close();
        return;
    }
  }

  // ---------------------------------------------------------------- commands

  #set(config: BfdSessionConfig): void {
    if (this.#closing) return;
    const member = this.#members.get(config.key);
    if (member === undefined || !samePath(member.session.config, config)) {
      if (member !== undefined) this.#forget(config.key, member);
      this.#begin(config);
      return;
    }
    member.leaving?.cancel();
    member.leaving = undefined;
    member.session.configure(config);
  }

  #begin(config: BfdSessionConfig): void {
    const { key } = config;
    const way = this.#open(config);
    // Where there is no way out there is a session all the same: whoever looks sees why it does not come up.
    const discriminator = this.#newDiscriminator();
    const session = new BfdSession(discriminator, config, {
      ...this.#options,
      catchUp: () => this.#options.transport.catchUp(),
      send: packet => this.#send(way.channel, key, packet),
      changed: () => this.#changed(key),
    });
    const member: Member = { session, ...way, retry: undefined, leaving: undefined };
    this.#members.set(key, member);
    this.#discriminators.add(discriminator);
    if (way.channel === undefined) this.#log('no way to a BFD peer, trying again', config, way.info);
    this.#opened(member);
    this.#tell(member);
  }

  #remove(key: string): void {
    const member = this.#members.get(key);
    if (member === undefined || member.leaving !== undefined) return;
    const patience = member.session.disable();
    member.leaving = this.#options.clock.schedule(Math.min(patience, LONGEST_GOODBYE_MS), () => {
      if (patience > LONGEST_GOODBYE_MS) member.session.repeat();
      this.#forget(key, member);
      this.#options.onReport({ kind: 'session-removed', key });
    });
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const { session } of this.#members.values()) session.disable();
    this.#options.clock.schedule(GOODBYE_PAUSE_MS, () => {
      for (const [key, member] of this.#members) {
        member.session.repeat();
        this.#forget(key, member);
      }
      this.#flood.close();
      this.#options.transport.close();
      this.#options.onReport({ kind: 'closed' });
    });
  }

  #forget(key: string, member: Member): void {
    this.#members.delete(key);
    this.#discriminators.delete(member.session.localDiscriminator);
    member.session.close();
    member.retry?.cancel();
    member.leaving?.cancel();
    this.#shut(member);
  }

  // ---------------------------------------------------------------- ways

  #open(path: BfdPath): Pick<Member, 'channel' | 'info'> {
    try {
      const channel = this.#options.transport.open(path);
      if (!this.#byPath.has(pathOf(path, channel))) return { channel, info: '' };
      channel.close();
      return { channel: undefined, info: 'another session has the same path' };
    } catch (error) {
      return { channel: undefined, info: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Enters the way that was found, or looks again later. */
  #opened(member: Member): void {
    const { session, channel } = member;
    if (channel !== undefined) this.#byPath.set(pathOf(session.config, channel), member);
    else member.retry = this.#options.clock.schedule(RETRY_MS, () => this.#reopen(member));
  }

  #reopen(member: Member): void {
    this.#shut(member);
    Object.assign(member, this.#open(member.session.config), { retry: undefined });
    this.#opened(member);
    this.#tell(member);
  }

  #shut(member: Member): void {
    const { session, channel } = member;
    if (channel === undefined) return;
    this.#byPath.delete(pathOf(session.config, channel));
    channel.close();
    member.channel = undefined;
  }

  /** @param first where the session itself is not entered yet */
  #send(first: BfdChannel | undefined, key: string, packet: Uint8Array): void {
    const member = this.#members.get(key);
    const channel = member === undefined ? first : member.channel;
    if (channel === undefined) return;
    const problem = channel.send(packet);
    if (member === undefined) return;
    const info = problem === undefined ? '' : `cannot send: ${problem.code}`;
    if (problem?.final === true)
      member.retry ??= this.#options.clock.schedule(RETRY_MS, () => this.#reopen(member));
    if (info === member.info) return;
    member.info = info;
    this.#tell(member);
  }

  // ---------------------------------------------------------------- packets

  #receive(arrival: BfdArrival): void {
    const member = this.#byPath.get(pathOf({ ...arrival, address: arrival.source }, arrival));
    if (!arrival.ttlRight) {
      if (member !== undefined) member.session.counters.wrongTtl++;
      this.#discard('wrongTtl');
      return;
    }
    const packet = decodeControlPacket(arrival.bytes);
    if (typeof packet === 'string') this.#discard('malformed');
    else if (member === undefined || !isFor(packet, member)) this.#discard('strangers');
    else member.session.receive(packet);
  }

  #discard(why: 'strangers' | 'wrongTtl' | 'malformed'): void {
    this.#discarded[why]++;
    this.#flood.discarded();
  }

  /** Unlike any other, and not 0 (RFC 5880 section 6.8.1); random, so that nobody can know it. */
  #newDiscriminator(): number {
    for (;;) {
      const discriminator = Math.floor(this.#options.random() * 0x1_0000_0000) >>> 0;
      if (discriminator !== 0 && !this.#discriminators.has(discriminator)) return discriminator;
    }
  }

  // ---------------------------------------------------------------- reports

  #changed(key: string): void {
    const member = this.#members.get(key);
    if (member === undefined) return;
    this.#tell(member);
    const { localAddress } = member.session.config;
    // The kernel may send from another address by now.
    if (localAddress === undefined && statusOf(member).verdict === 'down')
      member.retry ??= this.#options.clock.schedule(RETRY_MS, () => this.#reopen(member));
  }

  #tell(member: Member): void {
    this.#options.onReport({ kind: 'session-status', session: statusOf(member) });
  }

  #view(): BfdView {
    const sessions = [...this.#members.values()].map(statusOf);
    return { sessions, discarded: { ...this.#discarded, unseen: this.#options.transport.dropped } };
  }

  #log(message: string, { key, address }: BfdSessionConfig, error: string): void {
    this.#options.onReport({ kind: 'log', level: 'warn', message, fields: { session: key, address, error } });
  }
}

function isFor({ yourDiscriminator }: ControlPacket, { session }: Member): boolean {
  return yourDiscriminator === 0 || yourDiscriminator === session.localDiscriminator;
}

function statusOf({ session, channel, info }: Member): BfdSessionStatus {
  return session.status(info, channel?.localAddress ?? session.config.localAddress);
}

function samePath(a: BfdPath, b: BfdPath): boolean {
  return (
    a.address === b.address &&
    a.localAddress === b.localAddress &&
    a.interface === b.interface &&
    a.multihop === b.multihop
  );
}

/** What tells sessions apart while their discriminators are not known yet. */
function pathOf(
  { address, interface: name, multihop }: Pick<BfdPath, 'address' | 'interface' | 'multihop'>,
  { localAddress }: { readonly localAddress: string },
): string {
  return `${address} ${localAddress} ${name ?? ''} ${multihop ? 'multihop' : 'single hop'}`;
}
