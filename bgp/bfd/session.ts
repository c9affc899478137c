/**
 * One BFD session in asynchronous mode (RFC 5880 section 6.8): the variables of section 6.8.1 and the two timers. What is sent and what
 * is heard goes through {@link SessionPorts}; nothing here knows a socket.
 *
 * A detection time that is over by the clock is not over yet: where this thread itself was late, the peer's packets lie unread in the
 * kernel. They are read first (`catchUp`), and only then is silence taken for silence.
 */
import type { Clock } from '../../core/clock.js';
import { RateLimit } from '../../core/rate-limit.js';
import { Timers } from '../speaker/timers.js';
import type { BfdSessionConfig, BfdSessionStatus } from './contract.js';
import { type ControlPacket, encodeControlPacket } from './control-packet.js';
import { detectionTimeUs, jittered, transmitIntervalUs } from './intervals.js';
import { type Intervals, Negotiation } from './negotiation.js';
import { BfdState, SLOW_INTERVAL_US } from './registry.js';
import { sessionStatus, verdictOf } from './session-status.js';
import { type BfdEvent, step } from './state-machine.js';

export interface SessionPorts {
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly unixMs: () => number;
  /** Reads what has arrived and was not looked at yet. */
  readonly catchUp: () => void;
  readonly send: (packet: Uint8Array) => void;
  /** Anything that a status shows has changed, but for counters. */
  readonly changed: () => void;
}

/** A packet that is sent no later than this after its time counts as sent in time: the next is due as if it had been. */
const SLACK_MS = 10;

export class BfdSession {
  readonly localDiscriminator: number;
  readonly #ports: SessionPorts;
  readonly #timers: Timers<'transmit' | 'detect'>;
  readonly #negotiation: Negotiation;
  readonly counters = { packetsReceived: 0, packetsSent: 0, rateLimited: 0, wrongTtl: 0 };
  #config: BfdSessionConfig;
  #limit: RateLimit;
  #state: BfdState = BfdState.down;
  #diagnostic = 0;
  /** The last packet, until a detection time of silence has passed. */
  #remote: ControlPacket | undefined;
  #heardAt = 0;
  #sent: ControlPacket | undefined;
  #sentAt: number;
  /** When the next periodic packet is due, and the interval that says so. */
  #dueAt = 0;
  #dueIntervalUs: number | undefined;
  #sinceUnixMs: number;
  #flaps = 0;
  #lastDownDiagnostic = 0;
  /** It was up, and the peer is lost or has given the session up. */
  #lost = false;
  #peerAdminDown = false;

  constructor(localDiscriminator: number, config: BfdSessionConfig, ports: SessionPorts) {
    this.localDiscriminator = localDiscriminator;
    this.#config = config;
    this.#ports = ports;
    this.#timers = new Timers(ports.clock, name => (name === 'transmit' ? this.#due() : this.#silence()));
    this.#negotiation = new Negotiation(this.#intervals());
    this.#limit = rateLimit(ports.clock, config);
    this.#sentAt = ports.clock.now();
    this.#sinceUnixMs = ports.unixMs();
    if (config.administrativeState === 'down') this.#step({ kind: 'disable' });
    else this.#sendPacket(false);
    this.#schedule();
  }

  get config(): BfdSessionConfig {
    return this.#config;
  }

  /** The same path with other timers, or switched on or off. */
  configure(config: BfdSessionConfig): void {
    this.#config = config;
    this.#limit = rateLimit(this.#ports.clock, config);
    this.#step({ kind: config.administrativeState === 'down' ? 'disable' : 'enable' });
    if (this.#state === BfdState.up) this.#negotiation.change(this.#intervals());
    else this.#negotiation.replace(this.#intervals(), this.#remote !== undefined);
    this.#followUp(false);
    this.#ports.changed();
  }

  /** A packet that was found to be for this session, from section 6.8.6 "Set bfd.RemoteDiscr" on. */
  receive(packet: ControlPacket): void {
    if (!this.#limit.take()) {
      this.counters.rateLimited++;
      return;
    }
    this.counters.packetsReceived++;
    const before = this.#remote;
    const polled = this.#negotiation.polling;
    this.#remote = packet;
    this.#heardAt = this.#ports.clock.now();
    this.#peerAdminDown = packet.state === BfdState.adminDown;
    if (this.#peerAdminDown) this.#lost = false;
    this.#negotiation.received(packet.final);
    const moved = this.#step({ kind: 'peer-state', state: packet.state });
    const over = this.#state === BfdState.adminDown;
    this.#followUp(packet.poll && !over);
    if (moved || polled !== this.#negotiation.polling || before === undefined || differs(before, packet))
      this.#ports.changed();
  }

  /**
   * AdminDown, told at once. How long the peer may need to hear of it, milliseconds: our own packets are to go on until then
   * (section 6.8.16). Partly the peer's to choose: up to days.
   */
  disable(): number {
    const known = this.#remote !== undefined;
    this.configure({ ...this.#config, administrativeState: 'down' });
    return known ? (this.#config.multiplier * (this.#intervalUs() ?? 0)) / 1000 : 0;
  }

  /** What was said last, once more. */
  repeat(): void {
    this.#sendPacket(false);
  }

  close(): void {
    this.#timers.clearAll();
  }

  status(info: string, localAddress: BfdSessionConfig['localAddress']): BfdSessionStatus {
    return sessionStatus({
      config: { ...this.#config, localAddress },
      state: this.#state,
      verdict: verdictOf({ state: this.#state, peerAdminDown: this.#peerAdminDown, lost: this.#lost }),
      sinceUnixMs: this.#sinceUnixMs,
      diagnostic: this.#lastDownDiagnostic,
      info,
      localDiscriminator: this.localDiscriminator,
      transmitIntervalUs: this.#intervalUs(),
      detectionTimeUs: this.#remote === undefined ? undefined : this.#detectionUs(this.#remote),
      polling: this.#negotiation.polling,
      remote: this.#remote,
      flaps: this.#flaps,
      counters: { ...this.counters },
    });
  }

  // ---------------------------------------------------------------- state

  /** True if the state is another one now. */
  #step(event: BfdEvent): boolean {
    const before = this.#state;
    const { state, diagnostic } = step(before, event);
    if (diagnostic !== undefined) this.#diagnostic = diagnostic;
    if (state === before) return false;
    this.#state = state;
    this.#sinceUnixMs = this.#ports.unixMs();
    if (before === BfdState.up) {
      this.#flaps++;
      this.#lastDownDiagnostic = this.#diagnostic;
      this.#lost = true;
    }
    if (state === BfdState.up || state === BfdState.adminDown || this.#peerAdminDown) this.#lost = false;
    // Sections 6.8.3 and 6.8.7: slow unless Up; each change of what was told is polled for.
    this.#negotiation.replace(this.#intervals(), this.#remote !== undefined);
    return true;
  }

  #intervals(): Intervals {
    const minTxUs = this.#config.minTxMs * 1000;
    return {
      desiredMinTxUs: this.#state === BfdState.up ? minTxUs : Math.max(minTxUs, SLOW_INTERVAL_US),
      requiredMinRxUs: this.#config.minRxMs * 1000,
    };
  }

  // ---------------------------------------------------------------- timers

  #followUp(final: boolean): void {
    this.#listen();
    if (final) this.#sendPacket(true);
    else if (this.#sent === undefined || differs(this.#sent, this.#packet(false))) this.#sendPacket(false);
    this.#schedule();
  }

  #detectionUs(remote: ControlPacket): number {
    return detectionTimeUs(this.#negotiation.used.requiredMinRxUs, remote);
  }

  #listen(): void {
    if (this.#remote === undefined) return;
    const over = this.#heardAt + this.#detectionUs(this.#remote) / 1000;
    this.#timers.set('detect', Math.max(0, over - this.#ports.clock.now()) / 1000);
  }

  /** Section 6.8.4, and section 6.8.1 of bfd.RemoteDiscr. */
  #silence(): void {
    this.#ports.catchUp();
    const { clock } = this.#ports;
    if (this.#remote === undefined) return;
    if (this.#heardAt + this.#detectionUs(this.#remote) / 1000 - clock.now() > 1) {
      this.#listen();
      return;
    }
    this.#remote = undefined;
    this.#step({ kind: 'detection-time-expired' });
    this.#negotiation.replace(this.#intervals(), false);
    this.#followUp(false);
    this.#ports.changed();
  }

  /** Undefined: nothing is sent of our own accord (section 6.8.7). */
  #intervalUs(): number | undefined {
    const remote = this.#remote;
    const quiet =
      remote?.demand === true &&
      this.#state === BfdState.up &&
      remote.state === BfdState.up &&
      !this.#negotiation.polling;
    if (quiet) return undefined;
    return transmitIntervalUs(this.#negotiation.used.desiredMinTxUs, remote?.requiredMinRxUs ?? 1);
  }

  /** "MUST honor the new interval immediately": counted from the last packet. */
  #schedule(): void {
    const interval = this.#intervalUs();
    if (interval === this.#dueIntervalUs && this.#dueAt > this.#sentAt) return;
    this.#dueIntervalUs = interval;
    if (interval === undefined) this.#timers.clear('transmit');
    else this.#plan(this.#sentAt, interval);
  }

  #plan(from: number, intervalUs: number): void {
    const { clock, random } = this.#ports;
    this.#dueAt = from + jittered(intervalUs / 1000, this.#config.multiplier, random());
    this.#timers.set('transmit', Math.max(0, this.#dueAt - clock.now()) / 1000);
  }

  #due(): void {
    const due = this.#dueAt;
    const interval = this.#intervalUs();
    this.#dueIntervalUs = interval;
    if (interval === undefined) return;
    this.#sendPacket(false);
    this.#plan(this.#sentAt - due <= SLACK_MS ? due : this.#sentAt, interval);
  }

  // ---------------------------------------------------------------- packets

  #packet(final: boolean): ControlPacket {
    const { desiredMinTxUs, requiredMinRxUs } = this.#negotiation.told;
    return {
      diagnostic: this.#diagnostic,
      state: this.#state,
      poll: this.#negotiation.polling && !final,
      final,
      // BFD ends with the process that is the control plane.
      controlPlaneIndependent: false,
      demand: false,
      detectMultiplier: this.#config.multiplier,
      myDiscriminator: this.localDiscriminator,
      yourDiscriminator: this.#remote?.myDiscriminator ?? 0,
      desiredMinTxUs,
      requiredMinRxUs,
      requiredMinEchoRxUs: 0,
    };
  }

  #sendPacket(final: boolean): void {
    const packet = this.#packet(final);
    this.#sent = packet;
    this.#sentAt = this.#ports.clock.now();
    this.counters.packetsSent++;
    this.#ports.send(encodeControlPacket(packet));
  }
}

/** Four times what the fastest honest peer sends, and what comes in one go after five seconds of our own absence. */
function rateLimit(clock: Clock, { minRxMs }: BfdSessionConfig): RateLimit {
  const perSecond = Math.max(20, 4000 / minRxMs);
  return new RateLimit(clock, perSecond, 5 * perSecond);
}

/** Other than in Poll and Final. */
function differs(a: ControlPacket, b: ControlPacket): boolean {
  return (
    a.state !== b.state ||
    a.diagnostic !== b.diagnostic ||
    a.demand !== b.demand ||
    a.controlPlaneIndependent !== b.controlPlaneIndependent ||
    a.detectMultiplier !== b.detectMultiplier ||
    a.myDiscriminator !== b.myDiscriminator ||
    a.yourDiscriminator !== b.yourDiscriminator ||
    a.desiredMinTxUs !== b.desiredMinTxUs ||
    a.requiredMinRxUs !== b.requiredMinRxUs
  );
}
