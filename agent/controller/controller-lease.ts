/** SHELL: this host's part in the choice of the controller: the lease read, claimed and renewed; `controller-step.ts` decides. */
import type { Clock, Timer } from '../../core/clock.js';
import type { Store } from '../../store/port.js';
import { CONTROLLER_LEASE } from '../lease/lease-document.js';
import { LeaseRecord } from '../lease/lease-record.js';
import { type LeaseSight, type LeaseSpec, missLease, seeLease } from '../lease/lease-sight.js';
import { type ControllerState, controllerMove, mayAct, nextTurnMs, nobody } from './controller-step.js';

export interface ControllerLeaseOptions {
  readonly nodeName: string;
  readonly instance: string;
  readonly process: string;
  readonly store: Store;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly unixMs: () => number;
  /** By which it is claimed; asked for anew each time. */
  readonly durationSeconds: () => number;
  /** After each look at it, and each renewal. */
  readonly turned: () => void;
  /** Somebody else holds it now. */
  readonly changed: () => void;
}

/** A goodbye is worth no more waiting. */
const RELEASE_PATIENCE_MS = 1000;

export class ControllerLease {
  readonly #options: ControllerLeaseOptions;
  readonly #record: LeaseRecord;
  #state: ControllerState = nobody;
  #patienceMs: number;
  #timer: Timer | undefined;
  #turn: Promise<void> | undefined;
  #started = false;
  #told = '';

  constructor(options: ControllerLeaseOptions) {
    this.#options = options;
    this.#record = new LeaseRecord(options.store, options.clock, CONTROLLER_LEASE);
    this.#patienceMs = this.#newPatience();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#schedule(0);
  }

  /** Whether this host may act as the controller at this moment. */
  mayAct(): boolean {
    return this.#started && mayAct(this.#state, this.#options.clock.now());
  }

  /** As it was read or written last; undefined: nothing is known of one. */
  get spec(): LeaseSpec | undefined {
    return this.#state.kind === 'holding' ? this.#state.spec : this.#state.sight?.spec;
  }

  /** Acts no more until it is started again, and leaves the part to others at once where the store can be told. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#timer?.cancel();
    const patience = new Promise<void>(done => setTimeout(done, RELEASE_PATIENCE_MS).unref());
    await Promise.race([this.#release(), patience]);
  }

  async #release(): Promise<void> {
    await this.#turn;
    if (this.#started || this.#state.kind !== 'holding') return;
    this.#state = nobody;
    await this.#record.remove();
  }

  #schedule(milliseconds: number): void {
    if (!this.#started) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(milliseconds, () => {
      const before = this.#turn;
      this.#turn = Promise.resolve(before)
        .then(() => this.#take())
        .then(() => this.#turnTaken());
    });
  }

  #turnTaken(): void {
    const { durationSeconds, random, turned, changed } = this.#options;
    const told = `${this.#state.kind} ${this.spec?.process} ${this.spec?.holder}`;
    if (told !== this.#told) changed();
    this.#told = told;
    turned();
    this.#schedule(nextTurnMs(this.#state, this.#patienceMs, durationSeconds(), random()));
  }

  async #take(): Promise<void> {
    if (!this.#started) return;
    if (this.#state.kind === 'holding' && !this.#state.doubtful) return await this.#write(this.#state.spec);
    const before = this.#state.kind === 'following' ? this.#state.sight : undefined;
    const found = await this.#record.read();
    if (found.kind === 'unavailable') {
      if (this.#state.kind === 'following') this.#follow(missLease(before));
      return;
    }
    const longestGapMs = this.#options.durationSeconds() * 1000;
    const sight =
      found.spec === undefined ? undefined : seeLease(before, found.spec, { ...found, longestGapMs });
    const move = controllerMove(sight, this.#options.process, this.#patienceMs);
    if (move !== 'renew') this.#follow(sight);
    if (move !== 'follow') await this.#write(sight?.spec);
  }

  /** In place of what was found. */
  async #write(found: LeaseSpec | undefined): Promise<void> {
    const spec = this.#next(found);
    const written = await this.#record.write(spec);
    switch (written.kind) {
      case 'written':
        this.#state = { kind: 'holding', spec, confirmedMs: written.startedMs, doubtful: false };
        return;
      case 'raced':
        return this.#follow(undefined);
      case 'unavailable':
        if (this.#state.kind === 'holding') this.#doubt(this.#state, spec);
        else this.#follow(missLease(this.#state.sight));
    }
  }

  #next(found: LeaseSpec | undefined): LeaseSpec {
    const { nodeName, instance, process, unixMs, durationSeconds } = this.#options;
    const mine = found?.process === process;
    return {
      ...{ holder: nodeName, instance, process },
      term: mine ? found.term : (found?.term ?? 0) + 1,
      renewals: (found?.renewals ?? 0) + 1,
      durationSeconds: durationSeconds(),
      sinceUnixMs: mine ? found.sinceUnixMs : unixMs(),
      renewedUnixMs: unixMs(),
    };
  }

  /** Others go by the shorter of the two, if it is there. */
  #doubt(state: ControllerState & { readonly kind: 'holding' }, tried: LeaseSpec): void {
    const seconds = Math.min(state.spec.durationSeconds, tried.durationSeconds);
    this.#state = { ...state, spec: { ...state.spec, durationSeconds: seconds }, doubtful: true };
  }

  #follow(sight: LeaseSight | undefined): void {
    if (this.#state.kind === 'holding') this.#patienceMs = this.#newPatience();
    this.#state = { kind: 'following', sight };
  }

  #newPatience(): number {
    const { random, durationSeconds } = this.#options;
    return (random() * durationSeconds() * 1000) / 3;
  }
}
