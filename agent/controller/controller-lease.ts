/** SHELL: this host's part in the choice of the controller: the lease read, claimed and renewed; `controller-step.ts` decides. */
import type { Clock, Timer } from '../../core/clock.js';
import type { Store } from '../../store/port.js';
import { CONTROLLER_LEASE, leaseDocument } from '../lease/lease-document.js';
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

const ID = { kind: 'Lease', name: CONTROLLER_LEASE } as const;
/** A goodbye is worth no more waiting. */
const RELEASE_PATIENCE_MS = 1000;

export class ControllerLease {
  readonly #options: ControllerLeaseOptions;
  #state: ControllerState = nobody;
  #revision = '';
  #patienceMs: number;
  #timer: Timer | undefined;
  #turn: Promise<void> | undefined;
  #closed = false;
  #told = '';

  constructor(options: ControllerLeaseOptions) {
    this.#options = options;
    this.#patienceMs = this.#newPatience();
  }

  start(): void {
    this.#schedule(0);
  }

  /** Whether this host may act as the controller at this moment. */
  mayAct(): boolean {
    return !this.#closed && mayAct(this.#state, this.#options.clock.now());
  }

  /** As it was read or written last; undefined: nothing is known of one. */
  get spec(): LeaseSpec | undefined {
    return this.#state.kind === 'holding' ? this.#state.spec : this.#state.sight?.spec;
  }

  /** Acts no more, and leaves the part to others at once where the store can be told. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const patience = new Promise<void>(done => setTimeout(done, RELEASE_PATIENCE_MS).unref());
    await Promise.race([this.#release(), patience]);
  }

  #schedule(milliseconds: number): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.schedule(milliseconds, () => {
      this.#turn = this.#take().then(() => this.#turnTaken());
    });
  }

  async #release(): Promise<void> {
    await this.#turn;
    if (this.#state.kind === 'holding')
      await this.#options.store.delete(ID, this.#revision, { replicated: true });
    this.#state = nobody;
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
    if (this.#state.kind === 'holding' && !this.#state.doubtful) return await this.#write(this.#state.spec);
    const { store, clock, process, durationSeconds } = this.#options;
    const startedMs = clock.now();
    const found = await store.get(ID);
    const before = this.#state.kind === 'following' ? this.#state.sight : undefined;
    if (found.kind === 'error' && found.error.kind !== 'not-found') {
      if (this.#state.kind === 'following') this.#follow(missLease(before));
      return;
    }
    let sight: LeaseSight | undefined;
    if (found.kind === 'ok' && found.value.resource.kind === 'Lease') {
      this.#revision = found.value.revision;
      const longestGapMs = durationSeconds() * 1000;
      sight = seeLease(before, found.value.resource.spec, {
        startedMs,
        endedMs: clock.now(),
        longestGapMs,
      });
    }
    switch (controllerMove(sight, process, this.#patienceMs)) {
      case 'claim':
        this.#state = { kind: 'following', sight };
        return await this.#write(sight?.spec);
      case 'renew':
        return await this.#write(sight?.spec);
      case 'follow':
        return this.#follow(sight);
    }
  }

  /** In place of `found`, or where there is nothing. */
  async #write(found: LeaseSpec | undefined): Promise<void> {
    const { store, clock } = this.#options;
    const document = leaseDocument(CONTROLLER_LEASE, this.#next(found));
    const startedMs = clock.now();
    const options = { replicated: true };
    const written =
      found === undefined
        ? await store.create(document, options)
        : await store.update(document, this.#revision, options);
    if (written.kind === 'ok') {
      this.#revision = written.value.revision;
      const { spec } = document;
      const revision = this.#revision;
      this.#state = { kind: 'holding', spec, revision, confirmedMs: startedMs, doubtful: false };
      return;
    }
    if (written.error.kind === 'unavailable') {
      if (this.#state.kind === 'holding') this.#doubt(this.#state, document.spec);
      else this.#follow(missLease(this.#state.sight));
    } else this.#follow(undefined);
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
